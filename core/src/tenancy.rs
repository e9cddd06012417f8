//! The compiled snapshot: whose a namespace is, and what that tenant may do.
//!
//! [`Snapshot::compile`] turns the objects people write into maps that a review looks things up in. A snapshot
//! never changes: a new one replaces it whole.
//!
//! INVARIANT: a snapshot is consistent. No namespace has two tenants, no domain two owners, every pool that a
//! tenant refers to exists, and no taint key and value belongs to two pools.

mod compile;
mod exemptions;
mod images;
mod index;
mod judged;
mod pools;
mod routes;

use rustc_hash::FxHashMap;

pub use self::compile::{Compiled, Unread, did_you_mean, is_dns_label, keyed};
pub use self::exemptions::{ExemptContainers, Exemption};
pub use self::images::Repository;
use self::index::PoolIndex;
pub use self::judged::is_judged;
pub use self::pools::{AllowedToleration, Pool, PoolId, Taint, is_restricted};
pub use self::routes::{ForeignRoute, HostPath, Step};
use crate::api::{Level, ServiceType, StampMode, Workloads};
use crate::hosts::Domains;
use crate::objects::scheduling::Toleration;
use crate::rule_id::Modes;

/// Everything a review is decided from, beside the request itself.
#[derive(Debug)]
pub struct Snapshot {
    /// Where the pool's labels are written.
    pub stamp: StampMode,
    /// Whether every node supports user namespaces.
    pub user_namespaces: bool,
    /// The verdict on pod templates.
    pub workloads: Workloads,
    /// The modes of the rules in namespaces that no tenant claims.
    pub modes: Modes,
    /// Who may change what protects the wall.
    pub platform: Platform,
    /// Who may write what only controllers write.
    pub controllers: Controllers,
    /// Kinds of other APIs that tenants may write.
    pub foreign_routes: Vec<ForeignRoute>,
    /// Prefixes of annotations that mean what ingress-nginx's own mean.
    pub annotation_prefixes: Vec<Box<str>>,
    namespaces: FxHashMap<Box<str>, Place>,
    tenants: Vec<Tenant>,
    pools: Vec<Pool>,
    index: PoolIndex,
    /// Exemptions of platform workloads, by their namespace.
    unclaimed_exemptions: FxHashMap<Box<str>, Vec<Exemption>>,
}

/// What a namespace is by name; a name that is not in the map is unclaimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    System,
    Tenant(usize),
}

/// Whose a namespace is.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'s> {
    /// The cluster's own: nothing is judged.
    System,
    /// A tenant's: its tenant's rules hold.
    Tenant(&'s Tenant),
    /// Nobody's: only the rules that protect tenants' pools hold.
    Unclaimed,
}

/// The platform team, by exact names.
#[derive(Debug, Default)]
pub struct Platform {
    /// Its users.
    pub users: Vec<Box<str>>,
    /// Its groups.
    pub groups: Vec<Box<str>>,
    /// Labels and annotations of namespaces that are its own, beside those that are known.
    pub namespace_keys: Vec<Box<str>>,
}

/// Controllers beside the cluster's own, by the exact names of the users that they are.
#[derive(Debug, Default)]
pub struct Controllers {
    /// Who writes Endpoints and EndpointSlices.
    pub endpoints: Vec<Box<str>>,
    /// Who writes what cert-manager's Certificates come from.
    pub certificates: Vec<Box<str>>,
    /// Who writes routes of kinds that tenants may not write.
    pub routes: Vec<Box<str>>,
    /// Who binds pods to nodes.
    pub bindings: Vec<Box<str>>,
}

/// The scheduler that the API server writes into a pod that names none.
pub const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// A tenant, compiled.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub name: Box<str>,
    /// Its pools, the default first; empty: its pods are not pinned.
    pub pools: Vec<PoolId>,
    /// The hosts it owns.
    pub domains: Domains,
    /// The Pod Security Standard that holds.
    pub pod_security: PodSecurity,
    /// What its Services may do.
    pub services: Services,
    /// The tolerations it may use beside those of its pools and the built-in ones.
    pub tolerations: Vec<AllowedToleration>,
    /// The schedulers its pods may name.
    pub schedulers: Vec<Box<str>>,
    /// The priority classes its pods may name; `None`: any but the system's.
    pub priority_classes: Option<Vec<Box<str>>>,
    /// The runtime classes of its pods; `None`: any or none.
    pub runtime_classes: Option<RuntimeClasses>,
    /// Where its images come from; `None`: anywhere.
    pub image_registries: Option<Vec<Repository>>,
    /// The classes its Ingresses must name one of; `None`: any or none.
    pub ingress_classes: Option<Vec<Box<str>>>,
    /// The classes its own Gateways must name one of; `None`: it has some if it has load balancers.
    pub gateway_classes: Option<Vec<Box<str>>>,
    /// The Gateways of others that it may attach to, as `namespace/name`; `None`: any.
    pub gateways: Option<Vec<Box<str>>>,
    /// The ClusterIssuers its certificates may come from; `None`: any.
    pub certificate_issuers: Option<Vec<Box<str>>>,
    /// Annotations of controllers it may use beside those that are known to do no harm.
    pub annotations: Vec<Box<str>>,
    /// The modes of the rules.
    pub modes: Modes,
    /// Its exemptions that have not expired.
    pub exemptions: Vec<Exemption>,
}

/// A level and a version of the Pod Security Standards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSecurity {
    /// How much is asked.
    pub level: Level,
    /// The minor version `N` of `v1.N`; `latest` is [`PodSecurity::LATEST`].
    pub minor: u16,
}

impl PodSecurity {
    /// What `latest` compiles to: newer than every version.
    pub const LATEST: u16 = u16::MAX;
}

/// The runtime classes of a tenant.
#[derive(Debug)]
pub struct RuntimeClasses {
    /// What a pod gets that names none.
    pub default: Option<Box<str>>,
    /// What it may name, the default first.
    pub allowed: Vec<Box<str>>,
}

/// What a tenant's Services may do, compiled.
#[derive(Debug)]
pub struct Services {
    /// The types allowed.
    pub types: Vec<ServiceType>,
    /// The ranges that `externalIPs` may name.
    pub external_ips: Vec<ipnet::IpNet>,
    /// The names an `ExternalName` Service may point to.
    pub external_names: Domains,
    /// The classes of load balancers they may name.
    pub load_balancer_classes: Vec<Box<str>>,
    /// The ranges that `loadBalancerIP` may name.
    pub load_balancer_ips: Vec<ipnet::IpNet>,
}

impl Snapshot {
    /// Whose `namespace` is. Exact names only: a prefix or a glob is what a tenant would imitate.
    pub fn owner(&self, namespace: &str) -> Owner<'_> {
        match self.namespaces.get(namespace) {
            Some(Place::System) => Owner::System,
            Some(Place::Tenant(index)) => match self.tenants.get(*index) {
                Some(tenant) => Owner::Tenant(tenant),
                // INVARIANT: `compile` only writes indices of `tenants`; were it broken, the stricter
                // half of the rules would still hold.
                None => Owner::Unclaimed,
            },
            None => Owner::Unclaimed,
        }
    }

    /// What Settings say of a kind of another API.
    pub fn foreign_route(&self, group: &str, kind: &str) -> Option<&ForeignRoute> {
        self.foreign_routes.iter().find(|route| *route.group == *group && *route.kind == *kind)
    }

    /// All pools, in the order of their names.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Whether the toleration tolerates a taint of some pool.
    pub fn is_pool_tolerated_by(&self, toleration: &Toleration<'_>) -> bool {
        self.index.is_tolerated_by(toleration)
    }

    /// Whether every taint of this key that some pool has is a taint of the tenant's pools.
    pub fn is_taint_key_of(&self, key: &str, tenant: &Tenant) -> bool {
        let taints = self.pools_of(tenant).flat_map(|pool| &pool.taints).filter(|taint| *taint.key == *key);
        let mut own: Vec<&str> = taints.map(|taint| &*taint.value).collect();
        own.sort_unstable();
        own.dedup();
        own.len() == self.index.values_of(key)
    }

    /// The pools with this label; without a value, those with any value of it.
    pub fn pools_labelled(&self, key: &str, value: Option<&str>) -> impl Iterator<Item = &Pool> {
        self.index.labelled(key, value).filter_map(|id| self.pools.get(id.0))
    }

    /// All tenants, in the order of their names.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// The tenants that claim namespaces by name, and these, all sorted.
    pub fn tenants_namespaces(&self) -> Vec<(&str, Vec<&str>)> {
        let mut claims: Vec<(usize, &str)> = self
            .namespaces
            .iter()
            .filter_map(|(namespace, place)| match place {
                Place::Tenant(index) => Some((*index, &**namespace)),
                Place::System => None,
            })
            .collect();
        claims.sort_unstable();
        claims
            .chunk_by(|(one, _), (other, _)| one == other)
            .filter_map(|claims| {
                let tenant = self.tenants.get(claims.first()?.0)?;
                Some((&*tenant.name, claims.iter().map(|(_, namespace)| *namespace).collect()))
            })
            .collect()
    }

    /// The namespaces in which nothing is judged, sorted.
    pub fn system_namespaces(&self) -> Vec<&str> {
        let system = self.namespaces.iter().filter(|(_, place)| matches!(place, Place::System));
        let mut names: Vec<&str> = system.map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }

    /// How many namespaces are known by name, system ones included.
    pub fn namespace_count(&self) -> usize {
        self.namespaces.len()
    }

    /// The pools of a tenant, the default first.
    pub fn pools_of<'s>(&'s self, tenant: &'s Tenant) -> impl Iterator<Item = &'s Pool> + Clone {
        tenant.pools.iter().filter_map(|id| self.pools.get(id.0))
    }

    /// The exemptions that hold in `namespace`, whose owner is `owner`.
    pub fn exemptions<'s>(&'s self, owner: Owner<'s>, namespace: &str) -> &'s [Exemption] {
        match owner {
            Owner::System => &[],
            Owner::Tenant(tenant) => &tenant.exemptions,
            Owner::Unclaimed => self.unclaimed_exemptions.get(namespace).map_or(&[], Vec::as_slice),
        }
    }

    /// The modes of the rules for `owner`.
    pub fn modes<'s>(&'s self, owner: Owner<'s>) -> &'s Modes {
        match owner {
            Owner::Tenant(tenant) => &tenant.modes,
            Owner::System | Owner::Unclaimed => &self.modes,
        }
    }
}
