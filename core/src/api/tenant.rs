use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use super::{Enforcement, Mode, TolerationGrant};

/// A tenant: its namespaces, its node pools, and what it may do in its namespaces.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[cfg_attr(
    feature = "crd",
    derive(kube::CustomResource),
    kube(group = "partywall.dev", version = "v1alpha1", kind = "Tenant", derive = "PartialEq")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantSpec {
    /// The tenant's namespaces, by exact name: at least one. A namespace has one tenant. Label each with
    /// `partywall.dev/tenant: <name of the Tenant>` too, since the API server selects namespaces by that label. Must be
    /// absent with `namespaceSelection: Label`. Absent: without that, the Tenant is refused, since nothing in it would
    /// hold anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// A field that only a later version has, in the test of an upgrade. Absent: nothing.
    #[cfg(feature = "next")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<bool>,
    /// Says how the tenant's namespaces are known. With `Label`, which works in a cluster only (`serve --cluster`),
    /// they are those that the platform team labels with `partywall.dev/tenant: <name of the Tenant>`. Absent:
    /// `Names`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selection: Option<NamespaceSelection>,
    /// The TenantClass whose fields hold where this spec lacks them. A field at the top of this spec replaces the
    /// class's as a whole: with `services` here, nothing of the class's `services` holds. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The NodePools that the tenant's pods run on. Absent: the stamp ties the pods to no nodes; they still may not
    /// select or tolerate other tenants' pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_pools: Option<NodePools>,
    /// The hosts that the tenant may claim: `app.example.com` is that host, `*.example.com` all hosts one label below
    /// `example.com`, and `**.example.com` all hosts below it at any depth. A host has one tenant. No tenant may have
    /// all of a domain of one label, of a common public suffix such as `co.uk`, or of the cluster's own names, except
    /// below its namespaces. `{name}-{namespace}.apps.example.com` stands for the hosts that a platform such as
    /// OpenShift makes of the name and the namespace of a Route: those with one of the tenant's namespaces in this
    /// place and any text for the name, with a `-` between them. All tenants may have the same pattern: of two
    /// namespaces that could claim a host, `c` and `b-c` for `a-b-c`, the longer name owns it; a namespace that is
    /// neither a tenant's nor the system's owns none. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// The Pod Security Standard that holds for the tenant's pods. Absent: level `baseline`, version `latest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_security: Option<PodSecurity>,
    /// Limits the tenant's Services. Absent: only type `ClusterIP` is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Services>,
    /// Endpoints and EndpointSlices that the tenant may write by hand. Absent: only those without addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
    /// Tolerations that the tenant's pods may have, in addition to those for the taints of the tenant's pools, those
    /// that Kubernetes adds to pods, and `tolerations` of the Settings. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<TolerationGrant>>,
    /// Lets required affinity and anti-affinity of the tenant's pods concern more than the tenant's own pods. Absent:
    /// only these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_affinity: Option<PodAffinity>,
    /// The schedulers that the tenant's pods may name: at least one. Absent: `default-scheduler`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedulers: Option<Vec<String>>,
    /// The PriorityClasses that the tenant's pods may name: at least one, and none that begins with `system-`.
    /// Include the cluster's default class, since Kubernetes writes its name into pods that name none. Absent: any
    /// that does not begin with `system-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_classes: Option<Vec<String>>,
    /// The RuntimeClasses that the tenant's pods may name. Absent: any; a pod may also name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_classes: Option<RuntimeClasses>,
    /// The registries that the tenant's images may come from, or paths in registries, such as
    /// `registry.example.com/team`: at least one. An image without a registry in its name comes from `docker.io`:
    /// `nginx` is `docker.io/library/nginx`. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_registries: Option<Vec<String>>,
    /// The IngressClasses that the tenant's Ingresses may name: at least one. Each Ingress must then name one. Absent:
    /// any; an Ingress may also name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_classes: Option<Vec<String>>,
    /// The GatewayClasses that the tenant's Gateways may name: at least one. Absent: any if the tenant may have
    /// Services of type `LoadBalancer`, since a Gateway opens one; otherwise the tenant may have no Gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_classes: Option<Vec<String>>,
    /// Listeners that the tenant's Gateways may have beside those for hosts. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_listeners: Option<GatewayListeners>,
    /// The Gateways outside the tenant's namespaces that the tenant's routes and ListenerSets may attach to, as
    /// `namespace/name`: at least one. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// The issuers that the tenant's certificates may come from: at least one. `letsencrypt` is a ClusterIssuer of
    /// cert-manager, and `AWSPCAClusterIssuer.awspca.cert-manager.io/root` an issuer of another kind and group. Issuers
    /// in the tenant's own namespaces are always allowed. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_issuers: Option<Vec<String>>,
    /// Limits the names in the tenant's certificates, beside its `domains`. Absent: as its fields say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The volumes, classes and drivers that the tenant's claims, snapshots and pods may use. Absent: any class, no
    /// volume by name, and no driver for inline volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Keys of annotations that the tenant's Ingresses, routes, Services, pods, claims, snapshots and Secrets may carry
    /// with any value, in addition to those that the rules `ingress-annotations`, `pod-networks`, `storage` and
    /// `copied-objects` know to be harmless. A Gateway may also carry them under `spec.infrastructure`, as labels or
    /// annotations, and in `tls.options` of a listener. Hosts in them must still be the tenant's, and snippets stay
    /// denied. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<String>>,
    /// The most that partywall does in the tenant's namespaces, and about others who could reach the tenant's
    /// NodePools. Absent: what `enforcement` in Settings says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// The mode of each rule for this tenant, by rule id. Absent: the mode in Settings for each rule that is not
    /// named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<BTreeMap<String, Mode>>,
}

/// The volumes, classes and drivers of a tenant, by name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// The StorageClasses of which each of the tenant's PersistentVolumeClaims must name one: at least one. Include the
    /// cluster's default class if claims may name none, since Kubernetes writes its name into them. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// The VolumeSnapshotClasses and VolumeGroupSnapshotClasses of which each of the tenant's snapshots must name one:
    /// at least one. Absent: any, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_classes: Option<Vec<String>>,
    /// The VolumeAttributesClasses that the tenant's claims may name: at least one. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes_classes: Option<Vec<String>>,
    /// The PersistentVolumes that the tenant's claims may name in `volumeName`, whatever their class: at least one. A
    /// PersistentVolume has one tenant. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<String>>,
    /// The CSI drivers whose inline volumes the tenant's pods may have: at least one. A pod writes the attributes of
    /// such a volume itself, so list only drivers whose attributes reach nothing of others. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_drivers: Option<Vec<String>>,
    /// The types of network volumes, such as `nfs`, that the tenant's pods may have beside those that the level in
    /// `podSecurity` allows: at least one. Absent: as the level says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_volumes: Option<Vec<String>>,
}

/// The NodePools of a tenant, by name: at most 64.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodePools {
    /// The pool of a pod that names none of the tenant's pools.
    pub default: String,
    /// Further pools: at least one. A pod names one of them by a label in its nodeSelector or its required node
    /// affinity by which the tenant's pools differ, or by a RuntimeClass that the NodePool lists; a pod that names
    /// several may run in each of them. Absent: only the default pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
    /// Says where a pod runs that names none of the tenant's pools. Absent: `Default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unnamed: Option<Unnamed>,
}

/// Says how a tenant's namespaces are known.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum NamespaceSelection {
    /// By the names that the Tenant lists.
    #[default]
    Names,
    /// By the label of each Namespace.
    Label,
}

/// Says where a pod runs that names none of its tenant's pools.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum Unnamed {
    /// In the default pool, or in all others if the pod cannot run there.
    #[default]
    Default,
    /// In all of the tenant's pools.
    Any,
}

/// Lets required affinity and anti-affinity of a tenant's pods concern pods of others.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodAffinity {
    /// The topologies (`topologyKey`), such as `topology.kubernetes.io/zone`, in which terms may concern pods of all
    /// namespaces: at least one. A pod with anti-affinity can then keep other tenants' pods off such a topology. Where
    /// no other tenant has the tenant's NodePools, and their taints keep pods off, selectors in
    /// `kubernetes.io/hostname` may select any namespaces anyway. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology_keys: Option<Vec<String>>,
}

/// The RuntimeClasses of a tenant, by name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimeClasses {
    /// The class that the stamp writes into pods that name none. If the class has a nodeSelector
    /// (`scheduling.nodeSelector`), the pool of these pods must have its labels: the tenant's default pool, or one
    /// whose NodePool lists the class in `runtimeClasses`. Absent: the stamp writes none, and a pod may name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Further classes that a pod may name: at least one. Absent: only the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
}

/// A level and a version of the Pod Security Standards.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSecurity {
    /// The level of the standard.
    pub level: Level,
    /// The version of the standard: `v1.N` or `latest`. With `latest` an upgrade of partywall may deny pods that it
    /// allowed before. Absent: `latest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Values that the tenant's pods may have beside those that the level allows. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<PodSecurityValues>,
}

/// Values of pods that single controls of the Pod Security Standards would deny.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSecurityValues {
    /// Linux capabilities that containers may add, without `CAP_`, such as `NET_ADMIN`: at least one. At `restricted`
    /// containers must still drop `ALL`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Kernel settings that pods may set, by exact name, such as `net.core.somaxconn`: at least one. The kubelets must
    /// allow them too (`allowedUnsafeSysctls`). Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sysctls: Option<Vec<String>>,
    /// Ports of nodes that containers may take in `hostPort`: at least one. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = plain_integers)]
    pub host_ports: Option<Vec<u16>>,
}

/// Leaves out the format, of which an API server warns that it does not know it.
fn plain_integers(list: &mut Schema) {
    if let Some(items) = list.get_mut("items").and_then(|items| items.as_object_mut()) {
        items.retain(|keyword, _| keyword == "type");
    }
}

/// A level of the Pod Security Standards.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything is allowed.
    Privileged,
    /// Known ways to escalate privileges are denied.
    Baseline,
    /// Pods must also follow current best practices for hardening.
    Restricted,
}

/// Limits a tenant's Services.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Services {
    /// The types of Services that are allowed: at least one. Absent: `ClusterIP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<ServiceType>>,
    /// The addresses and CIDR ranges that `externalIPs` of a Service may name. Absent: none.
    #[serde(rename = "externalIPs", default, skip_serializing_if = "Vec::is_empty")]
    pub external_ips: Vec<String>,
    /// The host names that a Service of type `ExternalName` may point to, written like `domains`. Of names under
    /// `cluster.local` only exact names of Services are allowed, such as `gateway.ingress.svc.cluster.local`, and no
    /// wildcards below `svc`: a proxy that all tenants use follows such an alias past the Service's NetworkPolicies.
    /// Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_names: Vec<String>,
    /// The classes that `loadBalancerClass` of a Service may name: at least one. Absent: none, so that the cluster's
    /// default class serves the tenant's load balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_classes: Option<Vec<String>>,
    /// The addresses and CIDR ranges that `loadBalancerIP` of a Service, annotations with the same purpose, and
    /// `addresses` of a Gateway may name. Absent: none.
    #[serde(rename = "loadBalancerIPs", default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_ips: Vec<String>,
    /// Says whether a Service of type `LoadBalancer` may have the node ports that the API server gives it, although
    /// `types` lacks `NodePort`. If not, it must set `allocateLoadBalancerNodePorts` to false. Absent: `true`, since
    /// Services of charts have such ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_node_ports: Option<bool>,
}

/// The addresses that a tenant may write into Endpoints and EndpointSlices by hand.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoints {
    /// The addresses and CIDR ranges that Endpoints and EndpointSlices may name: at least one. Proxies that all tenants
    /// use, such as ingress controllers, connect to these addresses past their NetworkPolicies. So list servers outside
    /// the cluster, or the range of the pods of the tenant's own nodes, and never the range of all pods or Services.
    pub addresses: Vec<String>,
    /// The ServiceAccounts of the tenant's namespaces that may write these addresses, as `namespace/name`, or by name
    /// alone in each of the tenant's namespaces: at least one, such as that of a database whose leader writes its
    /// address into Endpoints. Who may use a namespace may be any of its ServiceAccounts, so `addresses` is what keeps
    /// other tenants safe. Absent: whoever may write Endpoints in the tenant's namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writers: Option<Vec<String>>,
}

/// Limits the names in a tenant's certificates.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// Says whether certificates of every issuer may have a common name that is no host name, such as the name of a
    /// user of Kafka, or the address of a user at a host in `domains`, if they are for clients only (`usages` contains
    /// `client auth`, and nothing by which servers sign). Two tenants can then ask for the same name, so list the
    /// issuers of which the tenant's names are known in `certificateIssuers`. Absent: `false`; only an Issuer in the
    /// tenant's own namespaces issues such names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_names: Option<bool>,
}

/// Listeners of Gateways that claim no hosts.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayListeners {
    /// Says whether the tenant may have waypoints of a mesh: Gateways of a class such as `istio-waypoint` with a
    /// listener of protocol `HBONE` on port 15008, for routes of its own namespaces. A waypoint opens no load balancer,
    /// so its class needs no entry in `gatewayClasses` unless that lists others. Absent: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waypoints: Option<bool>,
}

/// A type of Service.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceType {
    /// Reachable inside the cluster.
    ClusterIP,
    /// Reachable on a port of every node.
    NodePort,
    /// Reachable at an address of a load balancer.
    LoadBalancer,
    /// An alias for a DNS name.
    ExternalName,
}
