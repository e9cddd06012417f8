use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TolerationGrant;

/// The settings of the whole cluster. There is one object of this kind, and its name is `default`.
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
    /// Says where the stamp writes the labels of a pod's pool. It writes them only if the rule `node-placement` is at
    /// `deny`. Absent: `Both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<StampMode>,
    /// Says whether every node supports user namespaces. If so, `hostUsers: false` relaxes the rule `pod-security` as
    /// far as the Pod Security Standards allow. Absent: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_namespaces: Option<bool>,
    /// Says what happens to a Deployment, a Job or another object with a pod template, if its pods would be denied.
    /// Pods themselves are always judged. Absent: `warn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Workloads>,
    /// Says whether a kubelet may show its static pods in tenants' namespaces. Such a pod runs on the kubelet's node,
    /// whoever owns that node, and Services of the namespace could select it. Absent: `Deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror_pods: Option<MirrorPods>,
    /// Tolerations that every tenant's pods may have, in addition to those that Kubernetes adds to pods: list what a
    /// cloud's or an autoscaler's webhook adds to every pod. None may have the key of a NodePool's taint. Absent: none,
    /// or those of the `provider`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<TolerationGrant>>,
    /// Says whether pods may tolerate the taints of other nodes than those of NodePools. Absent: `Deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_taints: Option<OtherTaints>,
    /// The managed platform that the cluster runs on. Its own system namespaces are then among `systemNamespaces`, its
    /// controllers among the platform's users, and pods may have the tolerations that its webhooks add to them, except
    /// for taints of NodePools. A list of namespaces or users that the Settings contain replaces what would be added to
    /// it. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The namespaces in which partywall judges no objects, by exact name: at least one. It still judges who changes
    /// the labels of the namespaces themselves. List `kube-system` among them. With `serve --cluster`, the namespace of
    /// partywall is always one of them. Absent: `kube-system`, `kube-public`, `kube-node-lease` and
    /// `partywall-system`, and those of the `provider`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_namespaces: Option<Vec<String>>,
    /// The platform team. It may change the tenant of a namespace, the labels and annotations that protect the
    /// namespace, and objects with the label `partywall.dev/managed`. Absent: as in `policies/default.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Controllers that may write what tenants may not, in addition to the cluster's own. Of the ServiceAccounts in
    /// `policies/default.yaml`, only those in system namespaces are trusted. Absent: what each list says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controllers: Option<Controllers>,
    /// Kinds of ingress controllers and service meshes, such as `VirtualService`, that tenants may write, and the paths
    /// of the hosts in them. The rule `foreign-routes` denies the kinds that it knows to claim hosts, unless they are
    /// listed here. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_routes: Option<Vec<ForeignRoute>>,
    /// Kinds of other APIs whose controllers create pods, such as Argo's Rollout. partywall judges their pod templates
    /// like that of a Deployment, as `workloads` says, and an Exemption can be for such an object and the pods that
    /// its controller creates for it. Their pods are always judged. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_kinds: Option<Vec<WorkloadKind>>,
    /// Prefixes of annotations, without the slash, that ingress-nginx reads in addition to
    /// `nginx.ingress.kubernetes.io` (its flag `--annotations-prefix`). Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_prefixes: Option<Vec<String>>,
    /// Domains of annotations that no controller, network plugin or cloud of the cluster reads, such as `example.com`;
    /// domains below them count too. Their keys are harmless to the rules `ingress-annotations` and `pod-networks`,
    /// whatever their words; hosts and snippets in them are judged all the same. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_domains: Option<Vec<String>>,
    /// Hosts, such as that of a single sign-on, that every tenant may name in the annotations of Ingresses for external
    /// authentication, such as `auth-url` and `auth-signin`: exact names, also of a Service of the platform
    /// (`oauth2-proxy.login.svc.cluster.local`). Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hosts: Option<Vec<String>>,
    /// The most that partywall does in namespaces of tenants that say nothing else, and outside tenants: how
    /// partywall is introduced to a cluster in use. Who could reach a NodePool is judged by what holds for the pool's
    /// tenant. The rule `namespaces`, and the tenant's label on Namespaces, don't follow it. Absent: `Deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// The mode of each rule, by rule id. Absent: `deny` for each rule that is not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Mode>,
}

/// The platform team, by exact names.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Platform {
    /// Names of users. The name of a ServiceAccount is `system:serviceaccount:<namespace>:<name>`, and no
    /// ServiceAccount of a tenant's namespace is allowed here. Absent: two controllers of OpenShift and the one of
    /// Rancher, if their namespaces (`openshift-infra`, `cattle-system`) are among `systemNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// Names of groups. A group that also has tenants as members, such as `system:authenticated`, is not allowed here.
    /// Absent: `system:masters` and `kubeadm:cluster-admins`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Keys of labels and annotations that only the platform team may change on a tenant's namespace, in addition to
    /// those that partywall knows. List the labels by which listeners of a shared Gateway select namespaces. Absent:
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_keys: Option<Vec<String>>,
}

/// Controllers, by the exact names of their users. The name of a ServiceAccount is
/// `system:serviceaccount:<namespace>:<name>`, and no ServiceAccount of a tenant's namespace is allowed here.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Controllers {
    /// Users that may write Endpoints and EndpointSlices. Absent: the operator of Cilium in `kube-system`; also the
    /// controller of Knative Serving, if `knative-serving` is one of `systemNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<String>>,
    /// Users that may write CertificateRequests, Orders and Challenges of cert-manager. Absent: none, or the
    /// controller of cert-manager, if `cert-manager` is one of `systemNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<String>>,
    /// Users that may write objects of the kinds that the rule `foreign-routes` denies. Absent: the AWS Load Balancer
    /// Controller and the operator of Cilium in `kube-system`; also the controller of Knative Serving, if
    /// `knative-serving` is one of `systemNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// Users that may write Services of type `ExternalName` in tenants' namespaces, whatever name these point to.
    /// Absent: none, or the controller of Knative Serving, if `knative-serving` is one of `systemNamespaces`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// Users that may bind claims to volumes, and write the annotations of that, in addition to the cluster's own
    /// binder: what restores backups, or imports volumes for the platform. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<String>>,
    /// Users that may bind pods to nodes, in addition to the cluster's scheduler. List only schedulers that honour a
    /// pod's nodeSelector and affinity. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<Vec<String>>,
}

/// A kind of another API that tenants may write.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignRoute {
    /// The kind's API group, without a version, such as `networking.istio.io`. It stands for all versions.
    pub group: String,
    /// The kind, as Kubernetes spells it, such as `VirtualService`.
    pub kind: String,
    /// The paths of the hosts in an object, such as `.spec.hosts[*]`. An object in which such a path is missing
    /// claims every host, and is denied. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The paths of further hosts, which may be missing in an object. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional_hosts: Vec<String>,
}

/// A kind of another API whose controller creates pods.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadKind {
    /// The kind's API group, without a version, such as `argoproj.io`. It stands for all versions.
    pub group: String,
    /// The kind, as Kubernetes spells it, such as `Rollout`.
    pub kind: String,
    /// The plural of the kind's resource, such as `rollouts`.
    pub resource: String,
    /// The path of the pod template in an object, such as `.spec.template`, or of the templates in a list, such as
    /// `.spec.tasks[*].template`. A template has the fields `metadata` and `spec`. Absent: no template is judged, and
    /// only Exemptions can be for such an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// Says what happens when an object violates a rule.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The rule does not run.
    Off,
    /// The request is allowed, and an audit annotation and a metric record the violation.
    Audit,
    /// The request is allowed with a warning, which kubectl shows.
    Warn,
    /// The request is denied.
    Deny,
}

/// Limits what partywall does about the objects of a tenant, or of the whole cluster.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub enum Enforcement {
    /// Nothing is stamped or denied, and users see no warnings. Audit annotations, metrics and the log say what would
    /// be denied, and to which NodePool a pod would go.
    Audit,
    /// Nothing is stamped or denied. Warnings, which kubectl shows, say what would be.
    Warn,
    /// Pods are stamped, and each rule holds in its mode.
    #[default]
    Deny,
}

impl Enforcement {
    /// Returns the strictest mode that a rule can have.
    pub const fn strictest_mode(self) -> Mode {
        match self {
            Self::Audit => Mode::Audit,
            Self::Warn => Mode::Warn,
            Self::Deny => Mode::Deny,
        }
    }
}

/// Says what happens if a pod template breaks a rule.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Workloads {
    /// Templates are not judged.
    Off,
    /// The request is allowed, with a warning for each violation of a rule whose mode is `deny` or `warn`.
    Warn,
    /// Templates are judged like pods, each rule in its own mode.
    Deny,
}

/// A managed platform.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum Provider {
    /// Amazon Elastic Kubernetes Service.
    EKS,
    /// Azure Kubernetes Service.
    AKS,
    /// Google Kubernetes Engine.
    GKE,
    /// Red Hat OpenShift.
    OpenShift,
}

/// Says whether kubelets may show static pods in tenants' namespaces.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum MirrorPods {
    /// They may not. The static pods still run, but the API server does not show them.
    Deny,
    /// They may.
    Allow,
}

/// Says whether pods may tolerate the taints of other nodes than those of NodePools.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum OtherTaints {
    /// They may tolerate only those that a Tenant or the Settings list.
    Deny,
    /// Pods of tenants with NodePools may tolerate every taint whose key is no NodePool's and does not begin with
    /// `node-role.kubernetes.io/`: whatever they tolerate, they run only on their tenant's own nodes. This needs the
    /// stamp, so it holds only while the mode of `node-placement` is `deny`.
    Allow,
}

/// Says where the stamp writes the labels of a pod's pool.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum StampMode {
    /// Into each non-empty term of the required node affinity.
    NodeAffinity,
    /// Into the nodeSelector. If a pod may run in several pools, only labels that they share go there, and the others
    /// into the terms.
    NodeSelector,
    /// Into both.
    Both,
}
