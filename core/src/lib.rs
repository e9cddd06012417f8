//! The pure core of partywall: from the bytes of a review and a snapshot to a verdict.
//!
//! No IO, no async, no clock, no client of the cluster: what decides is in the arguments. `bytes` →
//! [`review::decode`] → [`admit()`] → [`review::encode`] → `bytes`.
//!
//! INVARIANT: what cannot be decided is denied, with a message that says why.

mod admit;
pub mod api;
pub mod hosts;
pub mod json;
pub mod judging;
pub mod labels;
pub mod objects;
pub mod registration;
pub mod review;
pub mod rule_id;
pub mod rules;
mod stamp;
pub mod tenancy;
pub mod verdict;

pub use self::admit::{Answer, Phase, admit, answer};
