//! Serializes what the stamp writes.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct, Serializer};

use crate::objects::scheduling::NodeSelectorRequirement;
use crate::tenancy::{Pool, PoolSet, PoolTable, Taint};

/// Serializes the labels that pools share as a nodeSelector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'p> {
    pub(super) pool: &'p Pool,
    /// The pools that must have a label, if there are others.
    pub(super) shared_by: Option<(&'p PoolTable, PoolSet)>,
}

impl<'p> Labels<'p> {
    pub(super) fn iter(self) -> impl Iterator<Item = (&'p str, &'p str)> {
        let labels = self.pool.labels.iter().map(|(key, value)| (&**key, &**value));
        labels.filter(move |(key, value)| {
            self.shared_by.is_none_or(|(table, pools)| {
                table.have(key, value).is_some_and(|met| met.meets.contains(pools))
            })
        })
    }
}

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Serializes the requirements that select pools whose labels differ in one key at most.
#[derive(Debug)]
pub(super) struct Requirements<'p> {
    pub(super) pool: &'p Pool,
    /// The key, and its value in each of the pools.
    pub(super) several: Option<(&'p str, Vec<&'p str>)>,
}

impl Requirements<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = Requirement<'_>> + Clone {
        self.pool.labels.iter().map(|(key, value)| {
            let values = match &self.several {
                Some((several, values)) if **several == **key => Values::Several(values),
                _ => Values::One([value]),
            };
            Requirement { key, values }
        })
    }

    /// Returns those that are not written.
    pub(super) fn missing_in<'r>(
        &'r self,
        written: &'r [NodeSelectorRequirement<'_>],
    ) -> impl Iterator<Item = Requirement<'r>> {
        self.iter().filter(|requirement| !written.iter().any(|written| requirement.is(written)))
    }
}

impl Serialize for Requirements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Serializes the requirement `key In [value, ...]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirement<'p> {
    pub(super) key: &'p str,
    values: Values<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Values<'p> {
    One([&'p str; 1]),
    Several(&'p [&'p str]),
}

impl Requirement<'_> {
    /// Returns the values.
    pub(super) fn values(&self) -> &[&str] {
        match &self.values {
            Values::One(value) => value,
            Values::Several(values) => values,
        }
    }

    /// Returns whether the requirement is written in the same form.
    pub(super) fn is(&self, written: &NodeSelectorRequirement<'_>) -> bool {
        let values = self.values();
        *written.key == *self.key
            && &*written.operator == "In"
            && written.values.len() == values.len()
            && written.values.iter().zip(values).all(|(written, value)| **written == **value)
    }
}

impl Serialize for Requirement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut requirement = serializer.serialize_struct("NodeSelectorRequirement", 3)?;
        requirement.serialize_field("key", self.key)?;
        requirement.serialize_field("operator", "In")?;
        requirement.serialize_field("values", self.values())?;
        requirement.end()
    }
}

/// Serializes `{field: value}`.
pub(super) struct Nested<'p, V>(pub(super) &'static str, pub(super) &'p V);

impl<V: Serialize> Serialize for Nested<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, self.1)?;
        map.end()
    }
}

/// Serializes the toleration of a taint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerates<'p>(pub(super) &'p Taint);

impl Serialize for Tolerates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Taint { key, value, effect } = self.0;
        let mut toleration = serializer.serialize_struct("Toleration", 4)?;
        toleration.serialize_field("key", key)?;
        toleration.serialize_field("operator", "Equal")?;
        if !value.is_empty() {
            toleration.serialize_field("value", value)?;
        }
        if let Some(effect) = effect {
            toleration.serialize_field("effect", effect.as_str())?;
        }
        toleration.end()
    }
}
