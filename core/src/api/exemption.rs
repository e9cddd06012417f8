use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An exception from rules for one object, with a reason and a last day.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(group = "partywall.dev", version = "v1alpha1", kind = "Exemption", derive = "PartialEq")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExemptionSpec {
    /// The name of the Tenant that the object belongs to: it may be in any of the tenant's namespaces. Write either
    /// this or `namespace`. Absent: `namespace` says where the object is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The namespace of the object, if it is neither a tenant's nor one of `systemNamespaces`. Write either this or
    /// `tenant`. Absent: `tenant` says where the object is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The rules that don't hold for the object, by id: at least one.
    pub rules: Vec<String>,
    /// The object that is exempt. The exemption also holds for the pods that Kubernetes' controllers create for it.
    pub target: Target,
    /// Why the exemption exists. It may not be empty.
    pub reason: String,
    /// The last day on which the exemption holds, as `YYYY-MM-DD`. The exemption ends at midnight UTC after this day.
    pub expires: String,
}

/// The object that an exemption is for. The exemption also holds for the pods that Kubernetes' controllers create for
/// it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The object's kind, as Kubernetes spells it, such as `DaemonSet`.
    pub kind: String,
    /// The object's exact name.
    pub name: String,
    /// The containers that the exemption is limited to, by name. Violations by the pod as a whole, such as
    /// `hostNetwork`, are then not exempt. Absent: all containers, and the whole object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<String>>,
}
