//! What is known of the cluster, in compact maps.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use partywall_core::api::{FoundNamespaces, NamespaceSelection, Spec, TenantStatus};
use partywall_core::labels::TENANT;
use partywall_core::tenancy::{LiveObject, ObjectName, Owner, Snapshot, State as ObjectState};
use serde_json::{Map, Value};

use super::facts::SnapshotId;
use super::item::{Item, Metadata, Version};
use super::kind::Kind;
use super::labels::Label;
use super::status::{Told, ToldObject};
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
    /// The label that it had before.
    lost: Option<Box<str>>,
}

/// The consequence of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// None.
    Nothing,
    /// The status of an object may have to be written.
    Statuses,
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
    /// The status, as last read.
    status: Option<Arc<TenantStatus>>,
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
    /// Forgets all but the default Settings.
    pub(super) fn begin_again(&mut self) {
        let defaults = mem::take(&mut self.settings.defaults);
        *self = Self::default();
        self.apply(Change::Defaults(defaults));
    }

    /// Applies a change.
    pub(super) fn apply(&mut self, change: Change) -> Effect {
        match change {
            Change::Contact(_) => Effect::Nothing,
            Change::Listed(Kind::Namespace, items) => self.list_namespaces(items),
            Change::Listed(kind, items) => self.list(kind, items),
            Change::Set(Kind::Namespace, item) => self.set_namespace(item.metadata),
            Change::Set(kind, item) => self.set(kind, *item),
            Change::Gone(Kind::Namespace, name) => {
                let Some(gone) = self.namespaces.remove(&*name) else { return Effect::Nothing };
                Effect::Statuses.max(Effect::of(self.may_select(gone.label.as_deref())))
            }
            Change::Gone(kind, name) => Effect::of(self.remove(kind, &name)),
            Change::Defaults(fields) => {
                let is_new = fields != self.settings.defaults;
                self.settings.defaults = fields;
                if is_new { self.merge_settings() } else { Effect::Nothing }
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
                is_lost: namespace.lost.as_deref() == Some(&*tenant.name),
                tenant_uid: self.uid_of_tenant(&tenant.name).into(),
            }),
            Owner::Tenant(_) | Owner::System | Owner::Unclaimed | Owner::Denied(_) => None,
        });
        missing.collect()
    }

    /// Returns the identity of a Tenant; empty if it is not there.
    fn uid_of_tenant(&self, name: &str) -> &str {
        self.objects.get(&(Kind::Tenant, name.into())).map_or("", |known| known.version.uid())
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

    /// Returns what is to be said about the objects of the cluster, by the last compile.
    pub(super) fn told(&self, states: &BTreeMap<ObjectName, ObjectState>, snapshot: &Arc<Snapshot>) -> Told {
        let mut namespaces = self.found_namespaces(snapshot);
        let told = self.objects.iter().filter_map(|((kind, name), known)| {
            let name = ObjectName { kind: kind.name(), name: name.to_string() };
            let namespaces =
                (*kind == Kind::Tenant).then(|| namespaces.remove(&*name.name).unwrap_or_default());
            let told = ToldObject {
                // Settings of a file alone have no identity, and no status.
                uid: Some(known.version.uid()).filter(|uid| !uid.is_empty())?.into(),
                generation: known.version.generation(),
                status: known.status.clone(),
                state: states.get(&name)?.clone(),
                namespaces,
            };
            Some((name, told))
        });
        Told { objects: told.collect(), snapshot: SnapshotId::of(snapshot) }
    }

    /// Counts the namespaces of each tenant that has some.
    fn found_namespaces<'s>(&self, snapshot: &'s Snapshot) -> BTreeMap<&'s str, FoundNamespaces> {
        let count = |(tenant, names): (&'s str, Vec<&str>)| {
            let found = names.iter().filter_map(|name| self.namespaces.get(*name));
            let labelled = found.clone().filter(|found| found.label.as_deref() == Some(tenant));
            let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            let (claimed, found, labelled) = (names.len(), found.count(), labelled.count());
            let counts = FoundNamespaces {
                claimed: number(claimed),
                found: number(found),
                labelled: number(labelled),
            };
            (tenant, counts)
        };
        snapshot.tenants_namespaces().into_iter().map(count).collect()
    }

    fn list(&mut self, kind: Kind, items: Vec<Item>) -> Effect {
        let mut effect = Effect::of(self.listed.insert(kind));
        let names: BTreeSet<Box<str>> = items.iter().map(|item| item.metadata.name.as_str().into()).collect();
        let is_gone = |(of, name): &(Kind, Box<str>)| *of == kind && !names.contains(name);
        let gone: Vec<Box<str>> =
            self.objects.keys().filter(|key| is_gone(key)).map(|(_, name)| name.clone()).collect();
        for name in gone {
            effect = effect.max(Effect::of(self.remove(kind, &name)));
        }
        for item in items {
            effect = effect.max(self.set(kind, item));
        }
        effect
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
        let before = self.namespaces.get(&*name);
        let label = labels.remove(TENANT).map(Into::into);
        let lost = before.filter(|before| *before.uid == *uid).and_then(|before| {
            let is_gone = before.label.is_some() && before.label != label;
            if is_gone { before.label.clone() } else { before.lost.clone() }
        });
        let namespace = Namespace { uid: uid.into(), label, lost };
        if before == Some(&namespace) {
            return Effect::Nothing;
        }
        let (new, old) = (namespace.label.as_deref(), before.and_then(|before| before.label.as_deref()));
        let selects = new != old && (self.may_select(new) || self.may_select(old));
        self.namespaces.insert(name.into(), namespace);
        Effect::Namespaces.max(Effect::of(selects))
    }

    fn set(&mut self, kind: Kind, mut item: Item) -> Effect {
        let key = (kind, Box::from(item.metadata.name.as_str()));
        let status = item.take_status();
        if let Some(known) = self.objects.get_mut(&key)
            && known.version == item.version()
        {
            let is_new = known.status != status;
            known.status = status;
            return if is_new { Effect::Statuses } else { Effect::Nothing };
        }
        let effect = if kind == Kind::Settings && item.metadata.name == SETTINGS {
            self.settings.live = Some(item);
            self.merge_settings()
        } else {
            self.set_document(kind, item)
        };
        if let Some(known) = self.objects.get_mut(&key) {
            known.status = status;
        }
        effect
    }

    /// Sets what is to be compiled of an object.
    fn set_document(&mut self, kind: Kind, item: Item) -> Effect {
        let key = (kind, Box::from(item.metadata.name.as_str()));
        let version = item.version();
        let Some(object) = decode(item.document(kind)) else { return Effect::Nothing };
        let before = self.objects.remove(&key);
        let selects = before.as_ref().is_some_and(|known| known.selects) || selects_by_label(&object);
        let status = before.and_then(|known| known.status);
        self.objects.insert(key, Known { version, status, object, selects });
        Effect::Snapshot
    }

    fn remove(&mut self, kind: Kind, name: &str) -> bool {
        if kind == Kind::Settings && name == SETTINGS {
            return mem::take(&mut self.settings.live).is_some() && self.merge_settings() != Effect::Nothing;
        }
        self.objects.remove(&(kind, name.into())).is_some()
    }

    /// Sets the Settings to the fields of the file, of which those of the live object win.
    fn merge_settings(&mut self) -> Effect {
        let SettingsOf { defaults, live } = &self.settings;
        if defaults.is_empty() && live.is_none() {
            let key = (Kind::Settings, Box::from(SETTINGS));
            return Effect::of(self.objects.remove(&key).is_some());
        }
        let item = match live {
            None => of_file(defaults.clone()),
            Some(live) => Item { spec: merged(defaults, &live.spec), ..live.clone() },
        };
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
    Item { metadata, spec: Value::Object(fields), status: Value::Null }
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
