//! The Leases, and when this replica saw each of them change.
//!
//! Clocks of different hosts differ, so the times in a Lease say nothing: a Lease has ended when this replica has
//! looked at it for as long as it holds, and saw no change. A time in which this replica could not look, for example
//! because the API server was away, ends no Lease: nobody could renew one then.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::lease::Lease;

/// The longest time between two looks of which the second one says whether a Lease was renewed meanwhile.
const GAP: Duration = Duration::from_secs(10);

/// The Leases of the last look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sightings {
    seen: BTreeMap<String, Sighting>,
    looked: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Sighting {
    lease: Lease,
    /// The look that first saw it like this.
    since: Instant,
}

impl Sightings {
    /// Takes all Leases, as they are now.
    pub(crate) fn look(&mut self, leases: Vec<Lease>, now: Instant) {
        let has_gap = self.looked.is_none_or(|before| now.duration_since(before) > GAP);
        let mut before = mem::take(&mut self.seen);
        for lease in leases {
            let name = lease.metadata.name.clone();
            let since = match before.remove(&name) {
                Some(before) if !has_gap && before.lease.tenure() == lease.tenure() => before.since,
                Some(_) | None => now,
            };
            self.seen.insert(name, Sighting { lease, since });
        }
        self.looked = Some(now);
    }

    /// Returns the Lease of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Lease> {
        self.seen.get(name).map(|sighting| &sighting.lease)
    }

    /// Returns the Leases that somebody holds.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Lease> {
        let is_held = |sighting: &&Sighting| {
            sighting.lease.holder().is_some() && self.unchanged(sighting) < sighting.lease.duration()
        };
        self.seen.values().filter(is_held).map(|sighting| &sighting.lease)
    }

    /// Returns the Leases that were not renewed for this time.
    pub(super) fn unchanged_for(&self, time: Duration) -> impl Iterator<Item = &Lease> {
        let is_old = move |sighting: &&Sighting| self.unchanged(sighting) >= time;
        self.seen.values().filter(is_old).map(|sighting| &sighting.lease)
    }

    fn unchanged(&self, sighting: &Sighting) -> Duration {
        self.looked.map_or(Duration::ZERO, |looked| looked.saturating_duration_since(sighting.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::leases::lease::{Metadata, Spec};

    fn lease(name: &str, holder: &str, renewed: &str) -> Lease {
        let metadata = Metadata { name: name.to_owned(), ..Metadata::default() };
        let spec = Spec {
            holder_identity: Some(holder.to_owned()),
            renew_time: Some(renewed.to_owned()),
            ..Spec::default()
        };
        Lease { metadata, spec }
    }

    /// Looks at one Lease at these seconds, and returns after each look whether it is held.
    fn held(looks: &[(u64, Lease)]) -> Vec<bool> {
        let begin = Instant::now();
        let mut sightings = Sightings::default();
        let look = |(second, lease): &(u64, Lease)| {
            sightings.look(vec![lease.clone()], begin + Duration::from_secs(*second));
            sightings.held().count() == 1
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_lease_ends_when_it_was_not_renewed_before_the_eyes_of_this_replica() {
        let dead = || lease("x", "a", "long ago");
        assert_eq!(held(&[(0, dead()), (5, dead()), (10, dead()), (15, dead())]), [true, true, true, false]);
        let renewed = |second: u64| (second, lease("x", "a", &second.to_string()));
        assert_eq!(held(&[renewed(0), renewed(5), renewed(10), renewed(15)]), [true; 4]);
        assert_eq!(held(&[(0, lease("x", "", "now"))]), [false], "nobody holds it");
    }

    #[test]
    fn a_time_in_which_this_replica_could_not_look_ends_no_lease() {
        let silent = || lease("x", "a", "before");
        let looks = [(0, silent()), (5, silent()), (600, silent()), (605, silent()), (615, silent())];
        assert_eq!(held(&looks), [true, true, true, true, false]);
    }
}
