//! Holds the compiled snapshot: the owners of namespaces, and the permissions of tenants.
//!
//! [`Snapshot::compile`] turns the objects that people write into maps for look-ups. A snapshot never changes: a new
//! one replaces it as a whole.
//!
//! INVARIANT: a snapshot is consistent. No namespace has two tenants, no domain has two owners, every pool that a
//! tenant refers to exists, and no taint key and value belongs to two pools.

mod address_ranges;
mod compile;
mod exemptions;
mod images;
mod index;
mod judged;
mod listed_names;
mod pool_table;
mod pools;
mod reach;
mod routes;
mod taints;
mod tenant;
mod workload_kinds;

use rustc_hash::FxHashMap;

pub use self::address_ranges::AddressRanges;
pub use self::compile::{
    Compiled, Finding, Form, LastGood, Live, LiveCompiled, LiveObject, ObjectName, PoolUse, Reason, State,
    Unparsed, did_you_mean, is_dns_label, keyed,
};
pub use self::exemptions::{ExemptContainers, Exemption, ExemptionOf};
pub use self::images::PinnedImage;
pub(crate) use self::images::Repository;
pub(crate) use self::index::{PoolIndex, RequiredLabels};
pub use self::judged::is_judged;
pub use self::listed_names::ListedNames;
pub(crate) use self::pool_table::{Met, PoolSet, PoolTable, Required};
pub use self::pools::{AllowedToleration, AllowedTolerations, Pool, PoolId, Taint};
pub(crate) use self::pools::{ToleratedForGood, is_restricted};
use self::reach::Reach;
pub use self::routes::{ForeignRoute, HostPath, Step};
pub(crate) use self::tenant::PodSecurityValues;
pub use self::tenant::{HandWrittenEndpoints, PodSecurity, RuntimeClasses, Services, Storage, Tenant};
pub use self::workload_kinds::{TemplatePath, WorkloadKind};
use crate::api::{Enforcement, MirrorPods, OtherTaints, StampMode, Workloads};
use crate::rule_id::Modes;

/// Holds everything that a decision depends on, beside the request.
#[derive(Debug)]
pub struct Snapshot {
    /// The fields that the stamp writes a pool's labels into.
    pub stamp: StampMode,
    /// True if every node supports user namespaces.
    pub user_namespaces: bool,
    /// The strictest mode for pod templates.
    pub workloads: Workloads,
    /// Whether kubelets may show static pods in tenants' namespaces.
    pub(crate) mirror_pods: MirrorPods,
    /// The value of the Settings, which holds outside tenants.
    pub enforcement: Enforcement,
    /// The modes of the rules in unclaimed namespaces, none stricter than `enforcement` allows.
    pub modes: Modes,
    /// The same modes, as the Settings have them.
    uncapped: Modes,
    reach: Reach,
    /// The users and groups who may change protected objects.
    pub platform: Platform,
    /// The controllers that may write objects reserved for controllers.
    pub controllers: Controllers,
    /// The kinds of other APIs that tenants may write.
    pub foreign_routes: Vec<ForeignRoute>,
    /// The kinds of other APIs whose controllers create pods.
    pub workload_kinds: Vec<WorkloadKind>,
    /// The prefixes of annotations that mean the same as ingress-nginx's own.
    pub(crate) annotation_prefixes: ListedNames,
    /// The tolerations that every pod may have; none reaches a pool.
    pub tolerations: AllowedTolerations,
    /// The system namespace that messages advise for shells on nodes.
    pub(crate) shell_namespace: Box<str>,
    /// Whether tenants' pods may tolerate taints that are no pool's.
    pub(crate) other_taints: OtherTaints,
    /// The domains of annotations that nothing in the cluster reads, in lower case.
    pub(crate) annotation_domains: Vec<Box<str>>,
    /// The hosts that every tenant may name for external authentication, in lower case.
    pub(crate) login_hosts: ListedNames,
    namespaces: FxHashMap<Box<str>, NamespaceOwner>,
    /// The strictest value of the namespaces in which nothing can be decided, if there are any.
    strictest_denied: Option<Enforcement>,
    tenants: Vec<Tenant>,
    pools: Vec<Pool>,
    index: PoolIndex,
    /// The index of the pools that no taint keeps pods away from; `None` if there are none.
    open_index: Option<PoolIndex>,
    /// The exemptions of platform workloads, by their namespace, sorted by the names of their targets.
    unclaimed_exemptions: FxHashMap<Box<str>, Vec<Exemption>>,
}

/// Holds the owner of a listed namespace; namespaces that are not in the map are unclaimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NamespaceOwner {
    System,
    Tenant(usize),
    Denied(DeniedNamespace),
}

/// Says how everything in a namespace is denied, although Tenants of a cluster list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeniedNamespace {
    /// The reason.
    pub reason: DenialReason,
    /// The strictest value of the Tenants that list it.
    pub enforcement: Enforcement,
}

/// Names the reason why everything in a namespace is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DenialReason {
    /// The Tenant that lists it is wrong in itself, or names no TenantClass that is.
    Unusable,
    /// Several objects list it.
    Contested,
}

/// Names the owner of a namespace.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'s> {
    /// The cluster: the rules judge only the Namespace object.
    System,
    /// A tenant: its rules hold.
    Tenant(&'s Tenant),
    /// No owner: only the rules that protect tenants' pools hold.
    Unclaimed,
    /// Tenants list it, and nothing can be decided there.
    Denied(DeniedNamespace),
}

/// Lists the platform team, by exact names.
#[derive(Debug, Default)]
pub struct Platform {
    /// The users.
    pub users: ListedNames,
    /// The groups.
    pub groups: ListedNames,
    /// The protected labels and annotations of namespaces, beside the built-in ones.
    pub(crate) namespace_keys: ListedNames,
}

/// Lists controllers beside the cluster's own, by the exact names of their users.
#[derive(Debug, Default)]
pub struct Controllers {
    /// The users who write Endpoints and EndpointSlices.
    pub endpoints: ListedNames,
    /// The users who write the requests from which cert-manager issues certificates.
    pub certificates: ListedNames,
    /// The users who write routes of kinds that tenants may not write.
    pub routes: ListedNames,
    /// The users who write the names that Services of type `ExternalName` point to.
    pub services: ListedNames,
    /// The users who bind claims to volumes.
    pub volumes: ListedNames,
    /// The users who bind pods to nodes.
    pub bindings: ListedNames,
}

/// Names the scheduler that the API server sets for a pod without one.
pub(crate) const DEFAULT_SCHEDULER: &str = "default-scheduler";

impl Snapshot {
    /// Returns whether nothing in the cluster reads annotations of a key's domain, as Settings say.
    pub(crate) fn is_of_unread_domain(&self, key: &str) -> bool {
        let Some((domain, _)) = key.split_once('/') else { return false };
        self.annotation_domains.iter().any(|unread| {
            let start = domain.len().checked_sub(unread.len());
            start.is_some_and(|start| {
                let is_boundary = start == 0 || domain.get(..start).is_some_and(|below| below.ends_with('.'));
                is_boundary && domain.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(unread))
            })
        })
    }

    /// Returns the owner of `namespace`.
    ///
    /// It compares exact names only: a tenant could imitate a prefix or a pattern.
    pub fn owner(&self, namespace: &str) -> Owner<'_> {
        match self.namespaces.get(namespace) {
            Some(NamespaceOwner::System) => Owner::System,
            Some(NamespaceOwner::Denied(denied)) => Owner::Denied(*denied),
            Some(NamespaceOwner::Tenant(index)) => match self.tenants.get(*index) {
                Some(tenant) => Owner::Tenant(tenant),
                // INVARIANT: `compile` only writes indices of `tenants`. If it did not, the rules that protect pools
                // would still hold.
                None => Owner::Unclaimed,
            },
            None => Owner::Unclaimed,
        }
    }

    /// Returns the entry of Settings for a kind of another API.
    pub(crate) fn foreign_route(&self, group: &str, kind: &str) -> Option<&ForeignRoute> {
        self.foreign_routes.iter().find(|route| *route.group == *group && *route.kind == *kind)
    }

    /// Returns the entry of Settings for a kind of another API whose controller creates pods.
    pub fn workload_kind(&self, group: &str, kind: &str) -> Option<&WorkloadKind> {
        self.workload_kinds.iter().find(|listed| *listed.group == *group && *listed.kind == *kind)
    }

    /// Returns all pools, in the order of their names.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Returns the same snapshot with tenants whose pools are looked at one by one, however many they are.
    #[cfg(test)]
    pub(crate) fn without_tenants_indices(mut self) -> Self {
        self.tenants.iter_mut().for_each(|tenant| tenant.index = None);
        self
    }

    /// Returns the index of all pools.
    pub(crate) const fn index(&self) -> &PoolIndex {
        &self.index
    }

    /// Returns the index of the pools that no taint keeps pods away from, if there are any.
    pub(crate) const fn open_index(&self) -> Option<&PoolIndex> {
        self.open_index.as_ref()
    }

    /// Returns the tenant after which a group of objects is named: `name`, `name-...` or `name.…`.
    ///
    /// Of several the one with the longest name counts.
    pub(crate) fn tenant_of_group(&self, group: &str) -> Option<&Tenant> {
        /// The greatest length of a tenant's name.
        const LONGEST: usize = 253;
        let ends = group.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'-' | b'.'));
        let ends = ends.map(|(end, _)| end).take_while(|end| *end <= LONGEST);
        let names = std::iter::once(group.len()).filter(|end| *end <= LONGEST).chain(ends);
        let tenants = names.filter_map(|end| {
            let name = group.get(..end)?;
            let index = self.tenants.binary_search_by(|tenant| (*tenant.name).cmp(name)).ok()?;
            self.tenants.get(index)
        });
        tenants.max_by_key(|tenant| tenant.name.len())
    }

    /// Returns all tenants, in the order of their names.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// Returns whether there is a Tenant of this name whose namespaces are those with its label.
    pub(crate) fn selects_by_label(&self, name: &str) -> bool {
        self.tenants.iter().any(|tenant| tenant.by_label && *tenant.name == *name)
    }

    /// Returns the tenants that claim namespaces by name, with these namespaces, all sorted.
    pub fn tenants_namespaces(&self) -> Vec<(&str, Vec<&str>)> {
        let mut claims: Vec<(usize, &str)> = self
            .namespaces
            .iter()
            .filter_map(|(namespace, owner)| match owner {
                NamespaceOwner::Tenant(index) => Some((*index, &**namespace)),
                NamespaceOwner::System | NamespaceOwner::Denied(_) => None,
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

    /// Returns the names of all namespaces that tenants list, contested ones too, in order.
    pub fn listed_namespaces(&self) -> Vec<&str> {
        let listed = self.namespaces.iter().filter(|(_, owner)| !matches!(owner, NamespaceOwner::System));
        let mut names: Vec<&str> = listed.map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Returns the system namespaces, sorted.
    pub fn system_namespaces(&self) -> Vec<&str> {
        let system = self.namespaces.iter().filter(|(_, owner)| matches!(owner, NamespaceOwner::System));
        let mut names: Vec<&str> = system.map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Returns the namespaces that Tenants list, and in which nothing can be decided, sorted.
    pub fn denied_namespaces(&self) -> Vec<&str> {
        let denied = self.namespaces.iter().filter(|(_, owner)| matches!(owner, NamespaceOwner::Denied(_)));
        let mut names: Vec<&str> = denied.map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Returns the number of listed namespaces, including system ones.
    pub fn namespace_count(&self) -> usize {
        self.namespaces.len()
    }

    /// Iterates over the pools of a tenant, the default first.
    pub fn pools_of<'s>(&'s self, tenant: &'s Tenant) -> impl Iterator<Item = &'s Pool> + Clone {
        tenant.pools.iter().filter_map(|id| self.pools.get(id.0))
    }

    /// Returns the pool of a tenant at a place in its list; the default pool has the place 0.
    pub(crate) fn pool_of(&self, tenant: &Tenant, place: usize) -> Option<&Pool> {
        tenant.pools.get(place).and_then(|id| self.pools.get(id.0))
    }

    /// Returns the exemptions that hold in `namespace`, whose owner is `owner`.
    pub fn exemptions<'s>(&'s self, owner: Owner<'s>, namespace: &str) -> &'s [Exemption] {
        match owner {
            Owner::System | Owner::Denied(_) => &[],
            Owner::Tenant(tenant) => &tenant.exemptions,
            Owner::Unclaimed => self.unclaimed_exemptions.get(namespace).map_or(&[], Vec::as_slice),
        }
    }

    /// Returns all exemptions, those that end first at the front.
    pub fn all_exemptions(&self) -> Vec<ExemptionOf<'_>> {
        let of_tenants = self
            .tenants
            .iter()
            .flat_map(|tenant| tenant.exemptions.iter().map(|exemption| (Some(&*tenant.name), exemption)));
        let of_namespaces = self.unclaimed_exemptions.values().flatten().map(|exemption| (None, exemption));
        let all = of_tenants.chain(of_namespaces);
        let mut all: Vec<_> = all
            .map(|(tenant, exemption)| {
                let namespace = exemption.namespace.as_deref();
                ExemptionOf { tenant, namespace, exemption }
            })
            .collect();
        all.sort_unstable_by_key(|of| (of.exemption.last_day, &of.exemption.name));
        all
    }

    /// Returns the most that partywall does for `owner`.
    pub const fn enforcement(&self, owner: Owner<'_>) -> Enforcement {
        match owner {
            Owner::Tenant(tenant) => tenant.enforcement,
            Owner::Denied(denied) => denied.enforcement,
            Owner::System | Owner::Unclaimed => self.enforcement,
        }
    }

    /// Returns the most that partywall does for anybody.
    pub(crate) fn strictest_enforcement(&self) -> Enforcement {
        let of_tenants = self.tenants.iter().map(|tenant| tenant.enforcement);
        of_tenants.chain(self.strictest_denied).fold(self.enforcement, Enforcement::max)
    }

    /// Returns the most that partywall does for anybody outside tenants, those included who could reach pools.
    pub(crate) fn strictest_elsewhere(&self) -> Enforcement {
        self.enforcement.max(self.reach.strictest())
    }

    /// Returns how those are judged who could reach pools.
    pub(crate) const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Returns the modes of the rules for `owner`, without a limit by its enforcement.
    pub(crate) const fn uncapped_modes<'s>(&'s self, owner: Owner<'s>) -> &'s Modes {
        match owner {
            Owner::Tenant(tenant) => &tenant.uncapped,
            Owner::System | Owner::Unclaimed | Owner::Denied(_) => &self.uncapped,
        }
    }

    /// Returns the modes of the rules for `owner`.
    pub fn modes<'s>(&'s self, owner: Owner<'s>) -> &'s Modes {
        match owner {
            Owner::Tenant(tenant) => &tenant.modes,
            Owner::System | Owner::Unclaimed | Owner::Denied(_) => &self.modes,
        }
    }
}
