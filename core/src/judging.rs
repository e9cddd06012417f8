//! What rules share: what they look at, where their findings go, and questions that more than one of them asks.
//!
//! A rule gets a [`Subject`] and reports each [`Finding`] to [`Findings`], which sort out modes, exemptions and what
//! was there before. Nothing here knows any rule.

mod containers;
mod findings;
pub(crate) mod hosts;
mod namespaces;
pub(crate) mod placement;
mod subject;
pub(crate) mod users;
mod words;

pub(crate) use self::containers::changes_containers;
#[cfg(test)]
pub(crate) use self::findings::Sink;
pub(crate) use self::findings::{Before, Report, Update};
pub use self::findings::{Concern, Finding, Findings};
pub(crate) use self::namespaces::Own;
pub use self::subject::Subject;
pub(crate) use self::words::Listed;
