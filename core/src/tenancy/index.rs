//! Indexes pools by their labels and taints.
//!
//! A cluster may have very many pools, and the rules compare a pod outside tenants with all of them.

use rustc_hash::FxHashMap;

use super::pools::{Pool, PoolId};
use crate::api::Effect;
use crate::objects::scheduling::Toleration;

/// Indexes the taints and labels of all pools.
#[derive(Debug, Default)]
pub(super) struct PoolIndex {
    taints: FxHashMap<Box<str>, TaintsOfKey>,
    /// The effects of all taints.
    effects: Effects,
    labels: FxHashMap<Box<str>, FxHashMap<Box<str>, Vec<PoolId>>>,
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
    pub(super) fn new(pools: &[Pool]) -> Self {
        let mut index = Self::default();
        for (id, pool) in pools.iter().enumerate() {
            for taint in &pool.taints {
                let of_key = index.taints.entry(taint.key.clone()).or_default();
                of_key.effects.add(taint.effects());
                of_key.by_value.entry(taint.value.clone()).or_default().add(taint.effects());
                index.effects.add(taint.effects());
            }
            for (key, value) in &pool.labels {
                let of_key = index.labels.entry(key.clone()).or_default();
                of_key.entry(value.clone()).or_default().push(PoolId(id));
            }
        }
        index
    }

    /// Returns whether the toleration tolerates a taint of some pool.
    ///
    /// An unknown operator counts as tolerating every value: the caller denies tolerations that tolerate too much.
    pub(super) fn is_tolerated_by(&self, toleration: &Toleration<'_>) -> bool {
        let tolerated = Effects::tolerated(&toleration.effect);
        let by_value = |of_key: &TaintsOfKey| {
            of_key.by_value.get(&*toleration.value).is_some_and(|effects| effects.overlap(tolerated))
        };
        match (toleration.key.is_empty(), toleration.is_equal()) {
            (true, true) => self.taints.values().any(by_value),
            (true, false) => self.effects.overlap(tolerated),
            (false, true) => self.taints.get(&*toleration.key).is_some_and(by_value),
            (false, false) => {
                self.taints.get(&*toleration.key).is_some_and(|of_key| of_key.effects.overlap(tolerated))
            }
        }
    }

    /// Returns the number of values that pools' taints of this key have; each value belongs to one pool.
    pub(super) fn values_of(&self, key: &str) -> usize {
        self.taints.get(key).map_or(0, |of_key| of_key.by_value.len())
    }

    /// Iterates over the pools with this label; without a value, over those with any value of it.
    pub(super) fn labelled(&self, key: &str, value: Option<&str>) -> impl Iterator<Item = PoolId> {
        let of_key = self.labels.get(key);
        let (one, all) = match value {
            Some(value) => (of_key.and_then(|of_key| of_key.get(value)), None),
            None => (None, of_key.map(FxHashMap::values)),
        };
        one.into_iter().chain(all.into_iter().flatten()).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::Taint;

    fn pools() -> Vec<Pool> {
        let pool = |name: &str, value: &str, effect| Pool {
            name: name.into(),
            labels: vec![("pool".into(), name.into())],
            taints: vec![Taint { key: "tenant".into(), value: value.into(), effect }],
        };
        vec![pool("a", "x", Some(Effect::NoSchedule)), pool("b", "y", None)]
    }

    #[test]
    fn the_index_agrees_with_asking_every_pool() {
        let pools = pools();
        let index = PoolIndex::new(&pools);
        for key in ["", "tenant", "other"] {
            for operator in ["", "Equal", "Exists", "Gt"] {
                for value in ["", "x", "y", "z"] {
                    for effect in ["", "NoSchedule", "NoExecute", "Nonsense"] {
                        let toleration = Toleration {
                            key: key.into(),
                            operator: operator.into(),
                            value: value.into(),
                            effect: effect.into(),
                            toleration_seconds: None,
                        };
                        let asked = (pools.iter().flat_map(|pool| &pool.taints)).any(|taint| {
                            let tolerates = |effect| toleration.tolerates(&taint.key, &taint.value, effect);
                            taint.effects().iter().copied().any(tolerates)
                        });
                        assert_eq!(index.is_tolerated_by(&toleration), asked, "{toleration:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn labels_are_found_by_value_and_by_key() {
        let index = PoolIndex::new(&pools());
        assert_eq!(index.labelled("pool", Some("b")).collect::<Vec<_>>(), [PoolId(1)]);
        assert_eq!(index.labelled("pool", None).count(), 2);
        assert_eq!(index.labelled("pool", Some("c")).count(), 0);
        assert_eq!(index.labelled("zone", None).count(), 0);
    }
}
