//! Tells harmless pods, which must be allowed: those of authors who mean well and know their own pools.
//!
//! It is narrower than what does no harm by luck. Somebody whose demands no node of the tenant's pools could meet would
//! wait for ever, and is not harmless.

use super::api_server::RuntimeClass;
use super::kube::{Pod, PodTerm, Requirement, Selector, Toleration};
use super::witness::witnesses;
use super::world::{HOSTNAME, Pool, PoolTaint, Tenant, UNCLAIMED, World};

/// Taints that every pod may tolerate, since Kubernetes itself has pods tolerate them.
const BUILT_IN: [(&str, &str); 7] = [
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("memory-pressure", "NoSchedule"),
    ("disk-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
    ("network-unavailable", "NoSchedule"),
];

/// Returns whether the pod is harmless as the first webhook sees it.
pub(crate) fn is_harmless(world: &World, owner: Option<&Tenant>, pod: &Pod) -> bool {
    let placed = match owner.filter(|tenant| !tenant.pools.is_empty()) {
        Some(tenant) => fits_a_pool(world, tenant, pod),
        None => names_no_pool(world, pod),
    };
    placed
        && pod.node_name.is_empty()
        && pod.tolerations.iter().all(|toleration| may_tolerate(world, owner, toleration))
        && pod.keeps_off().iter().all(|term| may_keep_off(owner, term))
        && owner.is_none_or(|tenant| has_its_class(world, tenant, pod))
}

/// Returns whether some node of the tenant's pools could meet what the pod demands.
fn fits_a_pool(world: &World, tenant: &Tenant, pod: &Pod) -> bool {
    world.pools_of(tenant).any(|pool| !witnesses(pool, pod).is_empty())
}

fn names_no_pool(world: &World, pod: &Pod) -> bool {
    let has = |key: &str, value: Option<&str>| {
        let of_pool = |pool: &Pool| pool.labels.get(key).is_some_and(|own| value.is_none_or(|v| v == own));
        world.pools.iter().any(of_pool)
    };
    let asks = |requirement: &Requirement| match &*requirement.operator {
        "In" => requirement.values.iter().any(|value| has(&requirement.key, Some(value))),
        "NotIn" | "DoesNotExist" => false,
        _ => has(&requirement.key, None),
    };
    let mut expressions = pod.terms().unwrap_or_default().iter().flat_map(|term| &term.match_expressions);
    !pod.node_selector.iter().any(|(key, value)| has(key, Some(value))) && !expressions.any(asks)
}

/// Returns whether an author who means well may keep those pods off.
fn may_keep_off(owner: Option<&Tenant>, term: &PodTerm) -> bool {
    let name = "kubernetes.io/metadata.name";
    let Some(tenant) = owner else {
        let is_own =
            |selector: &Selector| selector.match_labels.get(name).is_some_and(|name| name == UNCLAIMED);
        return term.namespaces.iter().all(|namespace| namespace == UNCLAIMED)
            && term.namespace_selector.as_ref().is_none_or(is_own);
    };
    let own = &tenant.namespace;
    let selects_own = |selector: &Selector| {
        let labels = &selector.match_labels;
        labels.get(name) == Some(own) || labels.get("partywall.dev/tenant") == Some(own)
    };
    tenant.topologies.contains(&&*term.topology_key)
        || (term.namespaces.iter().all(|namespace| namespace == own)
            && term.namespace_selector.as_ref().is_none_or(selects_own))
}

/// Returns whether an author who means well may tolerate that.
pub(crate) fn may_tolerate(world: &World, owner: Option<&Tenant>, toleration: &Toleration) -> bool {
    if owner.is_some_and(|tenant| world.is_other_taint(tenant, &toleration.key)) {
        return true;
    }
    if !matches!(&*toleration.operator, "" | "Equal" | "Exists") {
        return false;
    }
    let Some(tenant) = owner else {
        let is_tolerated = |taint: &PoolTaint| {
            let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"].into_iter();
            let may_be = |effect: &&str| taint.effect.is_none_or(|own| own.as_str() == *effect);
            effects.filter(may_be).any(|effect| toleration.tolerates(taint.key, taint.value, effect))
        };
        return !world.pools.iter().flat_map(|pool| &pool.taints).any(is_tolerated);
    };
    let is_built_in = toleration.operator == "Exists"
        && BUILT_IN.iter().any(|(name, effect)| {
            toleration.key.strip_prefix("node.kubernetes.io/") == Some(name) && toleration.effect == *effect
        });
    let is_own = |taint: &PoolTaint| {
        toleration.operator != "Exists" && (taint.key, taint.value) == (&toleration.key, &toleration.value)
    };
    is_built_in
        || world.pools_of(tenant).flat_map(|pool| &pool.taints).any(is_own)
        || tenant.grants.iter().chain(&world.listed).any(|grant| grant.covers(toleration))
}

/// Returns whether it names a class of its tenant, or fits the default class that it is given.
fn has_its_class(world: &World, tenant: &Tenant, pod: &Pod) -> bool {
    let Some((default, allowed)) = &tenant.classes else { return true };
    if !pod.runtime_class_name.is_empty() {
        return default.iter().chain(allowed).any(|class| *class == pod.runtime_class_name);
    }
    let class = world.classes.iter().find(|class| Some(class.name) == *default);
    class.is_none_or(|class| is_made_for(world, tenant, class, pod))
}

/// Returns whether a default class adds only what the tenant's default pool has, for a pod that goes there.
fn is_made_for(world: &World, tenant: &Tenant, class: &RuntimeClass, pod: &Pod) -> bool {
    let selects = if tenant.pools.is_empty() {
        let brought = Pod { node_selector: class.node_selector.clone(), ..Pod::default() };
        names_no_pool(world, &brought)
            && pod.node_selector.keys().all(|key| !class.node_selector.contains_key(key))
    } else {
        let is_default = |pool: &Pool| std::ptr::eq(pool, &raw const world.pools[tenant.pools[0]]);
        let goes_there = |pool: &Pool| {
            is_default(pool)
                && class.node_selector.iter().all(|(key, value)| pool.labels.get(key) == Some(value))
        };
        // With what the class brings, the pod may name another pool in full.
        let mut brought = pod.clone();
        brought.node_selector.extend(class.node_selector.clone());
        let stays = target(world, tenant, &brought).is_none_or(is_default);
        class.node_selector.is_empty() || (target(world, tenant, pod).is_some_and(goes_there) && stays)
    };
    selects && class.tolerations.iter().all(|toleration| may_tolerate(world, Some(tenant), toleration))
}

/// The pool where a pod belongs: the only one that its nodeSelector names in full, if it says nothing of others, or the
/// default if it says nothing of any. None: that is not told so easily.
pub(crate) fn target<'w>(world: &'w World, tenant: &'w Tenant, pod: &Pod) -> Option<&'w Pool> {
    let pools = world.pools_of(tenant);
    if pools.clone().any(|pool| pool.classes.contains(&class_of(tenant, pod))) {
        return None;
    }
    let is_named =
        |pool: &&Pool| pool.labels.iter().all(|(key, value)| pod.node_selector.get(key) == Some(value));
    let mut named = pools.clone().filter(is_named);
    let of_pools = |key: &&String| pools.clone().any(|pool| pool.labels.contains_key(*key));
    let mut said = keys(pod).filter(of_pools);
    match (named.next(), named.next()) {
        (Some(only), None) => {
            // A label that all of its pools have names none of them.
            let is_shared = |(key, value): (&String, &String)| {
                pools.clone().all(|pool| pool.labels.get(key) == Some(value))
            };
            let is_known = said.all(|key| only.labels.contains_key(key));
            (is_known && !only.labels.iter().all(is_shared)).then_some(only)
        }
        (Some(_), Some(_)) => None,
        (None, _) => pools.clone().next().filter(|_| said.next().is_none()),
    }
}

/// Returns whether the pod runs in its target alone: whoever names a node or holds a pod back leaves it open.
pub(crate) fn is_meant_for_one(world: &World, tenant: &Tenant, pod: &Pod) -> bool {
    let fields = pod.terms().unwrap_or_default().iter().flat_map(|term| &term.match_fields);
    let names_node = fields.into_iter().next().is_some() || keys(pod).any(|key| key == HOSTNAME);
    let names_pool = |key: &String| world.pools_of(tenant).any(|pool| pool.labels.contains_key(key));
    pod.scheduling_gates.is_empty() && (keys(pod).any(names_pool) || !(names_node || tenant.is_any))
}

/// The keys of all labels that the pod demands or forbids.
fn keys(pod: &Pod) -> impl Iterator<Item = &String> {
    let expressions = pod.terms().unwrap_or_default().iter().flat_map(|term| &term.match_expressions);
    pod.node_selector.keys().chain(expressions.map(|requirement| &requirement.key))
}

/// The runtime class of the pod, or the one that it is given.
fn class_of<'c>(tenant: &'c Tenant, pod: &'c Pod) -> &'c str {
    let default = tenant.classes.as_ref().and_then(|(default, _)| *default);
    if pod.runtime_class_name.is_empty() { default.unwrap_or_default() } else { &pod.runtime_class_name }
}
