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
    /// The name of the Tenant that the object belongs to. Absent: `namespace` says where the object is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The namespace of the object. With `tenant` it is one of the tenant's; without, it is neither a tenant's nor one
    /// of `systemNamespaces`. Absent: any of the tenant's namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The rules that don't hold for the object, by id: at least one.
    pub rules: Vec<String>,
    /// The controls of the rule `pod-security` that don't hold for the object, by id, such as `hostPathVolumes`: at
    /// least one. Absent: if the rule is listed, none of its controls holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controls: Option<Vec<String>>,
    /// The images that the exemption is limited to: at least one. `registry.example.com/agent` stands for all tags and
    /// digests, and with a tag or a digest for that one alone. A container with another image is not exempt, and what
    /// concerns the whole pod is exempt only if no container has another image. Absent: any image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
    /// The paths of nodes that the exemption is limited to, each with those below it: at least one. A hostPath volume
    /// of another path is not exempt. Absent: any path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_paths: Option<Vec<String>>,
    /// The object that is exempt. The exemption also holds for the pods that Kubernetes' controllers create for it,
    /// which only its name tells: whoever can create such an object can use the exemption, within what `namespace`,
    /// `images`, `controls` and `hostPaths` allow.
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
    /// The API group of the kind, without a version, such as `apps`. Absent: the group of Kubernetes' own kind of this
    /// name, or else any group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The object's kind, as Kubernetes spells it, such as `DaemonSet`. Absent: `Pod`, if `container` says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object's exact name. Absent: every pod that has the container `container`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of a container that another webhook adds to every pod. Write it without `name`, and its images in
    /// `images`. Absent: the exemption is for the object called `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The containers that the exemption is limited to, by name. Violations by the pod as a whole, such as
    /// `hostNetwork`, are then not exempt. Absent: all containers, and the whole object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Vec<String>>,
}
