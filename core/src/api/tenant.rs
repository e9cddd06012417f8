use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effect, Mode};

/// A tenant: its namespaces, its nodes, and what it may do in them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(group = "partywall.dev", version = "v1alpha1", kind = "Tenant", derive = "PartialEq")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSpec {
    /// The tenant's namespaces by exact name; in a cluster also every namespace labelled `partywall.dev/tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// The pools that hold the tenant's pods; absent: pods are not pinned, all other rules hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_pools: Option<NodePools>,
    /// The hosts the tenant may claim: `d` that host, `*.d` one label below `d`, `**.d` any depth below `d`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The Pod Security Standard that holds; absent: `baseline`, `latest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security: Option<PodSecurity>,
    /// What Services may do; absent: only `ClusterIP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Services>,
    /// Tolerations the tenant may use beside those of its pools and the built-in ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<TolerationGrant>,
    /// The schedulers its pods may name; absent: `default-scheduler` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedulers: Option<Vec<String>>,
    /// The priority classes its pods may name, the cluster's default one included; absent: any that does not begin
    /// with `system-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_classes: Option<Vec<String>>,
    /// The runtime classes of its pods; absent: any or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_classes: Option<RuntimeClasses>,
    /// Where its images come from: registries, or paths in them, such as `registry.example.com/team`, by names and
    /// not by addresses; absent: anywhere. Names without a registry are Docker Hub's, `docker.io/library/nginx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_registries: Option<Vec<String>>,
    /// The classes its Ingresses must name one of; absent: any or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_classes: Option<Vec<String>>,
    /// The classes its own Gateways must name one of; absent: it has Gateways only if it may have Services of type
    /// `LoadBalancer`, since that is what a Gateway opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_classes: Option<Vec<String>>,
    /// The Gateways of others that its routes and listeners may attach to, as `namespace/name`; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// The ClusterIssuers its certificates may come from; absent: any. Issuers in its own namespaces are its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_issuers: Option<Vec<String>>,
    /// Annotations of controllers that its Ingresses, routes and Services may carry beside those that are known to
    /// do no harm, by their whole keys, and with whatever values; also what `infrastructure` of its Gateways may hold.
    /// Hosts in them are the tenant's all the same, and snippets stay refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
    /// Overrides of the cluster-wide mode, by rule id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Mode>,
}

/// The pools of a tenant, by name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodePools {
    /// Where a pod goes that names no pool.
    pub default: String,
    /// Where else its nodeSelector may send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
}

/// The runtime classes of a tenant, by name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimeClasses {
    /// What a pod gets that names none; absent: it may go without. What the class itself schedules by
    /// (`scheduling.nodeSelector`) must be labels of the tenant's default pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What else it may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
}

/// A Pod Security Standard.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSecurity {
    /// How much is asked.
    pub level: Level,
    /// The Kubernetes version whose standard holds: `v1.N` or `latest`; absent: `latest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A level of the Pod Security Standards.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is asked.
    Privileged,
    /// Known privilege escalations are refused.
    Baseline,
    /// Hardening is demanded too.
    Restricted,
}

/// What a tenant's Services may do.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Services {
    /// The types allowed; absent: `ClusterIP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<ServiceType>>,
    /// The addresses or CIDR ranges that `externalIPs` may name.
    #[serde(rename = "externalIPs", default, skip_serializing_if = "Vec::is_empty")]
    pub external_ips: Vec<String>,
    /// The names that an `ExternalName` Service may point to, written like `domains`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_names: Vec<String>,
    /// The classes of load balancers it may name, or that a webhook of a controller's names for it; absent: it names
    /// none, and gets the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_classes: Option<Vec<String>>,
    /// The addresses or CIDR ranges that `loadBalancerIP` may name, and annotations in its place.
    #[serde(rename = "loadBalancerIPs", default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_ips: Vec<String>,
}

/// A type of Service.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceType {
    /// Reachable inside the cluster.
    ClusterIP,
    /// A port on every node.
    NodePort,
    /// An address outside the cluster.
    LoadBalancer,
    /// An alias for a DNS name.
    ExternalName,
}

/// A toleration that a tenant may use.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TolerationGrant {
    /// The taint's key.
    pub key: String,
    /// `Equal` (when absent) or `Exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// The taint's value, for `Equal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The effect; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// How a toleration compares its value.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum Operator {
    /// The value must be the taint's.
    Equal,
    /// Any value.
    Exists,
}
