//! Pools as the scheduler sees them: labels to select, taints to tolerate.

use crate::api::{Effect, Operator};
use crate::objects::scheduling::Toleration;

/// A pool's place in the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolId(pub(super) usize);

/// A set of nodes, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: Box<str>,
    /// The labels of its nodes, in the order of their keys; at least one.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// The taints of its nodes.
    pub taints: Vec<Taint>,
}

/// A taint of a pool, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: Box<str>,
    /// Its value, or the empty string.
    pub value: Box<str>,
    /// Its effect; `None`: any.
    pub effect: Option<Effect>,
}

impl Pool {
    /// The value of the pool's label `key`.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }

    /// Whether the pool is tainted with this key and value: then the label is its own.
    pub fn is_tainted_with(&self, key: &str, value: &str) -> bool {
        self.taints.iter().any(|taint| *taint.key == *key && *taint.value == *value)
    }
}

impl Taint {
    /// The effects the taint may have.
    pub fn effects(&self) -> &[Effect] {
        match &self.effect {
            Some(effect) => std::slice::from_ref(effect),
            None => &Effect::ALL,
        }
    }

    /// Whether `tolerations` tolerate this taint for good: each effect it may have, and without a time limit.
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

/// A toleration that a tenant lists, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedToleration {
    /// The taint's key; never empty.
    pub key: Box<str>,
    /// How the value is compared.
    pub operator: Operator,
    /// The value, for `Equal`.
    pub value: Box<str>,
    /// The effect; `None`: any.
    pub effect: Option<Effect>,
}

impl AllowedToleration {
    /// Whether everything that `toleration` tolerates is granted.
    pub fn covers(&self, toleration: &Toleration<'_>) -> bool {
        if *toleration.key != *self.key {
            return false;
        }
        let value = match self.operator {
            Operator::Exists => toleration.is_exists() || toleration.is_equal(),
            Operator::Equal => toleration.is_equal() && *toleration.value == *self.value,
        };
        value && self.effect.is_none_or(|effect| &*toleration.effect == effect.as_str())
    }
}

/// Whether the `NodeRestriction` plugin keeps kubelets from setting this label on their own nodes.
pub fn is_restricted(key: &str) -> bool {
    const RESTRICTED: &str = "node-restriction.kubernetes.io";
    key.split_once('/').is_some_and(|(prefix, _)| {
        prefix.strip_suffix(RESTRICTED).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}
