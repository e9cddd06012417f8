//! Holds pools with the labels and taints that the scheduler compares.

use std::collections::HashMap;
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
    pub(crate) fn is_tainted_with(&self, key: &str, value: &str) -> bool {
        self.taints.iter().any(|taint| *taint.key == *key && *taint.value == *value)
    }

    /// Returns whether a taint keeps all pods off the pool's nodes that do not tolerate it.
    pub(crate) fn keeps_pods_away(&self) -> bool {
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
}

/// Tells which taints are tolerated without a time limit.
///
/// Only tolerations with a known operator count. Very many tolerations are looked up by key and value, since a pod may
/// need those of very many taints.
#[derive(Debug)]
pub(crate) enum ToleratedForGood<'t, 'a> {
    /// The tolerations.
    Few(&'t [Toleration<'a>]),
    /// The effects that are tolerated of each key and value; no value means any, and the empty key means any.
    Many(HashMap<(&'t str, Option<&'t str>), Effects>),
}

/// Holds a set of effects, one bit each.
type Effects = u8;

impl<'t, 'a> ToleratedForGood<'t, 'a> {
    /// Limits how many tolerations are compared with each taint.
    const FEW: usize = 32;

    /// Returns what the tolerations tolerate for good.
    pub(crate) fn by(tolerations: &'t [Toleration<'a>]) -> Self {
        if tolerations.len() <= Self::FEW {
            return Self::Few(tolerations);
        }
        Self::of(tolerations)
    }

    /// Returns what any number of tolerations tolerate for good.
    pub(crate) fn of(tolerations: impl IntoIterator<Item = &'t Toleration<'a>>) -> Self
    where
        'a: 't,
    {
        let mut many = HashMap::new();
        for toleration in tolerations.into_iter().filter(|toleration| is_for_good(toleration)) {
            let value = toleration.is_equal().then_some(&*toleration.value);
            let effects: &mut Effects = many.entry((&*toleration.key, value)).or_default();
            for (place, effect) in Effect::ALL.iter().enumerate() {
                if toleration.effect.is_empty() || &*toleration.effect == effect.as_str() {
                    *effects |= 1 << place;
                }
            }
        }
        Self::Many(many)
    }

    /// Returns whether each effect of the taint is tolerated.
    pub(crate) fn includes(&self, taint: &Taint) -> bool {
        let Taint { key, value, .. } = taint;
        match self {
            Self::Few(tolerations) => taint.effects().iter().all(|effect| {
                let mut tolerations = tolerations.iter().filter(|toleration| is_for_good(toleration));
                tolerations.any(|toleration| toleration.tolerates(key, value, *effect))
            }),
            Self::Many(many) => {
                let of = |key, value| many.get(&(key, value)).copied().unwrap_or_default();
                let value = Some(&**value);
                let tolerated = of("", None) | of("", value) | of(&**key, None) | of(&**key, value);
                let mut effects = Effect::ALL.iter().enumerate();
                effects
                    .all(|(place, effect)| tolerated & (1 << place) != 0 || !taint.effects().contains(effect))
            }
        }
    }
}

fn is_for_good(toleration: &Toleration<'_>) -> bool {
    toleration.toleration_seconds.is_none() && toleration.has_known_operator()
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
    pub(crate) fn covers_value_of(&self, toleration: &Toleration<'_>) -> bool {
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
    pub(crate) fn cover(&self, toleration: &Toleration<'_>) -> bool {
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
pub(crate) fn is_restricted(key: &str) -> bool {
    const RESTRICTED: &str = "node-restriction.kubernetes.io";
    key.split_once('/').is_some_and(|(prefix, _)| {
        prefix.strip_suffix(RESTRICTED).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o2_very_many_tolerations_tolerate_what_each_of_them_does() {
        let mut written = Vec::new();
        for key in ["", "k", "other"] {
            for operator in ["", "Equal", "Exists", "Gt"] {
                for value in ["", "v", "w"] {
                    for effect in ["", "NoSchedule", "PreferNoSchedule", "NoExecute", "Unknown"] {
                        for end in ["", r#","tolerationSeconds":5"#] {
                            let rest = format!(r#""value":"{value}","effect":"{effect}"{end}"#);
                            written.push(format!(r#"{{"key":"{key}","operator":"{operator}",{rest}}}"#));
                        }
                    }
                }
            }
        }
        let one = |text: &'_ str| serde_json::from_str::<Toleration<'_>>(text).map(|_| ()).is_ok();
        assert!(written.iter().all(|text| one(text)));
        let effects = [None, Some(Effect::NoSchedule), Some(Effect::NoExecute)];
        for (first, second) in
            written.iter().flat_map(|first| written.iter().step_by(7).map(move |second| (first, second)))
        {
            let list = |times: usize| -> Vec<Toleration<'_>> {
                let both = [first, second].into_iter().cycle().take(times);
                both.map(|text| serde_json::from_str(text).unwrap()).collect()
            };
            let (few, many) = (list(2), list(ToleratedForGood::FEW + 1));
            for effect in effects {
                let taint = Taint { key: "k".into(), value: "v".into(), effect };
                let (few, many) = (ToleratedForGood::by(&few), ToleratedForGood::by(&many));
                assert!(matches!(many, ToleratedForGood::Many(_)));
                assert_eq!(few.includes(&taint), many.includes(&taint), "{first} {second} {taint:?}");
            }
        }
    }
}
