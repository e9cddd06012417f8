//! What to write into the Secret with the CAs: a function of the Secret, of what this replica remembers, and of what
//! the others tell.
//!
//! Every replica decides alike, and whoever comes first writes: a write names the version that was read, so that the
//! API server refuses the others. One write is one step, and a replica may end between any two of them.
//!
//! INVARIANTS: the next CA becomes the current one only when the bundles of all registered entries hold it. No CA
//! leaves the Secret while a replica that lives serves a certificate of it. What is in the Secret and not understood is
//! never replaced by other CAs while some CA is registered.

use std::collections::BTreeSet;
use std::time::Duration;

use super::cas::{Ca, Cas};
use super::lifetimes::Lifetimes;
use crate::cluster::facts::{Fingerprint, Registered, Replicas};

/// How long a Secret must be unusable before a replica without fresh memory makes CAs anew. Replicas that remember the
/// CAs restore them within five seconds.
pub(super) const GRACE: Duration = Duration::from_secs(15);
/// How old the memory of the CAs may be to be written without delay: another replica may know later ones.
pub(super) const FRESH: Duration = Duration::from_secs(15);
/// How far a noted time may be ahead of this replica's clock, in seconds.
const SKEW: i64 = 60 * 60;

/// The Secret, as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'s> {
    /// There is none.
    Absent,
    /// It holds nothing.
    Empty,
    /// It holds something that cannot be used.
    Garbage,
    /// It holds CAs.
    Good(&'s Cas),
}

/// What else the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct World<'w> {
    pub(super) live: Live<'w>,
    pub(super) replicas: &'w Replicas,
    /// The time of day, in seconds since 1970.
    pub(super) now: i64,
    /// How long the Secret has been unusable.
    pub(super) unusable: Duration,
    /// How long this replica has seen that all bundles hold the next CA; by a clock that nobody sets.
    pub(super) seen: Duration,
    pub(super) lifetimes: Lifetimes,
}

/// The CAs that callers trust.
#[derive(Clone, Copy, Debug)]
pub(super) enum Live<'l> {
    /// Nobody has read the webhook configurations yet.
    Unknown,
    /// No entry is registered.
    Nothing,
    /// The bundles of all entries hold these.
    Of(&'l BTreeSet<Fingerprint>),
}

impl<'l> Live<'l> {
    /// Returns the CAs that callers trust, from what the webhook configurations hold.
    pub(super) const fn of(registered: &'l Registered) -> Self {
        match &registered.trusted {
            _ if !registered.is_known => Self::Unknown,
            None => Self::Nothing,
            Some(cas) => Self::Of(cas),
        }
    }

    /// Returns whether a certificate of a CA is known to be trusted, or is asked for by nobody.
    pub(super) fn accepts(self, ca: &Ca) -> bool {
        match self {
            Self::Unknown => false,
            Self::Nothing => true,
            Self::Of(cas) => cas.contains(&ca.id),
        }
    }
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Rest,
    /// Nothing, until somebody mends or deletes the Secret: it holds what cannot be used, and a CA is registered that
    /// may have been in it.
    AskForHelp,
    /// The first CAs.
    Found,
    /// The CAs that this replica remembers.
    Restore,
    /// Another next CA.
    ReplaceNext,
    /// The next CA as the current one, and a fresh next one.
    Promote,
    /// The CAs without the previous one.
    DropPrevious,
    /// Since when all registered entries hold the next CA.
    Note(Option<i64>),
}

/// Decides what to write. `memory` says how long ago this replica read or wrote the CAs last, if it ever did.
pub(super) fn decide(view: View<'_>, memory: Option<Duration>, world: &World<'_>) -> Step {
    let has_waited = world.unusable >= GRACE;
    let View::Good(cas) = view else {
        return match memory {
            Some(age) if has_waited || age <= FRESH => Step::Restore,
            Some(_) => Step::Rest,
            None => without_memory(view, world.live, has_waited),
        };
    };
    if may_drop_previous(cas, world) {
        Step::DropPrevious
    } else if may_promote(cas, world) {
        Step::Promote
    } else if must_replace_next(cas, world) {
        Step::ReplaceNext
    } else {
        note(cas, world)
    }
}

/// Decides about a Secret that cannot be used, of which this replica has never seen the CAs.
const fn without_memory(view: View<'_>, live: Live<'_>, has_waited: bool) -> Step {
    match (view, live) {
        (View::Garbage, Live::Of(_)) if has_waited => Step::AskForHelp,
        // Whoever reads the configurations may find a CA there.
        (View::Garbage, Live::Unknown | Live::Of(_)) => Step::Rest,
        // Nobody relies on other CAs, and two replicas that start at once cannot both make a Secret.
        (View::Absent, Live::Nothing) => Step::Found,
        (View::Absent | View::Empty | View::Garbage, _) if has_waited => Step::Found,
        (View::Absent | View::Empty | View::Garbage | View::Good(_), _) => Step::Rest,
    }
}

fn may_drop_previous(cas: &Cas, world: &World<'_>) -> bool {
    let Some(previous) = &cas.previous else { return false };
    if !previous.is_alive(world.now) {
        return true;
    }
    cas.distrusts(previous) && is_unused(previous, world.replicas) && world.live.accepts(&cas.current)
}

fn may_promote(cas: &Cas, world: &World<'_>) -> bool {
    let Cas { current, next, previous, .. } = cas;
    let World { now, lifetimes, live, replicas, .. } = *world;
    let is_worse = !next.fits && current.fits;
    if !next.is_alive(now) || cas.distrusts(next) || is_worse || !live.accepts(next) {
        return false;
    }
    // Nothing is served with it anyway.
    if !current.is_alive(now) {
        return true;
    }
    let is_unregistered = matches!(live, Live::Nothing);
    let is_settled = is_unregistered || world.seen >= lifetimes.settle();
    let is_held =
        is_unregistered || cas.held_since.is_some_and(|since| now.saturating_sub(since) >= lifetimes.hold());
    let is_demanded = cas.distrusts(current) || cas.leaving == Some(current.id) || !current.fits && next.fits;
    let is_due = is_settled && (is_demanded || is_held && current.has_left_at_most(3, now));
    // The previous one goes, which is of no use once its certificates are replaced.
    let is_free = previous.as_ref().is_none_or(|previous| is_unused(previous, replicas));
    is_due && (is_free || current.has_left_at_most(6, now))
}

fn must_replace_next(cas: &Cas, world: &World<'_>) -> bool {
    let Cas { current, next, .. } = cas;
    let now = world.now;
    if !next.is_alive(now) {
        return true;
    }
    // A replica may have found nothing else in the bundles to sign with.
    if world.replicas.is_known && !is_unused(next, world.replicas) {
        return false;
    }
    let is_needed = !current.fits || current.has_left_at_most(3, now);
    cas.distrusts(next) || next.has_left_at_most(6, now) || !next.fits && is_needed
}

/// Notes when the next CA came into all bundles, and that it isn't there any more.
fn note(cas: &Cas, world: &World<'_>) -> Step {
    let Live::Of(live) = world.live else { return Step::Rest };
    match (live.contains(&cas.next.id), cas.held_since) {
        (true, None) => Step::Note(Some(world.now)),
        (true, Some(since)) if since > world.now.saturating_add(SKEW) => Step::Note(Some(world.now)),
        (false, Some(_)) => Step::Note(None),
        (true, Some(_)) | (false, None) => Step::Rest,
    }
}

/// Returns whether no replica that lives serves a certificate of a CA.
fn is_unused(ca: &Ca, replicas: &Replicas) -> bool {
    replicas.is_known && replicas.live.iter().all(|replica| replica.signer != Some(ca.id))
}

#[cfg(test)]
mod tests;
