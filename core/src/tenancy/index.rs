//! Indexes pools by their labels and taints.
//!
//! A cluster may have very many pools, and so may a tenant. A search asks only for the labels that an object names, so
//! it takes time in proportion to the object and not to the number of pools.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use rustc_hash::FxHashMap;

use super::pools::{Pool, PoolId, is_restricted};
use crate::api::Effect;
use crate::objects::pod::PodSpec;
use crate::objects::scheduling::Toleration;
use crate::work;

/// Indexes the taints and labels of all pools, or of those of one tenant.
#[derive(Debug, Default)]
pub(crate) struct PoolIndex {
    taints: FxHashMap<Box<str>, TaintsOfKey>,
    /// The effects of the taints with each value, whatever their keys.
    by_value: FxHashMap<Box<str>, Effects>,
    /// The effects of all taints.
    effects: Effects,
    labels: FxHashMap<Box<str>, PoolsOfKey>,
    shapes: Vec<Shape>,
}

/// Indexes the pools that have a label with one key.
#[derive(Debug, Default)]
struct PoolsOfKey {
    by_value: FxHashMap<Box<str>, PoolsOfLabel>,
    /// Whether the label, with some value, names one pool alone.
    has_own: bool,
    /// The shapes that are found by this key.
    shapes: Vec<usize>,
}

/// Lists the pools that have one label.
#[derive(Debug, Default)]
struct PoolsOfLabel {
    pools: Vec<PoolId>,
    is_tainted: bool,
    /// Whether the label names one pool alone.
    ///
    /// It does if the pool is tainted with the same key and value, or if no kubelet may set the label and no other pool
    /// has it.
    is_own: bool,
}

/// Holds the keys that the labels of some pools have in common.
#[derive(Debug)]
struct Shape {
    keys: Vec<Box<str>>,
    first: PoolId,
}

#[derive(Debug, Default)]
struct TaintsOfKey {
    effects: Effects,
    by_value: FxHashMap<Box<str>, Effects>,
}

/// Holds a set of effects.
#[derive(Clone, Copy, Debug, Default)]
struct Effects(u8);

impl Effects {
    fn add(&mut self, effects: &[Effect]) {
        self.0 |= effects.iter().fold(0, |set, effect| set | (1 << *effect as u8));
    }

    const fn overlap(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the effects that a toleration with this effect tolerates; unknown effects match none.
    fn tolerated(effect: &str) -> Self {
        let mut set = Self::default();
        for known in Effect::ALL {
            if effect.is_empty() || effect == known.as_str() {
                set.add(&[known]);
            }
        }
        set
    }
}

impl PoolIndex {
    /// Indexes the pools of a tenant.
    pub(super) fn of_tenant(ids: &[PoolId], pools: &[Pool]) -> Self {
        let own = ids.iter().filter_map(|id| Some((*id, pools.get(id.0)?)));
        Self::of(own, None)
    }

    /// Indexes some of all pools.
    pub(super) fn of_some(ids: impl Iterator<Item = PoolId>, pools: &[Pool], all: &Self) -> Self {
        Self::of(ids.filter_map(|id| Some((id, pools.get(id.0)?))), Some(all))
    }

    /// Indexes all pools.
    pub(super) fn of_all(pools: &[Pool]) -> Self {
        Self::of(pools.iter().enumerate().map(|(id, pool)| (PoolId(id), pool)), None)
    }

    /// Indexes those of all pools that no taint keeps pods away from, if there are such pools.
    pub(super) fn of_open(pools: &[Pool], all: &Self) -> Option<Self> {
        let mut open = (pools.iter().enumerate().map(|(id, pool)| (PoolId(id), pool)))
            .filter(|(_, pool)| !pool.keeps_pods_away())
            .peekable();
        open.peek()?;
        Some(Self::of(open, Some(all)))
    }

    /// Indexes pools, which may be some of `all` in another index.
    fn of<'p>(pools: impl Iterator<Item = (PoolId, &'p Pool)>, all: Option<&Self>) -> Self {
        let mut index = Self::default();
        let mut by_keys: FxHashMap<Vec<&str>, PoolId> = FxHashMap::default();
        for (id, pool) in pools {
            for taint in &pool.taints {
                let of_key = index.taints.entry(taint.key.clone()).or_default();
                of_key.effects.add(taint.effects());
                of_key.by_value.entry(taint.value.clone()).or_default().add(taint.effects());
                index.by_value.entry(taint.value.clone()).or_default().add(taint.effects());
                index.effects.add(taint.effects());
            }
            for (key, value) in &pool.labels {
                let of_key = index.labels.entry(key.clone()).or_default();
                let of_label = of_key.by_value.entry(value.clone()).or_default();
                of_label.pools.push(id);
                of_label.is_tainted |= pool.is_tainted_with(key, value);
            }
            by_keys.entry(pool.labels.iter().map(|(key, _)| &**key).collect()).or_insert(id);
        }
        index.labels.iter_mut().for_each(|(key, of_key)| {
            of_key.by_value.iter_mut().for_each(|(value, of_label)| {
                let pools = all.map_or(of_label.pools.len(), |all| all.count(key, value));
                of_label.is_own = of_label.is_tainted || (is_restricted(key) && pools == 1);
            });
            of_key.has_own = of_key.by_value.values().any(|of_label| of_label.is_own);
        });
        index.add_shapes(by_keys);
        index
    }

    /// Adds the shapes, each to the key that fewest shapes have, or that has most values.
    ///
    /// A pool is named by all its labels, so that a search may begin with any of them; that key leads to the fewest
    /// pools.
    fn add_shapes(&mut self, by_keys: FxHashMap<Vec<&str>, PoolId>) {
        let mut shapes_with: FxHashMap<&str, usize> = FxHashMap::default();
        for key in by_keys.keys().flatten() {
            *shapes_with.entry(key).or_default() += 1;
        }
        let mut by_keys: Vec<_> = by_keys.into_iter().collect();
        by_keys.sort_unstable();
        for (keys, first) in by_keys {
            let values = |key: &str| self.labels.get(key).map_or(0, |of_key| of_key.by_value.len());
            let rarest =
                keys.iter().min_by_key(|key| (shapes_with.get(**key), std::cmp::Reverse(values(key))));
            if let Some(of_key) = rarest.and_then(|key| self.labels.get_mut(*key)) {
                of_key.shapes.push(self.shapes.len());
                self.shapes.push(Shape { keys: keys.into_iter().map(Into::into).collect(), first });
            }
        }
    }

    /// Returns whether the toleration tolerates a taint of some pool.
    ///
    /// An unknown operator counts as tolerating every value: the caller denies tolerations that tolerate too much.
    pub(crate) fn is_tolerated_by(&self, toleration: &Toleration<'_>) -> bool {
        let tolerated = Effects::tolerated(&toleration.effect);
        let overlap = |effects: &Effects| effects.overlap(tolerated);
        match (toleration.key.is_empty(), toleration.is_equal()) {
            (true, true) => self.by_value.get(&*toleration.value).is_some_and(overlap),
            (true, false) => self.effects.overlap(tolerated),
            (false, true) => (self.taints.get(&*toleration.key))
                .and_then(|of_key| of_key.by_value.get(&*toleration.value))
                .is_some_and(overlap),
            (false, false) => {
                self.taints.get(&*toleration.key).is_some_and(|of_key| of_key.effects.overlap(tolerated))
            }
        }
    }

    /// Returns the number of values that pools' taints of this key have; each value belongs to one pool.
    pub(super) fn values_of(&self, key: &str) -> usize {
        self.taints.get(key).map_or(0, |of_key| of_key.by_value.len())
    }

    /// Returns whether a pool has a taint with this key and value.
    pub(super) fn has_taint(&self, key: &str, value: &str) -> bool {
        self.taints.get(key).is_some_and(|of_key| of_key.by_value.contains_key(value))
    }

    /// Returns whether a pool has a label with this key.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.labels.contains_key(key)
    }

    /// Returns the number of pools with this label.
    fn count(&self, key: &str, value: &str) -> usize {
        self.of_label(key, value).map_or(0, |of_label| of_label.pools.len())
    }

    /// Returns whether this label names one pool alone.
    pub(crate) fn is_own_label(&self, key: &str, value: &str) -> bool {
        self.of_label(key, value).is_some_and(|of_label| of_label.is_own)
    }

    fn of_label(&self, key: &str, value: &str) -> Option<&PoolsOfLabel> {
        self.labels.get(key).and_then(|of_key| of_key.by_value.get(value))
    }

    /// Returns whether the labels contain one that names one pool alone.
    fn has_own_of(&self, required: &RequiredLabels<'_>) -> bool {
        required.keys.iter().any(|(key, accepted)| {
            (accepted.any && self.labels.get(*key).is_some_and(|of_key| of_key.has_own))
                || accepted.values.iter().any(|value| self.is_own_label(key, value))
        })
    }

    /// Returns whether the labels name a pool: by one that is its own, or by all that it has.
    pub(crate) fn is_named_by(&self, required: &RequiredLabels<'_>, pools: &[Pool]) -> bool {
        self.has_own_of(required) || self.has_all_of_one(required, pools)
    }

    /// Returns whether the labels contain all labels of a pool.
    pub(crate) fn has_all_of_one(&self, required: &RequiredLabels<'_>, pools: &[Pool]) -> bool {
        self.find(required, pools, &mut |_, _| true)
    }

    /// Visits the pools of which the labels contain all labels, until `visit` returns true; returns whether it did.
    ///
    /// A pool may be visited twice. Of pools that differ in labels with any accepted value, only one is visited.
    pub(crate) fn find<'p>(
        &self,
        required: &RequiredLabels<'_>,
        pools: &'p [Pool],
        visit: &mut dyn FnMut(PoolId, &'p Pool) -> bool,
    ) -> bool {
        let mut layers = std::iter::successors(Some(required), |required| required.also);
        layers.any(|layer| {
            let shapes = layer.shapes.get_or_init(|| self.reachable(layer));
            let mut shapes = shapes.iter().filter_map(|shape| self.shapes.get(*shape));
            shapes.any(|shape| self.find_of_shape(shape, required, pools, visit))
        })
    }

    /// Returns the shapes that the keys of one layer lead to.
    fn reachable(&self, layer: &RequiredLabels<'_>) -> Vec<usize> {
        let may_match = layer.keys.iter().filter(|(_, accepted)| accepted.any || accepted.pools > 0);
        let of_keys = may_match.filter_map(|(key, _)| self.labels.get(*key));
        of_keys.flat_map(|of_key| &of_key.shapes).copied().collect()
    }

    fn find_of_shape<'p>(
        &self,
        shape: &Shape,
        required: &RequiredLabels<'_>,
        pools: &'p [Pool],
        visit: &mut dyn FnMut(PoolId, &'p Pool) -> bool,
    ) -> bool {
        // The key whose accepted values fewest pools have.
        let mut fewest: Option<(usize, &str)> = None;
        for key in &shape.keys {
            if !work::charge(1) {
                return false;
            }
            match required.accepted(key) {
                Some(Count::Any) => {}
                Some(Count::Pools(count)) if fewest.is_none_or(|(least, _)| count < least) => {
                    fewest = Some((count, key));
                }
                Some(Count::Pools(_)) => {}
                None => return false,
            }
        }
        let Some((_, key)) = fewest else {
            return pools.get(shape.first.0).is_some_and(|pool| visit(shape.first, pool));
        };
        let Some(of_key) = self.labels.get(key) else { return false };
        let ids = required.values(key).filter_map(|value| of_key.by_value.get(value));
        let mut ids = ids.flat_map(|of_label| &of_label.pools).take_while(|_| work::charge(1));
        ids.any(|id| {
            pools.get(id.0).is_some_and(|pool| {
                let is_whole = pool.labels.iter().all(|(key, value)| required.has(key, value));
                is_whole && visit(*id, pool)
            })
        })
    }
}

/// Holds the labels that a pod requires of its node, as far as pools have such labels.
///
/// Layers are alternatives and additions: a term's own labels, and the nodeSelector's, which every term shares.
#[derive(Debug, Default)]
pub(crate) struct RequiredLabels<'a> {
    keys: HashMap<&'a str, Accepted<'a>>,
    /// Requirements that apply as well.
    also: Option<&'a Self>,
    /// The shapes of pools that the keys of this layer lead to.
    shapes: OnceCell<Vec<usize>>,
}

/// Holds the values that are accepted of a key.
#[derive(Debug, Default)]
struct Accepted<'a> {
    /// Whether any value is.
    any: bool,
    /// The values that some pool has.
    values: HashSet<&'a str>,
    /// The number of pools that have these values.
    pools: usize,
}

/// Counts the pools that a key leaves.
enum Count {
    Any,
    Pools(usize),
}

impl<'a> RequiredLabels<'a> {
    /// Returns the labels that a nodeSelector requires.
    pub(crate) fn of_selector(index: &PoolIndex, spec: &'a PodSpec<'_>) -> Self {
        let mut labels = Self::default();
        for (key, value) in spec.node_selector.iter().flat_map(|selector| selector.iter()) {
            labels.add(index, key, value);
        }
        labels
    }

    /// Adds a label with this value; labels that no pool has are left out.
    pub(crate) fn add(&mut self, index: &PoolIndex, key: &'a str, value: &'a str) {
        let Some(of_key) = index.labels.get(key) else { return };
        let accepted = self.keys.entry(key).or_default();
        if let Some(of_label) = of_key.by_value.get(value)
            && accepted.values.insert(value)
        {
            accepted.pools += of_label.pools.len();
        }
    }

    /// Adds a label with any value.
    pub(crate) fn add_any(&mut self, index: &PoolIndex, key: &'a str) {
        if index.has_key(key) {
            self.keys.entry(key).or_default().any = true;
        }
    }

    /// Adds requirements that apply as well.
    pub(crate) fn and(self, also: &'a Self) -> Self {
        Self { also: Some(also), ..self }
    }

    fn layers(&self, key: &str) -> impl Iterator<Item = &Accepted<'a>> {
        std::iter::successors(Some(self), |required| required.also)
            .filter_map(move |layer| layer.keys.get(key))
    }

    /// Returns how many pools the accepted values of a key leave, or `None` if it accepts none that a pool has.
    fn accepted(&self, key: &str) -> Option<Count> {
        let mut pools = 0;
        for accepted in self.layers(key) {
            if accepted.any {
                return Some(Count::Any);
            }
            pools += accepted.pools;
        }
        (pools > 0).then_some(Count::Pools(pools))
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.layers(key).flat_map(|accepted| accepted.values.iter().copied())
    }

    fn has(&self, key: &str, value: &str) -> bool {
        self.layers(key).any(|accepted| accepted.any || accepted.values.contains(value))
    }
}

#[cfg(test)]
mod tests;
