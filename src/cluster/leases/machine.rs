//! Decides which Leases this replica writes, who lives, and who leads.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::identity::Identity;
use super::lease::Lease;
use super::replica::{annotations, replica};
use super::sightings::Sightings;
use crate::cluster::facts::{Replica, Replicas};
use crate::cluster::installation::{LEADER, REPLICA_PREFIX};

/// How long this replica leads after it last renewed the Lease: less than others wait for it.
pub(super) const LEADS: Duration = Duration::from_secs(10);
/// How long a replica's Lease is kept that is renewed no more, for those who look for what became of it.
const KEPT: Duration = Duration::from_secs(600);

/// A write of a Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Creates it, if there is none of its name.
    Create(Lease),
    /// Replaces the version that was seen.
    Replace(Lease),
    /// Deletes the version that was seen.
    Delete(Lease),
}

/// How far the end of this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It serves.
    Serving,
    /// It has got SIGTERM and still serves.
    Draining,
}

/// What this replica knows of the Leases.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    own: Identity,
    sightings: Sightings,
    /// The replicas of the last look, without this one.
    others: Vec<Replica>,
    /// Whether the Leases were read, and this replica has its own.
    is_known: bool,
    /// When this replica began to write the Lease by which it leads, if it still has it.
    led: Option<Instant>,
}

impl Machine {
    pub(super) fn new(own: Identity) -> Self {
        Self { own, sightings: Sightings::default(), others: Vec::new(), is_known: false, led: None }
    }

    /// Takes all Leases of the namespace, as they are now.
    pub(super) fn look(&mut self, leases: Vec<Lease>, now: Instant) {
        self.sightings.look(leases, now);
        let holder = self.own.holder();
        let is_others = |lease: &Lease| lease.holder().is_some_and(|other| other != holder);
        if self.sightings.get(&self.own.lease()).is_some_and(is_others) {
            self.own.lengthen();
        }
        if self.sightings.get(LEADER).is_none_or(|lease| lease.holder() != Some(holder.as_str())) {
            self.led = None;
        }
        let others = self.sightings.held().filter(|lease| is_others(lease)).filter_map(replica);
        self.others = others.collect();
    }

    /// Returns what is to be written after a look, in this order.
    pub(super) fn writes(&self, own: &Replica, phase: Phase, now: Timestamp) -> Vec<Write> {
        let mut mine = self.hold(&self.own.lease(), now);
        if let Write::Create(lease) | Write::Replace(lease) = &mut mine {
            lease.metadata.annotations = annotations(own);
        }
        let mut writes = vec![mine];
        let holder = self.own.holder();
        let leader = self.sightings.get(LEADER);
        match phase {
            Phase::Serving => {
                let is_free = !self.sightings.held().any(|lease| lease.metadata.name == LEADER);
                if is_free || leader.is_some_and(|lease| lease.holder() == Some(holder.as_str())) {
                    writes.push(self.hold(LEADER, now));
                }
                if self.led.is_some() {
                    let old = self.sightings.unchanged_for(KEPT);
                    let old = old.filter(|lease| lease.metadata.name.starts_with(REPLICA_PREFIX));
                    writes.extend(old.cloned().map(Write::Delete));
                }
            }
            Phase::Draining => {
                let held = leader.filter(|lease| lease.holder() == Some(holder.as_str()));
                writes.extend(held.map(|lease| Write::Replace(lease.released(now))));
            }
        }
        writes
    }

    /// Notes that the API server took a write that began at `begun`.
    pub(super) fn written(&mut self, write: &Write, begun: Instant) {
        match write {
            Write::Create(lease) | Write::Replace(lease) if lease.metadata.name == LEADER => {
                self.led = lease.holder().map(|_| begun);
            }
            Write::Create(_) | Write::Replace(_) => self.is_known = true,
            Write::Delete(_) => {}
        }
    }

    /// Returns until when this replica leads, unless it renews the Lease.
    pub(super) fn leads_until(&self) -> Option<Instant> {
        self.led.map(|led| led + LEADS)
    }

    /// Returns the replicas that live, sorted by their names, as far as is known.
    pub(super) fn replicas(&self, own: &Replica, now: Instant) -> Replicas {
        let mut live = self.others.clone();
        live.push(own.clone());
        live.sort_by(|one, other| one.name.cmp(&other.name));
        Replicas { is_known: self.is_known, live, leads: self.leads_until().is_some_and(|until| now < until) }
    }

    /// Returns the name of this replica.
    pub(super) fn name(&self) -> String {
        self.own.name()
    }

    /// Returns the name of this replica's Lease, and the one who holds it.
    pub(super) fn own_lease(&self) -> (String, String) {
        (self.own.lease(), self.own.holder())
    }

    fn hold(&self, name: &str, now: Timestamp) -> Write {
        let seen = self.sightings.get(name);
        let lease = Lease::held_by(&self.own.holder(), name, seen, now);
        if seen.is_some() { Write::Replace(lease) } else { Write::Create(lease) }
    }
}

#[cfg(test)]
mod tests;
