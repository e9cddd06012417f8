//! Judges the hosts that an object claims in fields and annotations, and the DNS names of Services.

mod annotations;
mod characters;
mod claims;
pub(crate) mod service_names;

pub(crate) use self::annotations::{Bears, hosts};
pub(crate) use self::characters::{PUNCTUATION, is_pattern, is_plain};
pub(crate) use self::claims::Claims;
