//! Puts snapshots into the store, and tells operators what changed.

use std::sync::Arc;

use jiff::civil::Date;
use partywall_core::api::Mistake;
use partywall_core::tenancy::{ExemptionOf, Snapshot};
use rustc_hash::FxHashSet;
use tracing::{info, warn};

use super::admission::Declared;
use super::files::grouped;
use super::store::Writer;
use crate::telemetry::Metrics;

/// How many added or removed tenants are logged by name.
const NAMED: usize = 20;

/// The snapshot in force, and what was told about it.
pub(crate) struct InForce {
    /// The warnings of the last load, which are logged once.
    warnings: Vec<Mistake>,
    /// The day on which the Exemptions that end soon were last logged.
    noticed: Option<Date>,
    writer: Writer,
    metrics: Arc<Metrics>,
}

impl InForce {
    /// Wraps the writer of a store.
    pub(crate) fn new(writer: Writer, metrics: Arc<Metrics>) -> Self {
        Self { warnings: Vec::new(), noticed: None, writer, metrics }
    }

    /// Returns the current snapshot.
    pub(crate) fn current(&self) -> Option<Arc<Snapshot>> {
        self.writer.current()
    }

    /// Logs the warnings that the load before had not. They are sorted.
    pub(crate) fn warn(&mut self, warnings: Vec<Mistake>) {
        // Each day brings a load, and most warnings stay the same for long.
        let is_new = |warning: &&Mistake| self.warnings.binary_search(warning).is_err();
        let new: Vec<_> = warnings.iter().filter(is_new).cloned().collect();
        for warning in grouped(&new) {
            warn!("{warning}");
        }
        self.warnings = warnings;
    }

    /// Replaces the snapshot, and logs which tenants are new or gone.
    pub(crate) fn replace(&mut self, snapshot: Snapshot) {
        let (tenants, namespaces) = (snapshot.tenants().len(), snapshot.namespace_count());
        let node_pools = snapshot.pools().len();
        if let Some(before) = self.writer.current() {
            log_tenants(&before, &snapshot);
        }
        self.metrics.set_snapshot(&snapshot);
        self.writer.replace(Arc::new(snapshot));
        info!(tenants, namespaces, node_pools, "policies loaded");
    }

    /// Replaces the objects of the cluster, by which new ones are judged.
    pub(crate) fn declare(&mut self, declared: Declared) {
        self.writer.replace_declared(Arc::new(declared));
    }

    /// Logs, once a day, the Exemptions that end soon.
    pub(crate) fn notice_ends(&mut self, today: Date) {
        if self.noticed.replace(today) == Some(today) {
            return;
        }
        let Some(snapshot) = self.writer.current() else { return };
        for ExemptionOf { tenant, namespace, exemption } in snapshot.all_exemptions() {
            if exemption.ends_soon(today) {
                let (name, last_day) = (&*exemption.name, exemption.last_day);
                warn!(
                    exemption = name,
                    tenant,
                    namespace,
                    %last_day,
                    "an Exemption ends soon, and what it allows will be denied; renew it, or prepare for its end"
                );
            }
        }
    }
}

/// Logs which tenants were added and removed, so that an operator notices a file deleted by mistake.
fn log_tenants(before: &Snapshot, after: &Snapshot) {
    let (gone, new) = (missing(before, after), missing(after, before));
    for name in gone.iter().take(NAMED) {
        warn!("tenant `{name}` is gone: its namespaces are unclaimed now");
    }
    for name in new.iter().take(NAMED) {
        info!("tenant `{name}` is new");
    }
    let unnamed = |names: &[&str]| names.len().saturating_sub(NAMED);
    if unnamed(&gone) > 0 {
        warn!("{} more tenants are gone", unnamed(&gone));
    }
    if unnamed(&new) > 0 {
        info!("{} more tenants are new", unnamed(&new));
    }
}

/// Returns the names of the tenants that are in `these` and not in `those`.
pub(super) fn missing<'s>(these: &'s Snapshot, those: &Snapshot) -> Vec<&'s str> {
    let names: FxHashSet<&str> = those.tenants().iter().map(|tenant| &*tenant.name).collect();
    let mut missing: Vec<_> = these.tenants().iter().map(|tenant| &*tenant.name).collect();
    missing.retain(|name| !names.contains(name));
    missing.sort_unstable();
    missing
}
