//! Compiles NodePools: checks labels and taints, and that no two pools share a taint.

use rustc_hash::FxHashMap;

use super::mistakes::{At, Mistakes, refuse_empty};
use super::names;
use super::objects::{Known, Named, index_by_name};
use crate::api::{self, NodePoolSpec, Operator};
use crate::labels::NODE_PROBLEMS;
use crate::tenancy::{AllowedToleration, Pool, PoolId, Taint, is_restricted};

/// Holds the pools, and finds them by name and by taint.
pub(super) struct Pools<'o> {
    pools: Vec<Pool>,
    by_name: FxHashMap<&'o str, usize>,
    known: Known<'o>,
    /// The first pool with each taint key and value.
    by_taint: FxHashMap<(&'o str, &'o str), usize>,
    /// The pools with each taint key.
    by_taint_key: FxHashMap<&'o str, Vec<usize>>,
}

/// Holds the result of a look-up by name.
pub(super) enum Found {
    Pool(PoolId),
    /// The pool exists, but could not be read.
    Unparsed,
    Unknown,
}

impl Pools<'_> {
    pub(super) fn find(&self, name: &str) -> Found {
        match self.by_name.get(name) {
            Some(index) => Found::Pool(PoolId(*index)),
            None if self.known.contains(name) => Found::Unparsed,
            None => Found::Unknown,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.pools.iter().map(|pool| &*pool.name)
    }

    /// Returns a pool outside `own` with a taint that `grant` tolerates.
    ///
    /// The effect does not count: the effect of a node's taint can change without a change of the NodePool.
    pub(super) fn reached_by(&self, grant: &AllowedToleration, own: &[PoolId]) -> Option<&Pool> {
        let is_foreign = |index: &&usize| !own.contains(&PoolId(**index));
        let index = match grant.operator {
            // The search visits at most one more pool than the tenant has.
            Operator::Exists => self.by_taint_key.get(&*grant.key)?.iter().find(is_foreign)?,
            Operator::Equal => Some(self.by_taint.get(&(&*grant.key, &*grant.value))?).filter(is_foreign)?,
        };
        self.pools.get(*index)
    }

    /// Returns a pool with a taint of this key.
    pub(super) fn with_taint_key(&self, key: &str) -> Option<&Pool> {
        self.pools.get(*self.by_taint_key.get(key)?.first()?)
    }

    /// Returns a pool that was found.
    pub(super) fn get(&self, id: PoolId) -> Option<&Pool> {
        self.pools.get(id.0)
    }

    pub(super) fn finish(self) -> Vec<Pool> {
        self.pools
    }
}

pub(super) fn compile<'o>(
    objects: &'o [Named<NodePoolSpec>],
    known: Known<'o>,
    mistakes: &mut Mistakes,
) -> Pools<'o> {
    let mut pools = Pools {
        pools: Vec::with_capacity(objects.len()),
        by_name: index_by_name(objects),
        known,
        by_taint: FxHashMap::default(),
        by_taint_key: FxHashMap::default(),
    };
    let mut by_labels = FxHashMap::default();
    for (index, object) in objects.iter().enumerate() {
        check_labels(object, mistakes);
        if let Some(first) = by_labels.insert(&object.spec.node_selector, object)
            && !object.spec.node_selector.is_empty()
        {
            let message = format!(
                "these are the labels of NodePool `{}` ({}) too, so both stand for the same nodes; let tenants \
                 share one pool",
                first.name, first.at
            );
            mistakes.warn(&object.at, "spec.nodeSelector", &object.spec.node_selector, message);
        }
        if object.spec.taints.is_empty() {
            let message = "a pool without taints keeps nobody else's pods off its nodes; taint them and list the \
                 taints here";
            mistakes.warn(&object.at, "spec.taints", &object.spec.taints, message);
        }
        let weak = |taint: &api::Taint| taint.effect == Some(api::Effect::PreferNoSchedule);
        if !object.spec.taints.is_empty() && object.spec.taints.iter().all(weak) {
            let message = "`PreferNoSchedule` alone keeps nobody else's pods off the pool's nodes; add a taint with \
                 `NoSchedule`";
            mistakes.warn(&object.at, "spec.taints", &object.spec.taints, message);
        }
        for (taint_index, taint) in object.spec.taints.iter().enumerate() {
            check_taint(&object.at, taint_index, taint, &object.spec.taints, mistakes);
            claim(&mut pools, objects, index, taint_index, taint, mistakes);
        }
        pools.pools.push(Pool {
            name: object.name.as_str().into(),
            labels: pairs(&object.spec),
            taints: object.spec.taints.iter().map(compile_taint).collect(),
            runtime_classes: runtime_classes(object, mistakes),
        });
    }
    warn_of_contained_labels(objects, mistakes);
    pools
}

/// Adds a warning for each pool whose nodes include another pool's.
///
/// A pool is found under the label that the fewest pools have, so that a label of all pools costs nothing.
fn warn_of_contained_labels(objects: &[Named<NodePoolSpec>], mistakes: &mut Mistakes) {
    let mut counts: FxHashMap<(&String, &String), usize> = FxHashMap::default();
    for label in objects.iter().flat_map(|object| &object.spec.node_selector) {
        *counts.entry(label).or_default() += 1;
    }
    let mut by_rarest: FxHashMap<(&String, &String), Vec<&Named<NodePoolSpec>>> = FxHashMap::default();
    for object in objects {
        let rarest = object.spec.node_selector.iter().min_by_key(|label| counts.get(label));
        if let Some(label) = rarest {
            by_rarest.entry(label).or_default().push(object);
        }
    }
    for object in objects {
        let labels = &object.spec.node_selector;
        let is_part = |other: &&&Named<NodePoolSpec>| {
            let fewer = &other.spec.node_selector;
            fewer.len() < labels.len() && fewer.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        let mut candidates = labels.iter().filter_map(|label| by_rarest.get(&label)).flatten();
        if let Some(other) = candidates.find(is_part) {
            let message = format!(
                "the labels of NodePool `{}` ({}) are part of these, so that its pods may be placed on these nodes \
                 too; give each pool a value of one label of its own",
                other.name, other.at
            );
            mistakes.warn(&object.at, "spec.nodeSelector", labels, message);
        }
    }
}

fn pairs(spec: &NodePoolSpec) -> Vec<(Box<str>, Box<str>)> {
    spec.node_selector.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect()
}

fn runtime_classes(object: &Named<NodePoolSpec>, mistakes: &mut Mistakes) -> Vec<Box<str>> {
    const PATH: &str = "spec.runtimeClasses";
    let Some(written) = &object.spec.runtime_classes else { return Vec::new() };
    let mend = "name a RuntimeClass, or leave the field out: then no class names the pool";
    refuse_empty(written, &object.at, PATH, mend, mistakes);
    for (index, class) in written.iter().enumerate().filter(|(_, class)| !names::is_subdomain(class)) {
        mistakes.error(&object.at, format!("{PATH}[{index}]"), class, names::NAME);
    }
    written.iter().map(|class| class.as_str().into()).collect()
}

fn compile_taint(taint: &api::Taint) -> Taint {
    Taint { key: taint.key.as_str().into(), value: value_of(taint).into(), effect: taint.effect }
}

fn value_of(taint: &api::Taint) -> &str {
    taint.value.as_deref().unwrap_or_default()
}

fn check_labels(object: &Named<NodePoolSpec>, mistakes: &mut Mistakes) {
    const PATH: &str = "spec.nodeSelector";
    let Named { at, spec, .. } = object;
    if spec.node_selector.is_empty() {
        let message = "a pool without labels would be every node of the cluster; name at least one label";
        mistakes.error(at, PATH, &spec.node_selector, message);
    }
    // Every node of the pool has all of the labels, so one label that a kubelet cannot set protects the pool.
    let is_protected = spec.node_selector.keys().any(|key| is_restricted(key));
    for (key, value) in &spec.node_selector {
        let path = || names::keyed(PATH, key);
        if !names::is_qualified_name(key) {
            mistakes.error(at, path(), value, names::KEY);
        } else if !is_protected {
            let message = "a kubelet may set this label on its own node and so attract the pool's pods; use a label \
                 that begins with `node-restriction.kubernetes.io/`";
            mistakes.warn(at, path(), value, message);
        }
        if !names::is_label_value(value) {
            mistakes.error(at, path(), value, names::VALUE);
        }
    }
}

fn check_taint(at: &At, taint_index: usize, taint: &api::Taint, all: &[api::Taint], mistakes: &mut Mistakes) {
    let path = format!("spec.taints[{taint_index}]");
    if !names::is_qualified_name(&taint.key) {
        mistakes.error(at, format!("{path}.key"), &taint.key, names::KEY);
    }
    if taint.key.starts_with(NODE_PROBLEMS) {
        let message =
            "this taint is Kubernetes' own, and every pod may tolerate it; give the pool one of its own";
        mistakes.error(at, format!("{path}.key"), &taint.key, message);
    }
    if !names::is_label_value(value_of(taint)) {
        mistakes.error(at, format!("{path}.value"), value_of(taint), names::VALUE);
    }
    let same = |other: &&api::Taint| other.key == taint.key && other.effect == taint.effect;
    if all.iter().take(taint_index).any(|other| same(&other)) {
        let message = "a node carries one taint of a key and an effect; remove one of them";
        mistakes.error(at, path, taint, message);
    }
}

/// Records the pool of a taint, and adds an error if another pool has the same one.
fn claim<'o>(
    pools: &mut Pools<'o>,
    objects: &[Named<NodePoolSpec>],
    index: usize,
    taint_index: usize,
    taint: &'o api::Taint,
    mistakes: &mut Mistakes,
) {
    let of_key = pools.by_taint_key.entry(&taint.key).or_default();
    if of_key.last() != Some(&index) {
        of_key.push(index);
    }
    let first = *pools.by_taint.entry((&taint.key, value_of(taint))).or_insert(index);
    if let (true, Some(first), Some(object)) = (first != index, objects.get(first), objects.get(index)) {
        let message = format!(
            "a taint of this key and value is NodePool `{}`'s ({}) too, so whoever may be on the one may be on the \
             other; give each pool a value of its own",
            first.name, first.at
        );
        mistakes.relation(&object.at, format!("spec.taints[{taint_index}]"), taint, message);
    }
}
