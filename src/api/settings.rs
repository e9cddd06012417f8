use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What holds for the whole cluster; there is one, named `default`.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[kube(
    group = "partywall.dev",
    version = "v1alpha1",
    kind = "Settings",
    plural = "settings",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsSpec {
    /// Where the pool's labels are written; absent: `Both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<StampMode>,
    /// Every node supports user namespaces, so `hostUsers: false` may relax pod-security as the standard allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_namespaces: Option<bool>,
    /// The verdict on pod templates of Deployments and the like; absent: `warn`. Pods are always judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Workloads>,
    /// The namespaces that are never judged, by exact name; absent: those of the embedded default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_namespaces: Option<Vec<String>>,
    /// The mode of each rule; a rule that is not named keeps the mode of the embedded default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Mode>,
}

/// What a violation of a rule does.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The rule is not asked.
    Off,
    /// An audit annotation and a metric, nothing that the tenant sees.
    Audit,
    /// A warning, shown by kubectl.
    Warn,
    /// The request is denied.
    Deny,
}

/// The verdict on pod templates.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Workloads {
    /// Templates are not judged.
    Off,
    /// What their pods would be denied for is a warning.
    Warn,
    /// Templates are judged like pods.
    Deny,
}

/// Where the stamp writes the pool's labels.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum StampMode {
    /// Only into the required node affinity.
    NodeAffinity,
    /// Only into the nodeSelector.
    NodeSelector,
    /// Into both.
    Both,
}
