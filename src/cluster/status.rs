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
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use partywall_core::api::{FoundNamespaces, TenantStatus};
use partywall_core::tenancy::{ObjectName, State};

pub(super) use self::write::{Statuses, write};

/// What is to be said about the objects of the cluster, by the last compile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// All objects that are in the cluster, also those of which nothing holds.
    pub(super) objects: BTreeMap<ObjectName, ToldObject>,
}

/// What is to be said about an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ToldObject {
    /// Its identity.
    pub(super) uid: Box<str>,
    /// The generation that was compiled.
    pub(super) generation: i64,
    /// Its status, as last read; `None` if it has none, or none that can be read.
    pub(super) status: Option<Arc<TenantStatus>>,
    /// The form that holds, and what is wrong with it.
    pub(super) state: State,
    /// The namespaces of a Tenant.
    pub(super) namespaces: Option<FoundNamespaces>,
}
