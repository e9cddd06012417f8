//! What is known of the cluster, in compact maps.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use partywall_core::api::{NamespaceSelection, Spec};
use partywall_core::labels::TENANT;
use partywall_core::tenancy::{LiveObject, Owner, Snapshot};
use serde_json::{Map, Value};

use super::item::{Item, Metadata, Version};
use super::kind::Kind;
use super::labels::Label;
use crate::policies::decode;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Change {
    /// These are all objects of a kind.
    Listed(Kind, Vec<Item>),
    /// An object is new or changed.
    Set(Kind, Box<Item>),
    /// An object is gone.
    Gone(Kind, String),
    /// The API server answered, and nothing has changed.
    Contact(Kind),
    /// The fields of the default Settings.
    Defaults(Map<String, Value>),
}

/// What is known of the cluster.
#[derive(Debug, Default)]
pub(super) struct State {
    objects: BTreeMap<(Kind, Box<str>), Known>,
    namespaces: BTreeMap<Box<str>, Namespace>,
    listed: BTreeSet<Kind>,
    settings: SettingsOf,
}

/// A Namespace.
#[derive(Debug, PartialEq, Eq)]
struct Namespace {
    uid: Box<str>,
    /// The label of its tenant, if it has one.
    label: Option<Box<str>>,
}

/// The consequence of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// None.
    Nothing,
    /// Another Namespace may need its label.
    Namespaces,
    /// Another snapshot must be compiled.
    Snapshot,
}

impl Effect {
    const fn of(differs: bool) -> Self {
        if differs { Self::Snapshot } else { Self::Nothing }
    }
}

/// An object of partywall.
#[derive(Debug)]
struct Known {
    version: Version,
    object: LiveObject,
    /// Whether this or an earlier form, which may be the last good one, selects namespaces by label.
    selects: bool,
}

/// Where Settings come from.
#[derive(Debug, Default)]
struct SettingsOf {
    /// The fields of the file.
    defaults: Map<String, Value>,
    /// The object `default` of the cluster.
    live: Option<Item>,
}

/// The name of the one Settings object.
const SETTINGS: &str = "default";

impl State {
    /// Applies a change.
    pub(super) fn apply(&mut self, change: Change) -> Effect {
        match change {
            Change::Contact(_) => Effect::Nothing,
            Change::Listed(Kind::Namespace, items) => self.list_namespaces(items),
            Change::Listed(kind, items) => Effect::of(self.list(kind, items)),
            Change::Set(Kind::Namespace, item) => self.set_namespace(item.metadata),
            Change::Set(kind, item) => Effect::of(self.set(kind, *item)),
            Change::Gone(Kind::Namespace, name) => {
                let gone = self.namespaces.remove(&*name);
                Effect::of(gone.is_some_and(|namespace| self.may_select(namespace.label.as_deref())))
            }
            Change::Gone(kind, name) => Effect::of(self.remove(kind, &name)),
            Change::Defaults(fields) => {
                let is_new = fields != self.settings.defaults;
                self.settings.defaults = fields;
                Effect::of(is_new && self.merge_settings())
            }
        }
    }

    /// Returns the labels that Namespaces lack by a snapshot, in the order of their names.
    ///
    /// A Namespace keeps the label of a Tenant that does not list it any more: until somebody decides what becomes of
    /// it, everything in it is denied.
    pub(super) fn missing_labels(&self, snapshot: &Snapshot) -> Vec<Label> {
        let missing = self.namespaces.iter().filter_map(|(name, namespace)| match snapshot.owner(name) {
            // Where the label decides, a Namespace without it is not the tenant's.
            Owner::Tenant(tenant) if tenant.by_label => None,
            Owner::Tenant(tenant) if namespace.label.as_deref() != Some(&*tenant.name) => Some(Label {
                namespace: name.clone(),
                uid: namespace.uid.clone(),
                tenant: tenant.name.as_ref().into(),
            }),
            Owner::Tenant(_) | Owner::System | Owner::Unclaimed | Owner::Denied(_) => None,
        });
        missing.collect()
    }

    /// Returns whether every kind was listed.
    pub(super) fn is_complete(&self) -> bool {
        Kind::ALL.iter().all(|kind| self.listed.contains(kind))
    }

    /// Returns the objects, in the order of kinds and names.
    pub(super) fn objects(&self) -> Vec<LiveObject> {
        self.objects.values().map(|known| known.object.clone()).collect()
    }

    /// Returns the Settings of the file alone.
    pub(super) fn defaults(&self) -> Option<LiveObject> {
        let defaults = &self.settings.defaults;
        if defaults.is_empty() { None } else { decode(of_file(defaults.clone()).document(Kind::Settings)) }
    }

    /// Returns the Namespaces with a label of a Tenant that selects them by it, by that Tenant.
    pub(super) fn labelled(&self) -> BTreeMap<Box<str>, Vec<Box<str>>> {
        let mut labelled: BTreeMap<Box<str>, Vec<Box<str>>> = BTreeMap::new();
        for (name, namespace) in &self.namespaces {
            if let Some(tenant) = &namespace.label
                && self.may_select(Some(tenant))
            {
                labelled.entry(tenant.clone()).or_default().push(name.clone());
            }
        }
        labelled
    }

    /// Returns whether a label may make a Namespace a tenant's.
    fn may_select(&self, label: Option<&str>) -> bool {
        let known = label.and_then(|label| self.objects.get(&(Kind::Tenant, label.into())));
        known.is_some_and(|known| known.selects)
    }

    fn list(&mut self, kind: Kind, items: Vec<Item>) -> bool {
        let mut differs = self.listed.insert(kind);
        let names: BTreeSet<Box<str>> = items.iter().map(|item| item.metadata.name.as_str().into()).collect();
        let is_gone = |(of, name): &(Kind, Box<str>)| *of == kind && !names.contains(name);
        let gone: Vec<Box<str>> =
            self.objects.keys().filter(|key| is_gone(key)).map(|(_, name)| name.clone()).collect();
        for name in gone {
            differs |= self.remove(kind, &name);
        }
        for item in items {
            differs |= self.set(kind, item);
        }
        differs
    }

    fn list_namespaces(&mut self, items: Vec<Item>) -> Effect {
        let first = Effect::of(self.listed.insert(Kind::Namespace));
        let before = mem::take(&mut self.namespaces);
        for item in items {
            self.set_namespace(item.metadata);
        }
        if self.namespaces == before {
            return first;
        }
        // The labels that no Namespace of the same name has on the other side.
        let differing = |these: &BTreeMap<Box<str>, Namespace>, those: &BTreeMap<Box<str>, Namespace>| {
            let label = |name: &str| those.get(name).and_then(|namespace| namespace.label.clone());
            let labels = these.iter().filter(|(name, namespace)| label(name) != namespace.label);
            labels.filter_map(|(_, namespace)| namespace.label.clone()).collect::<Vec<_>>()
        };
        let mut labels = differing(&self.namespaces, &before);
        labels.extend(differing(&before, &self.namespaces));
        let selects = labels.iter().any(|label| self.may_select(Some(label)));
        first.max(Effect::Namespaces).max(Effect::of(selects))
    }

    fn set_namespace(&mut self, metadata: Metadata) -> Effect {
        let Metadata { name, uid, mut labels, .. } = metadata;
        let namespace = Namespace { uid: uid.into(), label: labels.remove(TENANT).map(Into::into) };
        let before = self.namespaces.get(&*name);
        if before == Some(&namespace) {
            return Effect::Nothing;
        }
        let (new, old) = (namespace.label.as_deref(), before.and_then(|before| before.label.as_deref()));
        let selects = new != old && (self.may_select(new) || self.may_select(old));
        self.namespaces.insert(name.into(), namespace);
        Effect::Namespaces.max(Effect::of(selects))
    }

    fn set(&mut self, kind: Kind, item: Item) -> bool {
        if kind == Kind::Settings && item.metadata.name == SETTINGS {
            self.settings.live = Some(item);
            return self.merge_settings();
        }
        self.set_document(kind, item)
    }

    fn set_document(&mut self, kind: Kind, item: Item) -> bool {
        let key = (kind, Box::from(item.metadata.name.as_str()));
        let version = item.version();
        let before = self.objects.get(&key);
        if before.is_some_and(|known| known.version == version) {
            return false;
        }
        let selected = before.is_some_and(|known| known.selects);
        let Some(object) = decode(item.document(kind)) else { return false };
        let selects = selected || selects_by_label(&object);
        self.objects.insert(key, Known { version, object, selects });
        true
    }

    fn remove(&mut self, kind: Kind, name: &str) -> bool {
        if kind == Kind::Settings && name == SETTINGS {
            return mem::take(&mut self.settings.live).is_some() && self.merge_settings();
        }
        self.objects.remove(&(kind, name.into())).is_some()
    }

    /// Sets the Settings to the fields of the file, of which those of the live object win.
    fn merge_settings(&mut self) -> bool {
        let SettingsOf { defaults, live } = &self.settings;
        let key = (Kind::Settings, Box::from(SETTINGS));
        if defaults.is_empty() && live.is_none() {
            return self.objects.remove(&key).is_some();
        }
        let item = match live {
            None => of_file(defaults.clone()),
            Some(live) => Item { spec: merged(defaults, &live.spec), ..live.clone() },
        };
        // The version of the live object says nothing about the file.
        if let Some(known) = self.objects.get_mut(&key) {
            known.version = Version::none();
        }
        self.set_document(Kind::Settings, item)
    }
}

fn selects_by_label(object: &LiveObject) -> bool {
    let Some(Spec::Tenant(spec)) = object.object.as_ref().map(|object| &object.spec) else { return false };
    spec.namespace_selection == Some(NamespaceSelection::Label)
}

/// Returns the Settings with the fields of the file.
fn of_file(fields: Map<String, Value>) -> Item {
    let metadata = Metadata { name: SETTINGS.to_owned(), ..Metadata::default() };
    Item { metadata, spec: Value::Object(fields) }
}

/// Returns the fields of `live`, and those of `defaults` that it lacks.
fn merged(defaults: &Map<String, Value>, live: &Value) -> Value {
    // What is no object is reported as what it is.
    let Value::Object(live) = live else { return live.clone() };
    let mut fields = defaults.clone();
    fields.extend(live.clone());
    Value::Object(fields)
}

#[cfg(test)]
mod tests;
