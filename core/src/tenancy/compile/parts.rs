//! Compiles sorted objects into the parts of a snapshot.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rustc_hash::FxHashMap;

use super::mistakes::Mistakes;
use super::objects::{Known, Named, Objects, Unparsed};
use super::{classes, defaults, exemptions, namespaces, platform, pools, tenants, tolerations};
use crate::api::Enforcement;
use crate::tenancy::reach::Reach;
use crate::tenancy::{DeniedNamespace, Exemption, Pool, PoolIndex, Snapshot, Tenant};

/// Holds the compiled objects, of which a snapshot is made if there is no error.
pub(super) struct Parts<'o> {
    base: defaults::ClusterDefaults,
    pools: pools::Pools<'o>,
    owners: namespaces::NamespaceOwners,
    pub(super) tenants: Vec<Tenant>,
    unclaimed_exemptions: FxHashMap<Box<str>, Vec<Exemption>>,
    strictest_denied: Option<Enforcement>,
}

/// Compiles the objects; everything in the `denied` namespaces is denied.
pub(super) fn parts<'o>(
    objects: &'o mut Objects,
    unparsed: &'o [Unparsed],
    denied: &BTreeMap<Box<str>, DeniedNamespace>,
    today: Date,
    mistakes: &mut Mistakes,
) -> Parts<'o> {
    let Objects { pools, tenants, classes, exemptions, settings, own_namespace } = objects;
    let mut base = defaults::compile(settings, own_namespace.as_deref(), mistakes);
    let pools = pools::compile(pools, Known::of("NodePool", unparsed), mistakes);
    let mut owners = namespaces::NamespaceOwners::new(&base.system_namespaces, denied, &base.at, mistakes);
    let mut classes = classes::Classes::new(classes, Known::of("TenantClass", unparsed), mistakes);
    let lacking = classes.fill(tenants, mistakes);
    for unused in classes.unused(mistakes) {
        tenants::inspect(&unused, &base, &pools, mistakes);
    }
    let mut compiled = tenants::compile(tenants, &lacking, &base, &pools, &mut owners, mistakes);
    for Named { at, spec, .. } in settings.iter().filter(|object| object.name == "default") {
        tolerations::refuse_pools(at, spec, &pools, mistakes);
        platform::refuse_tenants(at, spec, &owners, mistakes);
    }
    let written = settings.iter().filter(|object| object.name == "default").map(|object| &object.spec);
    platform::distrust_outside_system(&mut base.platform, &mut base.controllers, written, &owners);
    let unclaimed_exemptions = exemptions::Compiler {
        tenants: &mut compiled,
        known: &Known::of("Tenant", unparsed),
        owners: &owners,
        foreign_routes: &base.foreign_routes,
        workload_kinds: &base.workload_kinds,
        today,
    }
    .compile(exemptions, mistakes);
    let strictest_denied = denied.values().map(|denied| denied.enforcement).max();
    Parts { base, pools, owners, tenants: compiled, unclaimed_exemptions, strictest_denied }
}

impl Parts<'_> {
    pub(super) fn finish(self) -> Snapshot {
        let Parts { base, pools, owners, mut tenants, unclaimed_exemptions, strictest_denied } = self;
        // Whatever a platform adds to pods, a taint of a pool keeps them off.
        let tolerations =
            base.tolerations.into_iter().filter(|toleration| pools.reached_by(toleration, &[]).is_none());
        let tolerations = tolerations.collect();
        let pools = pools.finish();
        for tenant in tenants.iter_mut().filter(|tenant| tenant.pools.len() > Tenant::FEW) {
            tenant.index = Some(Box::new(PoolIndex::of_tenant(&tenant.pools, &pools)));
        }
        mark_own_nodes(&mut tenants, &pools);
        let index = PoolIndex::of_all(&pools);
        let of_tenants = tenants.iter().map(|tenant| (tenant.enforcement, &*tenant.pools));
        // Pools of Tenants of which no form holds have no tenant here.
        let outside = strictest_denied.map_or(base.enforcement, |denied| denied.max(base.enforcement));
        let reach = Reach::of(outside, of_tenants, &pools, &index);
        Snapshot {
            open_index: PoolIndex::of_open(&pools, &index),
            index,
            stamp: base.stamp,
            user_namespaces: base.user_namespaces,
            workloads: base.workloads,
            mirror_pods: base.mirror_pods,
            enforcement: base.enforcement,
            modes: base.modes.under(base.enforcement),
            uncapped: base.modes,
            reach,
            platform: base.platform,
            controllers: base.controllers,
            foreign_routes: base.foreign_routes,
            workload_kinds: base.workload_kinds,
            annotation_prefixes: base.annotation_prefixes,
            tolerations,
            shell_namespace: shell_namespace(&base.system_namespaces),
            other_taints: base.other_taints,
            annotation_domains: base.annotation_domains,
            login_hosts: base.login_hosts,
            namespaces: owners.finish(),
            strictest_denied,
            tenants,
            pools,
            unclaimed_exemptions,
        }
    }
}

/// Returns `kube-system`, or the first system namespace where that is none.
fn shell_namespace(system: &[String]) -> Box<str> {
    let usual = system.iter().find(|name| *name == "kube-system").or(system.first());
    usual.map(|name| name.as_str().into()).unwrap_or_default()
}

/// Marks the tenants whose pools no other tenant has, and whose pools' taints keep others' pods off.
fn mark_own_nodes(tenants: &mut [Tenant], pools: &[Pool]) {
    let mut users = vec![0_usize; pools.len()];
    for id in tenants.iter().flat_map(|tenant| &tenant.pools) {
        if let Some(users) = users.get_mut(id.0) {
            *users += 1;
        }
    }
    for tenant in tenants {
        let is_own = |pool: &Pool, users: &usize| *users == 1 && pool.keeps_pods_away();
        let mut own = tenant.pools.iter().map(|id| pools.get(id.0).zip(users.get(id.0)));
        tenant.has_own_nodes = !tenant.pools.is_empty()
            && own.all(|of_pool| of_pool.is_some_and(|(pool, users)| is_own(pool, users)));
    }
}
