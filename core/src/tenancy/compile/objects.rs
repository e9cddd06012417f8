//! Sorts the objects by kind and name, and refuses second objects of a name.

use rustc_hash::{FxHashMap, FxHashSet};

use super::mistakes::{At, Mistakes};
use super::names;
use crate::api::{self, Located, Object, Spec};

/// Refers to an object that could not be read, and that others may refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unparsed {
    /// The kind; `None` means that it may be any.
    pub kind: Option<String>,
    /// The name; `None` means that it may be any.
    pub name: Option<String>,
}

/// Holds an object's spec, its name and its source.
#[derive(Clone)]
pub(super) struct Named<S> {
    pub(super) at: At,
    pub(super) name: String,
    pub(super) spec: S,
}

/// Holds the objects by kind, each kind sorted by name, without duplicates.
#[derive(Clone, Default)]
pub(super) struct Objects {
    pub(super) pools: Vec<Named<api::NodePoolSpec>>,
    pub(super) tenants: Vec<Named<api::TenantSpec>>,
    pub(super) classes: Vec<Named<api::TenantClassSpec>>,
    pub(super) exemptions: Vec<Named<api::ExemptionSpec>>,
    pub(super) settings: Vec<Named<api::SettingsSpec>>,
    /// The namespace in which partywall runs, which is a system namespace whatever the Settings list.
    pub(super) own_namespace: Option<String>,
}

impl Objects {
    pub(super) fn sort(objects: Vec<Located>, mistakes: &mut Mistakes) -> Self {
        let mut sorted = Self::default();
        for Located { source, object: Object { name, spec, acknowledged } } in objects {
            let at = At::new(source, spec.kind(), &name);
            mistakes.acknowledge(&at, acknowledged);
            match spec {
                Spec::NodePool(spec) => sorted.pools.push(Named { at, name, spec: *spec }),
                Spec::Tenant(spec) => sorted.tenants.push(Named { at, name, spec: *spec }),
                Spec::TenantClass(spec) => sorted.classes.push(Named { at, name, spec: *spec }),
                Spec::Exemption(spec) => sorted.exemptions.push(Named { at, name, spec: *spec }),
                Spec::Settings(spec) => sorted.settings.push(Named { at, name, spec: *spec }),
            }
        }
        distinct(&mut sorted.pools, "NodePool", mistakes);
        distinct(&mut sorted.tenants, "Tenant", mistakes);
        distinct(&mut sorted.classes, "TenantClass", mistakes);
        distinct(&mut sorted.exemptions, "Exemption", mistakes);
        distinct(&mut sorted.settings, "Settings", mistakes);
        sorted
    }
}

/// Sorts the objects by name, and adds errors for invalid names and for duplicates.
fn distinct<S>(objects: &mut Vec<Named<S>>, kind: &str, mistakes: &mut Mistakes) {
    objects.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.at.source.cmp(&b.at.source)));
    for object in objects.iter() {
        if !names::is_subdomain(&object.name) {
            mistakes.error(
                &object.at,
                "metadata.name",
                &object.name,
                "this is no name of an object; use lower-case letters, digits, `-` and `.`, at most 253 of them",
            );
        }
    }
    objects.dedup_by(|later, first| {
        let same = later.name == first.name;
        if same {
            let message = format!(
                "this is the second {kind} of that name, the first is in {}; rename one of them or remove it",
                first.at
            );
            mistakes.error(&later.at, "metadata.name", &later.name, message);
        }
        same
    });
}

/// Holds the names of existing objects that could not be read.
pub(super) struct Known<'u> {
    names: FxHashSet<&'u str>,
    /// True if the name of an unparsed object is unknown.
    is_any: bool,
}

impl<'u> Known<'u> {
    pub(super) fn of(kind: &str, unparsed: &'u [Unparsed]) -> Self {
        // An object of an unknown kind may be of this one.
        let may_be = |unparsed: &&Unparsed| unparsed.kind.as_deref().is_none_or(|k| k == kind);
        let mut known = Self { names: FxHashSet::default(), is_any: false };
        for unparsed in unparsed.iter().filter(may_be) {
            match &unparsed.name {
                Some(name) => drop(known.names.insert(name)),
                None => known.is_any = true,
            }
        }
        known
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.is_any || self.names.contains(name)
    }
}

/// Returns the index of each name in the list.
pub(super) fn index_by_name<S>(objects: &[Named<S>]) -> FxHashMap<&str, usize> {
    objects.iter().enumerate().map(|(index, object)| (object.name.as_str(), index)).collect()
}
