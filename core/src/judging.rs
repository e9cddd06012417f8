//! Holds what all rules share: their subject, their findings, and questions that several rules ask.
//!
//! A rule gets a [`Subject`] and reports each [`Finding`] to [`Findings`], which apply modes and exemptions and leave
//! out what the old object violates as well. This module depends on no rule.

pub(crate) mod annotations;
mod applied;
mod containers;
mod findings;
pub(crate) mod grammar;
pub(crate) mod hosts;
mod identity;
mod namespaces;
pub(crate) mod placement;
mod subject;
pub(crate) mod trusted_users;
mod words;

pub use self::applied::About;
pub(crate) use self::containers::changes_containers;
pub use self::findings::{Finding, Findings};
pub(crate) use self::findings::{OldViolations, Report, Sink, Update};
pub(crate) use self::identity::{Digest, Fingerprint};
pub(crate) use self::namespaces::OwnNamespaces;
pub use self::subject::Subject;
pub(crate) use self::words::{OneOf, some_of, words_of};
