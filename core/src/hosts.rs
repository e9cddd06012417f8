//! Parses hosts and domains, and decides which tenant's domains contain a host.

mod domains;
mod names;
mod patterns;

pub(crate) use self::domains::parents;
pub use self::domains::{Domain, DomainError, Domains, Host};
pub use self::names::HostError;
pub(crate) use self::patterns::OwnedPattern;
pub use self::patterns::{HostPattern, PatternError};
