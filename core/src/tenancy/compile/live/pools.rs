//! Denies the NodePools that share a taint, and tells which pools tenants lack.
//!
//! A contested pool stays in the snapshot, so that its taints still keep others off its nodes; no pod is placed in it.

use std::collections::{BTreeMap, BTreeSet};

use super::forms::Forms;
use super::objects::{ObjectName, Reason};
use super::rivals::Claims;
use super::trimmed::{Trimmed, remove_at};
use crate::api::{NodePoolSpec, NodePools, Spec, Taint};
use crate::labels::NODE_PROBLEMS;
use crate::tenancy::PoolId;
use crate::tenancy::compile::mistakes::{At, Mistakes, Stage};
use crate::tenancy::compile::objects::{Known, Named};
use crate::tenancy::compile::pools::{Found, Pools, compile};
use crate::tenancy::compile::{names, tolerations as grants};

/// Says why no pod may be placed in a pool.
pub(super) enum Unusable {
    /// Another pool has one of its taints.
    Contested(String),
    /// No form of it holds.
    Lost,
}

/// Denies the pools that share a taint, and adds the taints of those of which no form holds.
pub(super) fn contested(trimmed: &mut Trimmed, forms: &Forms<'_>) -> BTreeMap<String, Unusable> {
    let mut unusable = BTreeMap::new();
    for (name, object) in forms.remains() {
        let Spec::NodePool(spec) = &object.spec else { continue };
        trimmed.objects.pools.push(protection(name, spec));
        unusable.insert(name.name.clone(), Unusable::Lost);
    }
    trimmed.objects.pools.sort_by(|a, b| a.name.cmp(&b.name));
    let pools: Vec<(String, Vec<Taint>)> =
        trimmed.objects.pools.iter().map(|pool| (pool.name.clone(), pool.spec.taints.clone())).collect();
    let key = |taint: &Taint| (taint.key.clone(), taint.value.clone().unwrap_or_default());
    let claims: Vec<_> = pools
        .iter()
        .enumerate()
        .flat_map(|(index, (_, taints))| taints.iter().map(move |taint| (index, key(taint))))
        .collect();
    let all = Claims::new(claims.iter().cloned(), |_| None);
    for (index, (name, taints)) in pools.iter().enumerate() {
        for (place, taint) in taints.iter().enumerate() {
            let Some(rival) = all.rival(index, &key(taint), None) else { continue };
            let other = pools.get(rival).map_or("", |(name, _)| name);
            let message = format!(
                "a taint of this key and value is NodePool `{other}`'s too, so whoever may be on the one may be on the \
                 other; give each pool a value of its own"
            );
            let path = format!("spec.taints[{place}]");
            trimmed.note(("NodePool", name), Reason::Conflict, path, taint, message);
            unusable.entry(name.clone()).or_insert_with(|| Unusable::Contested(other.to_owned()));
        }
    }
    unusable
}

/// Returns what a pool with mistakes keeps others off by: its taints that make sense, on nodes that nobody names.
fn protection(name: &ObjectName, spec: &NodePoolSpec) -> Named<NodePoolSpec> {
    let mut seen = BTreeSet::new();
    let taints = spec.taints.iter().filter(|taint| {
        names::is_qualified_name(&taint.key)
            && !taint.key.starts_with(NODE_PROBLEMS)
            && names::is_label_value(taint.value.as_deref().unwrap_or_default())
            && seen.insert((taint.key.clone(), taint.effect))
    });
    let taints = taints.cloned().collect();
    let mut node_selector = spec.node_selector.clone();
    node_selector.retain(|key, value| names::is_qualified_name(key) && names::is_label_value(value));
    if node_selector.is_empty() {
        node_selector.insert("node-restriction.kubernetes.io/no-node".to_owned(), String::new());
    }
    Named {
        at: At::new(name.source(), name.kind, &name.name),
        name: name.name.clone(),
        spec: NodePoolSpec { node_selector, taints, runtime_classes: None },
    }
}

/// Takes from the tenants the pools that are not there or cannot be used.
///
/// If that is the default, nobody knows where the tenant's pods may run, so they are denied.
pub(super) fn of_tenants(trimmed: &mut Trimmed, unusable: &BTreeMap<String, Unusable>) {
    let there: BTreeSet<String> = trimmed.objects.pools.iter().map(|pool| pool.name.clone()).collect();
    let mut tenants = std::mem::take(&mut trimmed.objects.tenants);
    for Named { name, spec, .. } in &mut tenants {
        let Some(named) = &spec.node_pools else { continue };
        let allowed = named.allowed.as_deref().unwrap_or_default().iter().enumerate();
        let allowed = allowed.map(|(place, pool)| (format!("spec.nodePools.allowed[{place}]"), pool));
        let all: Vec<_> =
            std::iter::once(("spec.nodePools.default".to_owned(), &named.default)).chain(allowed).collect();
        let (mut usable, mut present) = (Vec::new(), Vec::new());
        for (path, pool) in all {
            let (reason, message) = match unusable.get(pool) {
                Some(Unusable::Contested(other)) => (
                    Reason::Conflict,
                    format!(
                        "NodePool `{other}` contests a taint of NodePool `{pool}`, so no pod is placed there"
                    ),
                ),
                Some(Unusable::Lost) => (
                    Reason::UnknownPool,
                    format!("NodePool `{pool}` has mistakes, so no pod is placed there; correct it"),
                ),
                None if there.contains(pool) => {
                    usable.push(pool.clone());
                    present.push(pool.clone());
                    continue;
                }
                None => {
                    let meant = names::did_you_mean(pool, there.iter().map(String::as_str));
                    let message = format!("there is no NodePool `{pool}`{meant}; add one, or name another");
                    (Reason::UnknownPool, message)
                }
            };
            if there.contains(pool) {
                present.push(pool.clone());
            }
            trimmed.note(("Tenant", name), reason, path, pool, message);
        }
        let unnamed = named.unnamed;
        let is_placed = usable.contains(&named.default);
        if !is_placed {
            trimmed.lacking.insert(name.clone(), named.default.as_str().into());
        }
        // Without a default the tenant keeps what is left, so that its pods are still told from those of others.
        let mut left = if is_placed { usable } else { present }.into_iter();
        spec.node_pools = left.next().map(|default| {
            let allowed: Vec<String> = left.collect();
            NodePools { default, allowed: (!allowed.is_empty()).then_some(allowed), unnamed }
        });
    }
    trimmed.objects.tenants = tenants;
}

/// Takes from tenants and Settings the tolerations that reach others' pools.
pub(super) fn tolerations(trimmed: &mut Trimmed) {
    let objects = trimmed.objects.pools.clone();
    let pools = compile(&objects, Known::of("NodePool", &[]), &mut Mistakes::at_stage(Stage::Trimmed));
    let mut tenants = std::mem::take(&mut trimmed.objects.tenants);
    for Named { name, spec, .. } in &mut tenants {
        let own = own(spec.node_pools.as_ref(), &pools);
        let Some(list) = &mut spec.tolerations else { continue };
        let mut removed = BTreeSet::new();
        for (place, toleration) in list.iter().enumerate() {
            let Some(pool) = pools.reached_by(&grants::compile(toleration), &own) else { continue };
            let message = format!(
                "this tolerates a taint of NodePool `{}`, which is none of tenant `{name}`'s pools; add the pool to \
                 `nodePools.allowed`, or narrow the toleration",
                pool.name
            );
            let path = format!("spec.tolerations[{place}]");
            trimmed.note(("Tenant", name), Reason::Conflict, path, toleration, message);
            removed.insert(place);
        }
        remove_at(list, &removed);
    }
    trimmed.objects.tenants = tenants;
    let mut settings = std::mem::take(&mut trimmed.objects.settings);
    for Named { name, spec, .. } in &mut settings {
        let Some(list) = &mut spec.tolerations else { continue };
        let mut removed = BTreeSet::new();
        for (place, toleration) in list.iter().enumerate() {
            let Some(pool) = pools.with_taint_key(&toleration.key) else { continue };
            let message = format!(
                "this is the key of a taint of NodePool `{}`, and every tenant's pods may have what is listed here; \
                 remove it: pods get the tolerations of their own pools anyway",
                pool.name
            );
            let path = format!("spec.tolerations[{place}].key");
            trimmed.note(("Settings", name), Reason::Conflict, path, &toleration.key, message);
            removed.insert(place);
        }
        remove_at(list, &removed);
    }
    trimmed.objects.settings = settings;
}

fn own(named: Option<&NodePools>, pools: &Pools<'_>) -> Vec<PoolId> {
    let names = named
        .into_iter()
        .flat_map(|named| std::iter::once(&named.default).chain(named.allowed.iter().flatten()));
    let found = names.filter_map(|name| match pools.find(name) {
        Found::Pool(id) => Some(id),
        Found::Unparsed | Found::Unknown => None,
    });
    found.collect()
}
