//! The sum of several objects' fields, each value with the object that it comes from.

use serde_json::Value;

use super::model::{Field, From, Origin};
use crate::policies::{Finder, WrittenObject};
use crate::reference;

/// An object whose fields count where the objects before it have none.
pub(super) struct Layer<'w> {
    pub(super) from: From,
    pub(super) object: WrittenObject<'w>,
    pub(super) finder: Finder<'w>,
}

impl Layer<'_> {
    /// Returns the value of a field, by its path below `spec`.
    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.object.spec, |value, field| value.get(field))
    }

    /// Returns where a field is written; the empty path means the object.
    pub(super) fn origin(&mut self, path: &str) -> Origin {
        if self.from == From::BuiltIn {
            return Origin::BUILT_IN;
        }
        let path = if path.is_empty() { String::new() } else { format!("spec.{path}") };
        Origin {
            from: self.from,
            // There is one Settings.
            name: (self.from != From::Settings).then(|| self.object.name.to_owned()),
            file: Some(self.object.source.path.clone()),
            line: self.finder.find(self.object.source, &path).map(|place| place.line),
        }
    }
}

/// Says which of the layers that have a field counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// The first layer that has the field at the top of the spec, as for a Tenant and its class.
    AtTheTop,
    /// The first layer that has the value itself, as for Settings.
    EachValue,
}

/// Returns the sum of the layers' fields of a kind, in the order of the reference; `rules` is left out.
pub(super) fn sum(kind: &'static str, layers: &mut [Layer<'_>], merge: Merge) -> Vec<Field> {
    let mut fields = Vec::new();
    let all: Vec<usize> = (0..layers.len()).collect();
    add(kind, "", layers, &all, merge, &mut fields);
    fields
}

fn add(
    kind: &'static str,
    parent: &str,
    layers: &mut [Layer<'_>],
    counting: &[usize],
    merge: Merge,
    fields: &mut Vec<Field>,
) {
    for (name, absent) in reference::children(kind, parent).filter(|(name, _)| *name != "rules") {
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
        let has = |index: &&usize| layers.get(**index).is_some_and(|layer| layer.get(&path).is_some());
        let mut with: Vec<usize> = counting.iter().filter(has).copied().collect();
        if merge == Merge::AtTheTop {
            with.truncate(1);
        }
        let Some(first) = with.first().and_then(|index| layers.get_mut(*index)) else {
            let source = Origin::BUILT_IN;
            fields.push(Field { field: path, value: Value::Null, absent: Some(absent), source, note: None });
            continue;
        };
        if reference::children(kind, &path).next().is_some() {
            add(kind, &path, layers, &with, merge, fields);
        } else {
            let source = first.origin(&path);
            let value = first.get(&path).cloned().unwrap_or_default();
            fields.push(Field { field: path, value, absent: None, source, note: None });
        }
    }
}
