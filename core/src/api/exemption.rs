use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An exception from rules: visible, justified, expiring, and never a label that the tenant can write.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(group = "partywall.dev", version = "v1alpha1", kind = "Exemption", derive = "PartialEq")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExemptionSpec {
    /// The tenant it holds for; this or `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The namespace of a platform workload outside tenants' and system namespaces; this or `tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The rules that don't hold, by id.
    pub rules: Vec<String>,
    /// What they don't hold for.
    pub target: Target,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    pub expires: String,
}

/// The object an exemption is about; the pods that its controller makes are meant too.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// The object's kind.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The containers it is limited to, by name; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<String>>,
}
