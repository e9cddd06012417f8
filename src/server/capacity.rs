//! The capacity for reviews: how many are under way at once, and the memory for their bodies.
//!
//! INVARIANT: reviews outside tenants' namespaces, and those without which the API server goes on, never take what the
//! reviews of tenants need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use partywall_core::Entry;
use prometheus::IntGauge;
use tokio::sync::Semaphore;

use super::body::Memory;
use super::limits::Limits;

/// The capacities of a server, one for each group of entries.
#[derive(Debug)]
pub(super) struct Capacities {
    tenants: Capacity,
    elsewhere: Capacity,
    advice: Capacity,
}

impl Capacities {
    /// Creates them for a server with `threads` that serve connections.
    pub(super) fn new(limits: &Limits, threads: usize) -> Self {
        Self {
            tenants: Capacity::new(limits, 1, threads),
            elsewhere: Capacity::new(limits, 2, threads),
            advice: Capacity::new(limits, 2, threads),
        }
    }

    /// Returns the capacity that reviews of an entry share.
    pub(super) const fn of(&self, entry: Entry) -> &Capacity {
        match entry {
            Entry::Mutate
            | Entry::Validate
            | Entry::MutateTenants
            | Entry::ValidateTenants
            | Entry::MutateNamespaces
            | Entry::ValidateNamespaces
            | Entry::ValidatePolicies => &self.tenants,
            Entry::ValidateElsewhere => &self.elsewhere,
            Entry::ValidateTemplates | Entry::ValidateStatuses => &self.advice,
        }
    }
}

/// The capacity for the reviews of some entries.
#[derive(Debug)]
pub(super) struct Capacity {
    /// The memory for bodies.
    pub(super) memory: Memory,
    /// Permits to decide about large bodies, one for each thread that serves connections.
    pub(super) large_decisions: Arc<Semaphore>,
    at_once: usize,
    under_way: AtomicUsize,
}

impl Capacity {
    /// Creates the capacity of the limits, divided by `divisor`.
    fn new(limits: &Limits, divisor: usize, threads: usize) -> Self {
        Self {
            memory: Memory::new(&limits.bodies, divisor),
            large_decisions: Arc::new(Semaphore::new(threads)),
            at_once: limits.reviews_at_once / divisor,
            under_way: AtomicUsize::new(0),
        }
    }

    /// Counts a review that begins, unless as many are under way as may be and none of their bodies stalls.
    ///
    /// A body that stalls is dropped for the new one, and counts until it notices.
    pub(super) fn begin_review<'c>(&'c self, gauge: &'c IntGauge) -> Option<InFlight<'c>> {
        let in_flight = InFlight { under_way: &self.under_way, gauge };
        gauge.inc();
        // It counts before the limit is checked, so that of two reviews only one can be the last.
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        (before < self.at_once || self.memory.drop_stalled()).then_some(in_flight)
    }
}

/// A review under way; dropping it ends it.
#[derive(Debug)]
pub(super) struct InFlight<'c> {
    under_way: &'c AtomicUsize,
    gauge: &'c IntGauge,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o1_reviews_elsewhere_and_advice_take_no_room_of_tenants() {
        let capacities = Capacities::new(&Limits { reviews_at_once: 4, ..Limits::default() }, 1);
        let gauge = IntGauge::new("reviews", "reviews").unwrap();
        let begin = |entry| capacities.of(entry).begin_review(&gauge);
        let taken: Vec<_> = [Entry::ValidateElsewhere, Entry::ValidateTemplates, Entry::ValidateStatuses]
            .into_iter()
            .cycle()
            .take(9)
            .map(begin)
            .collect();
        assert_eq!(taken.iter().flatten().count(), 4, "two elsewhere, two of advice");
        for entry in
            [Entry::MutateTenants, Entry::ValidateTenants, Entry::ValidateNamespaces, Entry::Validate]
        {
            assert!(begin(entry).is_some(), "{entry:?}");
        }
        drop(taken);
        assert!(begin(Entry::ValidateElsewhere).is_some());
        assert_eq!(gauge.get(), 0);
    }
}
