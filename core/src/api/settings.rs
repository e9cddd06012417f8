use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What holds for the whole cluster; there is one, named `default`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(
        group = "partywall.dev",
        version = "v1alpha1",
        kind = "Settings",
        plural = "settings",
        derive = "PartialEq"
    )
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
    /// Who may change what makes a namespace what it is, and what is labelled `partywall.dev/managed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Who, beside the cluster's own controllers, may write what only controllers write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers: Option<Controllers>,
    /// Kinds of other APIs that claim hosts, and where in them the hosts are; such kinds are denied where they are
    /// not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_routes: Option<Vec<ForeignRoute>>,
    /// Prefixes of annotations that ingress-nginx is told to read beside its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_prefixes: Option<Vec<String>>,
    /// The mode of each rule; a rule that is not named keeps the mode of the embedded default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Mode>,
}

/// The platform team, by exact names; a list that is absent is that of the embedded default.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Platform {
    /// Names of users; a ServiceAccount's is `system:serviceaccount:<namespace>:<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// Names of groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Keys of labels and annotations of tenants' namespaces that nobody else changes, beside those that are known to
    /// protect them; such as what the listeners of a Gateway select namespaces by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_keys: Option<Vec<String>>,
}

/// Controllers, by the exact names of the users that they are; a list that is absent is that of the embedded default.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Controllers {
    /// Who writes Endpoints and EndpointSlices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<String>>,
    /// Who writes cert-manager's CertificateRequests, Orders and Challenges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<String>>,
    /// Who writes routes of kinds that tenants may not write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// Who binds pods to nodes: schedulers that tenants may name, whose nodeSelector and affinity hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<Vec<String>>,
}

/// A kind of another API that tenants may write.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignRoute {
    /// Its API group, in all its versions.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// Where its hosts are, such as `.spec.hosts[*]`. What is missing there claims every host. Absent: the kind bears
    /// no hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Where it may have further hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional_hosts: Vec<String>,
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
