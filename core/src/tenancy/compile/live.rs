//! Compiles the objects of a cluster, where one wrong object does not keep the others from holding.
//!
//! Of files, one mistake refuses them all. In a cluster everybody applies objects of their own, in any order, so each
//! object is judged by itself:
//!
//! - An object that is wrong in itself keeps its last good form. Without one it does not hold, and everything in the
//!   namespaces that it lists is denied.
//! - What two objects contest is denied to both, and both are told. The rest of both holds.
//! - What refers to an object that is not there does not hold, until it is there.
//!
//! First every object gets the form that holds ([`forms`]). Then these forms lose what is contested and what refers to
//! nothing ([`trim`]), and the rest compiles as files do.
//!
//! INVARIANT: the result depends on the objects and their last good forms, and not on the order of the objects, so that
//! all replicas decide alike.

mod forms;
mod objects;
mod pool_uses;
mod pools;
mod references;
mod rivals;
mod tenants;
mod trim;
mod trimmed;

use jiff::civil::Date;

use self::forms::Forms;
pub use self::objects::{Finding, Form, LastGood, Live, LiveCompiled, LiveObject, ObjectName, Reason, State};
pub use self::pool_uses::PoolUse;
use super::mistakes::{Mistakes, Stage};
use super::parts::parts;
use crate::api::Mistake;
use crate::tenancy::Snapshot;

impl Snapshot {
    /// Compiles the objects of a cluster; the date `today` decides which Exemptions have expired.
    ///
    /// It returns mistakes only if the embedded Settings have some, which a test excludes.
    pub fn compile_live(live: Live<'_>, today: Date) -> Result<LiveCompiled, Vec<Mistake>> {
        let mut forms = Forms::new(live);
        loop {
            forms.settle(today)?;
            let mut trimmed = trim::trim(&mut forms);
            let mut mistakes = Mistakes::at_stage(Stage::Trimmed);
            let mut parts = parts(&mut trimmed.objects, &[], &trimmed.denied, today, &mut mistakes);
            for tenant in &mut parts.tenants {
                tenant.lacks_pool = trimmed.lacking.get(&*tenant.name).cloned();
            }
            let (errors, _) = mistakes.finish();
            // INVARIANT: what is left of a sound object is sound. If it were not, it would not hold at all.
            if errors.is_empty() {
                let snapshot = parts.finish();
                let (states, last_good) = forms.finish(trimmed.findings);
                return Ok(LiveCompiled { snapshot, states, last_good });
            }
            forms.give_up(errors)?;
        }
    }
}

#[cfg(test)]
mod tests;
