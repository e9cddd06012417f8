//! Whose the hosts are that an object claims, whatever its kind: in fields, in annotations, and as names of Services.

mod annotations;
mod characters;
mod claims;
pub(crate) mod service_names;

pub(crate) use self::annotations::{Bears, hosts};
pub(crate) use self::characters::{PUNCTUATION, is_pattern, is_plain};
pub(crate) use self::claims::Claims;
