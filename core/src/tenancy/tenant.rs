//! Holds what a tenant is and may do, as it is compiled.

use super::{
    AddressRanges, AllowedTolerations, Exemption, ListedNames, PoolId, PoolIndex, PoolTable, Repository,
};
use crate::api::{Enforcement, Level, ServiceType, Unnamed};
use crate::hosts::Domains;
use crate::rule_id::Modes;

/// Holds a compiled tenant.
#[derive(Debug)]
pub struct Tenant {
    /// The name.
    pub name: Box<str>,
    /// Whether labels of Namespaces decide which are the tenant's, and not the names that the Tenant lists.
    pub by_label: bool,
    /// The pools, the default first; if empty, the tenant's pods are not restricted to pools.
    pub pools: Vec<PoolId>,
    /// The index of the pools, if there are more than [`Tenant::FEW`] of them.
    pub(crate) index: Option<Box<PoolIndex>>,
    /// The labels of the pools, if there is more than one.
    pub(crate) table: Option<Box<PoolTable>>,
    /// Where a pod runs that names none of the pools.
    pub(crate) unnamed: Unnamed,
    /// The default pool that does not exist or that is contested, so that nobody knows where the pods may run.
    pub(crate) lacks_pool: Option<Box<str>>,
    /// The hosts that the tenant owns.
    pub domains: Domains,
    /// The Pod Security Standard that holds.
    pub pod_security: PodSecurity,
    /// The values that pods may have beside those that the standard allows.
    pub(crate) pod_security_values: PodSecurityValues,
    /// The limits on Services.
    pub services: Services,
    /// The Endpoints that may be written by hand; `None` means only those without addresses.
    pub endpoints: Option<HandWrittenEndpoints>,
    /// The tolerations that pods may use beside those of the pools and the built-in ones.
    pub tolerations: AllowedTolerations,
    /// The topologies in which required pod affinity may concern all namespaces.
    pub(crate) topology_keys: ListedNames,
    /// Whether only this tenant's pods run on the nodes of its pools, beside those of the system.
    pub(crate) has_own_nodes: bool,
    /// The schedulers that pods may name.
    pub schedulers: ListedNames,
    /// The priority classes that pods may name; `None` means any except the system's.
    pub(crate) priority_classes: Option<ListedNames>,
    /// The runtime classes of pods; `None` means any or none.
    pub runtime_classes: Option<RuntimeClasses>,
    /// The repositories of images; `None` means any.
    pub(crate) image_registries: Option<Vec<Repository>>,
    /// The classes of which an Ingress must name one; `None` means any or none.
    pub(crate) ingress_classes: Option<ListedNames>,
    /// The classes of which a Gateway must name one.
    ///
    /// `None` means any class if the tenant has load balancers, else no Gateways.
    pub(crate) gateway_classes: Option<ListedNames>,
    /// Whether Gateways may be waypoints of a mesh.
    pub(crate) waypoints: bool,
    /// The Gateways of other namespaces that routes may attach to, as `namespace/name`; `None` means any.
    pub gateways: Option<ListedNames>,
    /// The ClusterIssuers that certificates may use; `None` means any.
    pub(crate) certificate_issuers: Option<ListedNames>,
    /// Whether certificates for clients only may have common names that are no hosts.
    pub(crate) user_names: bool,
    /// The volumes, classes and drivers of claims and pods.
    pub storage: Storage,
    /// The annotations of controllers that are allowed beside those known to be harmless.
    pub annotations: ListedNames,
    /// The most that partywall does in the tenant's namespaces.
    pub enforcement: Enforcement,
    /// The modes of the rules, none stricter than `enforcement` allows.
    pub modes: Modes,
    /// The same modes, as the Tenant and the Settings have them.
    pub(crate) uncapped: Modes,
    /// The exemptions that have not expired, sorted by the names of their targets.
    pub exemptions: Vec<Exemption>,
}

/// Holds the volumes, classes and drivers of a tenant.
#[derive(Debug, Default)]
pub struct Storage {
    /// The storage classes; `None` means any.
    pub classes: Option<ListedNames>,
    /// The classes of snapshots; `None` means any or none.
    pub(crate) snapshot_classes: Option<ListedNames>,
    /// The classes of attributes; `None` means any.
    pub(crate) attributes_classes: Option<ListedNames>,
    /// The volumes that claims may name.
    pub volumes: ListedNames,
    /// The CSI drivers that may have inline volumes.
    pub(crate) inline_drivers: ListedNames,
    /// The types of network volumes that pods may have whatever the level.
    pub(crate) network_volumes: ListedNames,
}

impl Tenant {
    /// Limits how many pools of a tenant are looked at one by one.
    pub(crate) const FEW: usize = 8;
}

/// Holds a level and a version of the Pod Security Standards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSecurity {
    /// The level.
    pub level: Level,
    /// The minor version `N` of `v1.N`; `latest` is [`PodSecurity::LATEST`].
    pub minor: u16,
}

impl PodSecurity {
    /// Stands for `latest`: newer than every version.
    pub const LATEST: u16 = u16::MAX;
}

/// Holds the values of pods that a tenant may use although the Pod Security Standard denies them.
#[derive(Debug, Default)]
pub(crate) struct PodSecurityValues {
    /// The capabilities that containers may add.
    pub capabilities: ListedNames,
    /// The kernel settings that pods may set.
    pub sysctls: ListedNames,
    /// The ports of nodes that containers may take.
    pub host_ports: Vec<u16>,
}

/// Holds the runtime classes of a tenant.
#[derive(Debug)]
pub struct RuntimeClasses {
    /// The class that the stamp gives a pod without one.
    pub default: Option<Box<str>>,
    /// The classes that pods may name, the default first.
    pub allowed: ListedNames,
}

/// Holds the compiled limits on a tenant's Services.
#[derive(Debug)]
pub struct Services {
    /// The allowed types.
    pub types: Vec<ServiceType>,
    /// The ranges that `externalIPs` may contain addresses of.
    pub external_ips: AddressRanges,
    /// The names that an `ExternalName` Service may refer to.
    pub(crate) external_names: Domains,
    /// The load balancer classes that Services may name.
    pub load_balancer_classes: ListedNames,
    /// The ranges that `loadBalancerIP` may be in.
    pub(crate) load_balancer_ips: AddressRanges,
    /// Whether load balancers may have the node ports that the API server gives them.
    pub(crate) load_balancer_node_ports: bool,
}

/// Holds what a tenant may write into Endpoints and EndpointSlices.
#[derive(Debug)]
pub struct HandWrittenEndpoints {
    /// The ranges of the addresses.
    pub addresses: AddressRanges,
    /// The users who may write them; `None` means any.
    pub writers: Option<ListedNames>,
}
