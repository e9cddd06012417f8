//! Hosts and the domains they belong to: the one place that says whose a host is.

mod domains;

pub(crate) use self::domains::parents;
pub use self::domains::{Domain, DomainError, Domains, Host, HostError};
