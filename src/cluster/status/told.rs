//! What the compiler tells of the objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use partywall_core::api::{FoundNamespaces, TenantStatus};
use partywall_core::tenancy::{ObjectName, State};

use crate::cluster::facts::SnapshotId;

/// What is to be said about the objects of the cluster, by the last compile.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// All objects that are in the cluster, also those of which nothing holds.
    pub(crate) objects: BTreeMap<ObjectName, ToldObject>,
    /// The snapshot of the compile.
    pub(crate) snapshot: SnapshotId,
}

/// What is to be said about an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ToldObject {
    /// Its identity.
    pub(crate) uid: Box<str>,
    /// The generation that was compiled.
    pub(crate) generation: i64,
    /// Its status, as last read; `None` if it has none, or none that can be read.
    pub(crate) status: Option<Arc<TenantStatus>>,
    /// The form that holds, and what is wrong with it.
    pub(crate) state: State,
    /// The namespaces of a Tenant.
    pub(crate) namespaces: Option<FoundNamespaces>,
}
