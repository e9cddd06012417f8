//! Which pool a pod belongs to.

use crate::objects::pod::PodSpec;
use crate::objects::scheduling::NodeSelectorTerm;
use crate::tenancy::{Pool, Snapshot, Tenant};

/// The pool of a pod: the one all of whose labels its own nodeSelector names; else its tenant's default, unless
/// the nodeSelector contradicts that; else the one it names most labels of. `None`: the tenant has no pools.
///
/// INVARIANT: stamping a pod with its pool does not change its pool: the labels that the stamp adds are already
/// counted as named here, until that makes no difference any more. It comes to that, since a pool only gives way
/// to one with more labels.
pub(crate) fn pool_of<'s>(
    spec: &PodSpec<'_>,
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
) -> Option<&'s Pool> {
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

/// Chooses among a tenant's pools, the default first, by the labels that are `selected`. Of equals the first.
fn choose<'s, 'l>(
    mut pools: impl Iterator<Item = &'s Pool> + Clone,
    selected: impl Fn(&str) -> Option<&'l str>,
) -> Option<&'s Pool> {
    // How many labels of the pool are named, and whether these are all; `None`: one is contradicted.
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

/// Whether the term demands that label, in exactly the words of the stamp.
pub(crate) fn demands(term: &NodeSelectorTerm<'_>, key: &str, value: &str) -> bool {
    term.expressions().iter().any(|requirement| {
        *requirement.key == *key
            && &*requirement.operator == "In"
            && matches!(&*requirement.values, [only] if **only == *value)
    })
}
