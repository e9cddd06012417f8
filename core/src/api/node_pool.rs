use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A set of nodes, described by the labels and taints that each of them carries. Tenants refer to it by name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(group = "partywall.dev", version = "v1alpha1", kind = "NodePool", derive = "PartialEq")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodePoolSpec {
    /// The labels that every node of the pool carries: at least one. The stamp writes them into the pods of the pool.
    /// Use a key that begins with `node-restriction.kubernetes.io/`, since a kubelet may set any other label on its
    /// own node.
    pub node_selector: BTreeMap<String, String>,
    /// The taints that every node of the pool carries. The stamp adds tolerations for them to the pods of the pool.
    /// No other pool may have a taint of the same key and value. Absent: none, so that nothing keeps other pods off
    /// these nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
    /// The RuntimeClasses that only these nodes serve: at least one. A pod of such a class names the pool, as it would
    /// with a label of the pool in its nodeSelector. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_classes: Option<Vec<String>>,
}

/// A taint of a pool's nodes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// The taint's key. It may not begin with `node.kubernetes.io/`.
    pub key: String,
    /// The taint's value. Absent: the empty value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The taint's effect. Absent: every effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// The effect of a taint on pods that don't tolerate it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The scheduler places only pods on the node that tolerate the taint.
    NoSchedule,
    /// The scheduler places pods that do not tolerate the taint on other nodes, if it can.
    PreferNoSchedule,
    /// Like `NoSchedule`, and running pods that do not tolerate the taint are evicted.
    NoExecute,
}

impl Effect {
    /// All of them, as an absent effect means.
    pub const ALL: [Self; 3] = [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute];

    /// Kubernetes' own spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}
