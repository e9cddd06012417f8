//! What the status of partywall's objects says, and its writer.
//!
//! ```text
//! last compile → Told ┐
//! Registered ─────────┼→ wanted status of each object → plan: which to write now → API server
//! Replicas (leads) ───┘
//! ```
//!
//! The conditions are those of kstatus, by which GitOps tools wait: exactly one of `Ready`, `Reconciling` and `Stalled`
//! is true. Only what its author must change is `Stalled`. What refers to an object that is not there, or contests
//! something, is `Reconciling`, since objects are applied in any order.

mod conditions;
mod plan;
mod text;
mod told;
mod write;

pub(super) use self::told::{Told, ToldObject};
pub(super) use self::write::{Statuses, write};
