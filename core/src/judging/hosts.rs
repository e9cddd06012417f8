//! Judges the hosts that an object claims in fields and annotations, and the DNS names of Services.

mod annotations;
mod claims;
mod config_injection;
pub(crate) mod service_names;

pub(crate) use self::annotations::{HostAnnotation, hosts};
pub(crate) use self::claims::HostClaims;
pub(crate) use self::config_injection::{PUNCTUATION, is_pattern, is_plain};
