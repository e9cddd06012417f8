//! What is read of a cluster, without what no check needs.

use std::collections::BTreeMap;

use partywall_core::api::Condition;
use partywall_core::tenancy::{ObjectName, Snapshot, State};
use serde::Deserialize;
use serde_json::Value;

use super::finding::Look;
use crate::cluster::facts::Replica;
use crate::cluster::item::Item;

/// What was read of an installation and its cluster.
pub(super) struct Seen {
    /// The namespace of partywall.
    pub(super) namespace: String,
    pub(super) mutating: Look<Option<Value>>,
    pub(super) validating: Look<Option<Value>>,
    /// The CustomResourceDefinitions, by the names that they should have.
    pub(super) definitions: Vec<(String, Look<Option<Value>>)>,
    /// The objects of partywall, compiled.
    pub(super) policies: Look<Policies>,
    pub(super) namespaces: Look<Vec<Namespace>>,
    pub(super) nodes: Look<Vec<Node>>,
    /// The pods that run on a node.
    pub(super) pods: Look<Vec<Pod>>,
    pub(super) daemon_sets: Look<Vec<Value>>,
    pub(super) leases: Look<Vec<Lease>>,
    /// Whether the Secret with the CAs is there.
    pub(super) has_secret: Look<bool>,
    pub(super) deployment: Look<Option<Value>>,
}

/// The objects of partywall, as the replicas compile them.
pub(super) struct Policies {
    pub(super) snapshot: Snapshot,
    pub(super) states: BTreeMap<ObjectName, State>,
    /// The conditions `Ready` that the replicas wrote about the present generation of each object.
    pub(super) ready: BTreeMap<ObjectName, Condition>,
}

/// A Namespace, of which the metadata is read.
pub(super) type Namespace = Item;

/// A Node.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Node {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: NodeSpec,
}

/// The taints of a Node.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct NodeSpec {
    #[serde(default)]
    pub(super) taints: Vec<NodeTaint>,
}

/// A taint of a Node.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct NodeTaint {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
    pub(super) effect: String,
}

/// A Pod.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pod {
    pub(super) metadata: PodMetadata,
    #[serde(default)]
    pub(super) spec: PodSpec,
    #[serde(default)]
    pub(super) status: PodStatus,
}

/// The names of a Pod.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct PodMetadata {
    pub(super) name: Box<str>,
    pub(super) namespace: Box<str>,
}

/// Where a Pod runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    #[serde(default)]
    pub(super) node_name: Box<str>,
}

/// Whether a Pod runs.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct PodStatus {
    #[serde(default)]
    phase: Box<str>,
}

impl Pod {
    /// Returns whether the pod is on a node, and has not ended there.
    pub(super) fn runs(&self) -> bool {
        !self.spec.node_name.is_empty() && !matches!(&*self.status.phase, "Succeeded" | "Failed")
    }
}

/// The name and the labels of an object.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

/// A Lease of partywall.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) name: String,
    /// What the replica says about itself that holds it, unless it is another Lease.
    pub(super) replica: Option<Replica>,
    /// Whether somebody holds and renews it.
    pub(super) is_live: bool,
}
