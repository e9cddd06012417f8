//! Compiles operators' objects into a snapshot, and reports every mistake: errors and warnings.
//!
//! The compiler checks each object by itself and against the others. It does not stop at the first mistake, so that
//! an operator reads all of them at once. It looks up owners of namespaces, domains and taints in maps instead of
//! comparing each object with all others, so that a hundred thousand tenants compile in seconds.
//!
//! INVARIANT: the compiler returns a snapshot only if there is no error. The snapshot does not depend on the order of
//! the objects.

mod addresses;
mod classes;
mod defaults;
mod domains;
mod exemptions;
mod host_patterns;
mod live;
mod mistakes;
mod names;
mod namespaces;
mod objects;
mod parts;
mod platform;
mod pools;
mod providers;
mod routes;
mod suffixes;
mod tenants;
mod tolerations;
mod workload_kinds;

use std::collections::BTreeMap;

use jiff::civil::Date;

pub use self::live::{
    Finding, Form, LastGood, Live, LiveCompiled, LiveObject, ObjectName, PoolUse, Reason, State,
};
use self::mistakes::Mistakes;
pub use self::names::{did_you_mean, is_dns_label, keyed};
use self::objects::Objects;
pub use self::objects::Unparsed;
use self::parts::parts;
use super::Snapshot;
use crate::api::{Located, Mistake};

/// Holds a snapshot and the warnings about its objects.
#[derive(Debug)]
pub struct Compiled {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The warnings, sorted.
    pub warnings: Vec<Mistake>,
}

impl Snapshot {
    /// Compiles the objects, or returns all errors, sorted.
    ///
    /// The date `today` decides which Exemptions have expired.
    pub fn compile(objects: Vec<Located>, today: Date) -> Result<Compiled, Vec<Mistake>> {
        Self::compile_beside(objects, &[], today)
    }

    /// Compiles the objects like [`Self::compile`], although other objects could not be read.
    ///
    /// A reference to an unparsed object is not a mistake, since that object exists.
    pub fn compile_beside(
        objects: Vec<Located>,
        unparsed: &[Unparsed],
        today: Date,
    ) -> Result<Compiled, Vec<Mistake>> {
        let mut mistakes = Mistakes::default();
        let mut objects = Objects::sort(objects, &mut mistakes);
        let parts = parts(&mut objects, unparsed, &BTreeMap::new(), today, &mut mistakes);
        let (errors, warnings) = mistakes.finish();
        if errors.is_empty() { Ok(Compiled { snapshot: parts.finish(), warnings }) } else { Err(errors) }
    }
}
