//! Holds pools with the labels and taints that the scheduler compares.

use std::ops::Deref;

use crate::api::{Effect, Operator};
use crate::objects::scheduling::Toleration;

/// Identifies a pool by its index in the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(pub(super) usize);

/// Holds a compiled pool of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The name.
    pub name: Box<str>,
    /// The labels of the nodes, in the order of their keys; at least one.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// The taints of the nodes.
    pub taints: Vec<Taint>,
    /// The runtime classes whose pods name the pool.
    pub runtime_classes: Vec<Box<str>>,
}

/// Holds a compiled taint of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// The key.
    pub key: Box<str>,
    /// The value, or the empty string.
    pub value: Box<str>,
    /// The effect; `None` means any.
    pub effect: Option<Effect>,
}

impl Pool {
    /// Returns the value of the pool's label `key`.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }

    /// Returns whether the pool has a taint with this key and value.
    ///
    /// A label with the same key and value then belongs to the pool alone.
    pub fn is_tainted_with(&self, key: &str, value: &str) -> bool {
        self.taints.iter().any(|taint| *taint.key == *key && *taint.value == *value)
    }

    /// Returns whether a taint keeps all pods off the pool's nodes that do not tolerate it.
    pub fn keeps_pods_away(&self) -> bool {
        self.taints.iter().any(|taint| taint.effect != Some(Effect::PreferNoSchedule))
    }
}

impl Taint {
    /// Returns the effects that the taint may have.
    pub fn effects(&self) -> &[Effect] {
        match &self.effect {
            Some(effect) => std::slice::from_ref(effect),
            None => &Effect::ALL,
        }
    }

    /// Returns whether `tolerations` tolerate each effect of the taint without a time limit.
    ///
    /// Only tolerations with a known operator count.
    pub fn tolerated_for_good(&self, tolerations: &[Toleration<'_>]) -> bool {
        self.effects().iter().all(|effect| {
            tolerations.iter().any(|toleration| {
                toleration.toleration_seconds.is_none()
                    && toleration.has_known_operator()
                    && toleration.tolerates(&self.key, &self.value, *effect)
            })
        })
    }
}

/// Holds a compiled toleration that a Tenant or the Settings list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedToleration {
    /// The taint's key; never empty.
    pub key: Box<str>,
    /// The comparison of the value.
    pub operator: Operator,
    /// The value, for `Equal`.
    pub value: Box<str>,
    /// The effect; `None` means any.
    pub effect: Option<Effect>,
}

impl AllowedToleration {
    /// Returns whether the tenant may use `toleration`: whether it tolerates no more than this entry.
    pub fn covers(&self, toleration: &Toleration<'_>) -> bool {
        *toleration.key == *self.key
            && self.covers_value_of(toleration)
            && self.effect.is_none_or(|effect| &*toleration.effect == effect.as_str())
    }

    /// Returns whether `toleration` tolerates no more values than this entry, whatever its key and effect.
    pub fn covers_value_of(&self, toleration: &Toleration<'_>) -> bool {
        match self.operator {
            Operator::Exists => toleration.has_known_operator(),
            Operator::Equal => toleration.is_equal() && *toleration.value == *self.value,
        }
    }
}

/// Holds the tolerations of a list, sorted by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedTolerations(Vec<AllowedToleration>);

impl AllowedTolerations {
    /// Returns the entries with this key.
    pub fn of_key(&self, key: &str) -> &[AllowedToleration] {
        let start = self.0.partition_point(|allowed| *allowed.key < *key);
        let rest = self.0.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|allowed| *allowed.key == *key)).unwrap_or_default()
    }

    /// Returns whether an entry covers the toleration.
    pub fn cover(&self, toleration: &Toleration<'_>) -> bool {
        self.of_key(&toleration.key).iter().any(|allowed| allowed.covers(toleration))
    }
}

impl Deref for AllowedTolerations {
    type Target = [AllowedToleration];

    fn deref(&self) -> &[AllowedToleration] {
        &self.0
    }
}

impl FromIterator<AllowedToleration> for AllowedTolerations {
    fn from_iter<I: IntoIterator<Item = AllowedToleration>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Self(entries)
    }
}

/// Returns whether the `NodeRestriction` plugin forbids kubelets to set this label on their nodes.
pub fn is_restricted(key: &str) -> bool {
    const RESTRICTED: &str = "node-restriction.kubernetes.io";
    key.split_once('/').is_some_and(|(prefix, _)| {
        prefix.strip_suffix(RESTRICTED).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}
