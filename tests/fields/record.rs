//! What `make fields` recorded of a release: its kinds, their subresources, and the fields of their types.

use std::collections::{BTreeMap, BTreeSet};

use crate::{files, read};

/// A kind, in any version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) name: String,
}

impl Kind {
    /// The kind as the tables write it: `Pod`, `batch/Job`.
    pub(crate) fn written(&self) -> String {
        if self.group.is_empty() { self.name.clone() } else { format!("{}/{}", self.group, self.name) }
    }
}

/// One release, or several: versions of an API do not matter, since rules read the same fields in all of them.
#[derive(Clone, Default)]
pub(crate) struct Record {
    /// The types of each kind, one for each version unless they have the same name.
    pub(crate) kinds: BTreeMap<Kind, BTreeSet<String>>,
    /// The subresources that can be written or connected to, by kind.
    pub(crate) subresources: BTreeSet<(Kind, String)>,
    /// The types of each field of each type.
    pub(crate) types: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// A step from a type to that of one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) owner: String,
    pub(crate) field: String,
}

impl Place {
    /// The place as the table writes it: `Pod.metadata`.
    pub(crate) fn written(&self) -> String {
        format!("{}.{}", self.owner, self.field)
    }
}

/// A type that objects have, with an example of where, and the places from which it is reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached {
    pub(crate) path: String,
    pub(crate) places: BTreeSet<Place>,
}

/// The name of a type in the tables: `core.v1.PodSpec` is `PodSpec`, `apps.v1.DeploymentSpec` is `apps/DeploymentSpec`.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.trim_start_matches("[]").trim_start_matches("{}").split('.').collect();
    match parts.as_slice() {
        [group, .., name] if !matches!(*group, "core" | "meta" | "api" | "util" | "runtime") => {
            format!("{group}/{name}")
        }
        [.., name] => (*name).to_owned(),
        [] => String::new(),
    }
}

impl Record {
    /// The recorded releases, the newest last.
    pub(crate) fn all() -> Vec<(String, Self)> {
        let mut records: Vec<_> = files("tests/fields", "tsv")
            .iter()
            .filter_map(|path| {
                let minor = path.file_stem()?.to_str()?.strip_prefix("kubernetes-1.")?.parse::<u32>().ok()?;
                Some((minor, Self::parse(&read(path))))
            })
            .collect();
        records.sort_by_key(|(minor, _)| *minor);
        records.into_iter().map(|(minor, record)| (format!("1.{minor}"), record)).collect()
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut record = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let kind = |group: &str, name: &str| Kind { group: group.to_owned(), name: name.to_owned() };
            match *columns.as_slice() {
                ["kind", group, _, name, of_type, _] => {
                    record.kinds.entry(kind(group, name)).or_default().insert(short(of_type));
                }
                ["subresource", group, _, name, subresource, verbs] if verbs != "get" => {
                    record.subresources.insert((kind(group, name), subresource.to_owned()));
                }
                ["subresource", ..] => {}
                ["type", of_type, field, of_field] => record.add(&short(of_type), field, &short(of_field)),
                _ => panic!("unknown line in a record: {line}"),
            }
        }
        record
    }

    pub(crate) fn add(&mut self, of_type: &str, field: &str, of_field: &str) {
        let fields = self.types.entry(of_type.to_owned()).or_default();
        fields.entry(field.to_owned()).or_default().insert(of_field.to_owned());
    }

    /// Adds what another release has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (kind, types) in &other.kinds {
            self.kinds.entry(kind.clone()).or_default().extend(types.iter().cloned());
        }
        self.subresources.extend(other.subresources.iter().cloned());
        for (of_type, fields) in &other.types {
            for (field, of_fields) in fields {
                of_fields.iter().for_each(|of_field| self.add(of_type, field, of_field));
            }
        }
    }

    pub(crate) fn fields(&self, of_type: &str) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.types.get(of_type).into_iter().flatten().map(|(field, of_fields)| (field.as_str(), of_fields))
    }

    /// The types of the objects of some kinds, each once, so that a type may contain itself.
    pub(crate) fn reached<'k>(&self, kinds: impl Iterator<Item = &'k Kind>) -> BTreeMap<String, Reached> {
        let mut reached = BTreeMap::<String, Reached>::new();
        let mut next: Vec<String> = Vec::new();
        for kind in kinds {
            for of_type in self.kinds.get(kind).into_iter().flatten() {
                reached
                    .entry(of_type.clone())
                    .or_insert_with(|| Reached { path: kind.name.clone(), ..Reached::default() });
                next.push(of_type.clone());
            }
        }
        while let Some(owner) = next.pop() {
            let path = reached[&owner].path.clone();
            for (field, of_fields) in self.fields(&owner) {
                for of_field in of_fields.iter().filter(|name| self.types.contains_key(*name)) {
                    if !reached.contains_key(of_field) {
                        next.push(of_field.clone());
                    }
                    let entry = reached
                        .entry(of_field.clone())
                        .or_insert_with(|| Reached { path: format!("{path}.{field}"), ..Reached::default() });
                    entry.places.insert(Place { owner: owner.clone(), field: field.to_owned() });
                }
            }
        }
        reached
    }
}
