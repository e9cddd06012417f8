//! Chooses the pool that a pod runs in.

use std::cmp::Reverse;

use crate::objects::pod::PodSpec;
use crate::objects::scheduling::NodeSelectorTerm;
use crate::tenancy::{Pool, PoolIndex, RequiredLabels, Snapshot, Tenant};
use crate::work;

/// Returns the pool of a pod, or `None` if its tenant has no pools.
///
/// The choice is the first of these that exists: the pool whose labels the pod's nodeSelector names all; the tenant's
/// default pool, if the nodeSelector does not contradict it; the pool of whose labels the nodeSelector names most and
/// contradicts none; the default pool.
///
/// INVARIANT: stamping a pod with its pool does not change its pool. So the choice is repeated with the chosen pool's
/// labels added, as the stamp adds them, until it stays the same. The repetition ends, because each new choice has more
/// labels.
pub(crate) fn pool_of<'s>(
    spec: &PodSpec<'_>,
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
) -> Option<&'s Pool> {
    if let Some(index) = &tenant.index {
        return pool_of_many(index, spec, tenant, snapshot);
    }
    let pools = snapshot.pools_of(tenant);
    let mut chosen = choose(pools.clone(), |key| spec.selected(key))?;
    for _ in pools.clone() {
        let next = choose(pools.clone(), |key| spec.selected(key).or_else(|| chosen.label(key)))?;
        if next.name == chosen.name {
            break;
        }
        chosen = next;
    }
    Some(chosen)
}

/// Returns the same for a tenant with many pools, without a look at most of them.
#[cold]
#[inline(never)]
fn pool_of_many<'s>(
    index: &PoolIndex,
    spec: &PodSpec<'_>,
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
) -> Option<&'s Pool> {
    let mut chosen = choose_of_many(index, spec, None, tenant, snapshot)?;
    for _ in &tenant.pools {
        let next = choose_of_many(index, spec, Some(chosen), tenant, snapshot)?;
        if next.name == chosen.name {
            break;
        }
        chosen = next;
    }
    Some(chosen)
}

/// Chooses among many pools by the nodeSelector, with the labels of the pool `added` beside it.
fn choose_of_many<'s>(
    index: &PoolIndex,
    spec: &PodSpec<'_>,
    added: Option<&'s Pool>,
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
) -> Option<&'s Pool> {
    let of_added = |key: &str| added.and_then(|pool| pool.label(key));
    let mut labels = RequiredLabels::of_selector(index, spec);
    for (key, value) in added.iter().flat_map(|pool| &pool.labels) {
        if spec.selected(key).is_none() {
            labels.add(index, key, value);
        }
    }
    let mut whole = None;
    index.find(&labels, snapshot.pools(), &mut |id, pool| {
        let rank = (pool.labels.len(), Reverse(index.place_of(id)));
        if whole.is_none_or(|(best, _)| rank > best) {
            whole = Some((rank, pool));
        }
        false
    });
    if let Some((_, pool)) = whole {
        return Some(pool);
    }
    let default = snapshot.pools_of(tenant).next()?;
    let selected = |key: &str| spec.selected(key).or_else(|| of_added(key));
    let fits =
        |(key, value): &(Box<str>, Box<str>)| selected(key).is_none_or(|selected| *selected == **value);
    if default.labels.iter().all(fits) {
        return Some(default);
    }
    // The nodeSelector contradicts the default pool and names no other, which few pods do.
    work::charge(tenant.pools.len());
    choose(snapshot.pools_of(tenant), selected)
}

/// Chooses among a tenant's pools, the default first, by the `selected` labels.
///
/// Of equal pools the first wins.
fn choose<'s, 'l>(
    mut pools: impl Iterator<Item = &'s Pool> + Clone,
    selected: impl Fn(&str) -> Option<&'l str>,
) -> Option<&'s Pool> {
    // How many labels of the pool are named, and whether all of them are; `None` if one is contradicted.
    let named = |pool: &Pool| {
        pool.labels.iter().try_fold((0_usize, true), |(named, all), (key, value)| match selected(key) {
            Some(selected) if *selected == **value => Some((named + 1, all)),
            Some(_) => None,
            None => Some((named, false)),
        })
    };
    let (mut whole, mut fitting) = (None, None);
    for pool in pools.clone() {
        let Some((labels, all)) = named(pool) else { continue };
        let best = if all { &mut whole } else { &mut fitting };
        if best.is_none_or(|(most, _)| labels > most) {
            *best = Some((labels, pool));
        }
    }
    let default = pools.next()?;
    let fits = |pool: &&Pool| named(pool).is_some();
    whole
        .map(|(_, pool)| pool)
        .or_else(|| Some(default).filter(fits))
        .or_else(|| fitting.map(|(_, pool)| pool))
        .or(Some(default))
}

/// Returns whether the term requires the label, in exactly the form that the stamp writes.
pub(crate) fn demands(term: &NodeSelectorTerm<'_>, key: &str, value: &str) -> bool {
    term.expressions().iter().any(|requirement| {
        *requirement.key == *key
            && &*requirement.operator == "In"
            && matches!(&*requirement.values, [only] if **only == *value)
    })
}
