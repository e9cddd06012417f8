//! From the objects people write to a snapshot, with every mistake named.
//!
//! The objects are checked one by one and against each other; whatever is found is collected, so that an
//! operator reads all of it at once. Nothing here stops at the first mistake, and nothing is compared with
//! everything else: claims go into maps, so that a hundred thousand tenants compile in seconds.
//!
//! INVARIANT: a snapshot is only handed out if there was no mistake at all. The order of the objects does not
//! matter to it.

mod defaults;
mod domains;
mod exemptions;
mod mistakes;
mod names;
mod namespaces;
mod platform;
mod pools;
mod routes;
mod tenants;

use jiff::civil::Date;
use rustc_hash::{FxHashMap, FxHashSet};

use self::mistakes::{At, Mistakes};
pub use self::names::{did_you_mean, is_dns_label, keyed};
use super::Snapshot;
use super::index::PoolIndex;
use crate::api::{self, Located, Mistake, Object, Spec};

/// A snapshot that may be used, and what is worth a warning.
#[derive(Debug)]
pub struct Compiled {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What is worth a warning, sorted.
    pub warnings: Vec<Mistake>,
}

/// An object that could not be read, but that others may refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Its kind; `None`: it may be any.
    pub kind: Option<String>,
    /// Its name; `None`: it may be any.
    pub name: Option<String>,
}

impl Snapshot {
    /// Compiles the objects as of `today`, or says everything that is wrong with them, sorted.
    pub fn compile(objects: Vec<Located>, today: Date) -> Result<Compiled, Vec<Mistake>> {
        Self::compile_beside(objects, &[], today)
    }

    /// The same beside objects that could not be read: that they exist is known, so a reference to one of them
    /// is no mistake of its own.
    pub fn compile_beside(
        objects: Vec<Located>,
        unread: &[Unread],
        today: Date,
    ) -> Result<Compiled, Vec<Mistake>> {
        let mut mistakes = Mistakes::default();
        let objects = Objects::sort(objects, &mut mistakes);
        let mut base = defaults::compile(&objects.settings, &mut mistakes);
        let pools = pools::compile(&objects.pools, Known::of("NodePool", unread), &mut mistakes);
        let mut places = namespaces::Places::new(&base, &mut mistakes);
        let mut tenants = tenants::compile(&objects.tenants, &base, &pools, &mut places, &mut mistakes);
        let settings = objects.settings.iter().find(|object| object.name == "default");
        platform::refuse_tenants(settings.map(|object| (&object.at, &object.spec)), &places, &mut mistakes);
        platform::distrust_tenants(&mut base.platform, &mut base.controllers, &places);
        let unclaimed_exemptions = exemptions::Compiler {
            tenants: &mut tenants,
            known: &Known::of("Tenant", unread),
            places: &places,
            foreign_routes: &base.foreign_routes,
            today,
        }
        .compile(&objects.exemptions, &mut mistakes);
        let (errors, warnings) = mistakes.finish();
        if !errors.is_empty() {
            return Err(errors);
        }
        let pools = pools.finish();
        let snapshot = Self {
            index: PoolIndex::new(&pools),
            stamp: base.stamp,
            user_namespaces: base.user_namespaces,
            workloads: base.workloads,
            modes: base.modes,
            platform: base.platform,
            controllers: base.controllers,
            foreign_routes: base.foreign_routes,
            annotation_prefixes: base.annotation_prefixes,
            namespaces: places.finish(),
            tenants,
            pools,
            unclaimed_exemptions,
        };
        Ok(Compiled { snapshot, warnings })
    }
}

/// An object's spec, its name and where it was written.
struct Named<S> {
    at: At,
    name: String,
    spec: S,
}

/// The objects by kind, each kind sorted by name, no name twice.
#[derive(Default)]
struct Objects {
    pools: Vec<Named<api::NodePoolSpec>>,
    tenants: Vec<Named<api::TenantSpec>>,
    exemptions: Vec<Named<api::ExemptionSpec>>,
    settings: Vec<Named<api::SettingsSpec>>,
}

impl Objects {
    fn sort(objects: Vec<Located>, mistakes: &mut Mistakes) -> Self {
        let mut sorted = Self::default();
        for Located { source, object: Object { name, spec } } in objects {
            let at = At::new(source);
            match spec {
                Spec::NodePool(spec) => sorted.pools.push(Named { at, name, spec: *spec }),
                Spec::Tenant(spec) => sorted.tenants.push(Named { at, name, spec: *spec }),
                Spec::Exemption(spec) => sorted.exemptions.push(Named { at, name, spec: *spec }),
                Spec::Settings(spec) => sorted.settings.push(Named { at, name, spec: *spec }),
            }
        }
        distinct(&mut sorted.pools, "NodePool", mistakes);
        distinct(&mut sorted.tenants, "Tenant", mistakes);
        distinct(&mut sorted.exemptions, "Exemption", mistakes);
        distinct(&mut sorted.settings, "Settings", mistakes);
        sorted
    }
}

/// Sorts by name; names that are none, and all but the first object of a name, are mistakes.
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

/// Names that exist although their objects could not be read.
struct Known<'u> {
    names: FxHashSet<&'u str>,
    /// Nobody knows which names there are.
    is_any: bool,
}

impl<'u> Known<'u> {
    fn of(kind: &str, unread: &'u [Unread]) -> Self {
        // Who misspelt the kind may have meant this one.
        let may_be = |unread: &&Unread| unread.kind.as_deref().is_none_or(|k| k == kind);
        let mut known = Self { names: FxHashSet::default(), is_any: false };
        for unread in unread.iter().filter(may_be) {
            match &unread.name {
                Some(name) => drop(known.names.insert(name)),
                None => known.is_any = true,
            }
        }
        known
    }

    fn contains(&self, name: &str) -> bool {
        self.is_any || self.names.contains(name)
    }
}

/// A list that is there and empty: whoever wrote it may have meant all of them or none.
fn refuse_empty<T>(list: &[T], at: &At, path: &str, mend: &str, mistakes: &mut Mistakes) {
    if list.is_empty() {
        mistakes.error_json(at, path, "[]", format!("an empty list means nothing at all; {mend}"));
    }
}

/// Index of a sorted list of names.
fn index_by_name<S>(objects: &[Named<S>]) -> FxHashMap<&str, usize> {
    objects.iter().enumerate().map(|(index, object)| (object.name.as_str(), index)).collect()
}
