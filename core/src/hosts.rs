//! Parses hosts and domains, and decides which tenant's domains contain a host.

mod domains;

pub(crate) use self::domains::parents;
pub use self::domains::{Domain, DomainError, Domains, Host, HostError};
