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
mod objects;
mod platform;
mod pools;
mod routes;
mod tenants;

use jiff::civil::Date;

use self::mistakes::Mistakes;
pub use self::names::{did_you_mean, is_dns_label, keyed};
pub use self::objects::Unread;
use self::objects::{Known, Objects};
use super::Snapshot;
use super::index::PoolIndex;
use crate::api::{Located, Mistake};

/// A snapshot that may be used, and what is worth a warning.
#[derive(Debug)]
pub struct Compiled {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What is worth a warning, sorted.
    pub warnings: Vec<Mistake>,
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
        let mut owners = namespaces::NamespaceOwners::new(&base.system_namespaces, &base.at, &mut mistakes);
        let mut tenants = tenants::compile(&objects.tenants, &base, &pools, &mut owners, &mut mistakes);
        let settings = objects.settings.iter().find(|object| object.name == "default");
        platform::refuse_tenants(settings.map(|object| (&object.at, &object.spec)), &owners, &mut mistakes);
        platform::distrust_tenants(&mut base.platform, &mut base.controllers, &owners);
        let unclaimed_exemptions = exemptions::Compiler {
            tenants: &mut tenants,
            known: &Known::of("Tenant", unread),
            owners: &owners,
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
            namespaces: owners.finish(),
            tenants,
            pools,
            unclaimed_exemptions,
        };
        Ok(Compiled { snapshot, warnings })
    }
}
