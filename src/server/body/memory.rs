//! The memory for bodies, in three pools by the size of a body.
//!
//! Bodies that stall give way to those that progress: at the limit of reviews, and when a pool is empty.
//!
//! INVARIANT: a pool gives out no more than it has, except to one body at a time that already holds a part of it, so
//! that bodies don't wait for each other for ever; and no body waits for larger ones.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::stalled::StalledBodies;
use crate::server::by_peer::FRESH;
use crate::server::limits::BodyLimits;

/// The memory for all bodies together.
#[derive(Debug)]
pub(crate) struct Memory {
    small: Pool,
    medium: Pool,
    large: Pool,
}

impl Memory {
    /// Creates the pools in the sizes of the limits, divided by `divisor`.
    pub(crate) fn new(limits: &BodyLimits, divisor: usize) -> Self {
        Self {
            small: Pool::new(limits.small_body_memory / divisor, limits.small_up_to),
            medium: Pool::new(limits.medium_body_memory / divisor, limits.inline_up_to),
            large: Pool::new(limits.large_body_memory / divisor, usize::MAX),
        }
    }

    /// Returns the pool of a body of so many bytes.
    pub(crate) fn pool(&self, bytes: usize) -> &Pool {
        let smaller = [&self.small, &self.medium].into_iter().find(|pool| bytes <= pool.bodies_up_to);
        smaller.unwrap_or(&self.large)
    }

    /// Drops the body that stalls longest, of the peer with the most in the pool with the most; false if none stalls.
    pub(crate) fn drop_stalled(&self) -> bool {
        let mut pools = [&self.small, &self.medium, &self.large];
        pools.sort_by_key(|pool| std::cmp::Reverse(pool.stalled.len()));
        pools.into_iter().any(|pool| pool.stalled.give_way().is_some())
    }
}

/// The memory for the bodies of one range of sizes.
#[derive(Debug)]
pub(crate) struct Pool {
    free_kib: Arc<Semaphore>,
    total_kib: u32,
    bodies_up_to: usize,
    /// Taken by the one body that may exceed the pool.
    excess: Arc<Semaphore>,
    /// The bodies that wait for their peers.
    stalled: StalledBodies,
}

impl Pool {
    fn new(bytes: usize, bodies_up_to: usize) -> Self {
        let total_kib = in_kib(bytes);
        let (free_kib, excess) = (Arc::new(Semaphore::new(total_kib as usize)), Arc::new(Semaphore::new(1)));
        Self { free_kib, total_kib, bodies_up_to, excess, stalled: StalledBodies::default() }
    }

    /// Grows a reservation to `bytes`; returns `None` if that was not possible until `give_up_at`.
    ///
    /// If the bodies hold the whole pool and each of them needs more, they exceed it one after the other, so that each
    /// is completed and gives back its memory.
    pub(crate) async fn grow(
        &self,
        reservation: &mut Reservation,
        bytes: usize,
        give_up_at: Instant,
    ) -> Option<()> {
        if reservation.excess.is_none() {
            tokio::select! {
                biased;
                more = self.reserve(bytes, reservation.kib(), give_up_at) => {
                    reservation.add(more?);
                }
                Ok(permit) = Arc::clone(&self.excess).acquire_owned() => reservation.excess = Some(permit),
            }
        }
        Some(())
    }

    /// Waits until `give_up_at` for a reservation of `bytes`, less the `held_kib` that the body has already.
    ///
    /// A body that needs more than the pool has waits for the whole pool. While it waits, bodies that stall are
    /// dropped.
    pub(crate) async fn reserve(
        &self,
        bytes: usize,
        held_kib: u32,
        give_up_at: Instant,
    ) -> Option<Reservation> {
        let permits = in_kib(bytes).min(self.total_kib).saturating_sub(held_kib);
        let acquired = Arc::clone(&self.free_kib).acquire_many_owned(permits);
        tokio::pin!(acquired);
        // A body that waits first looks for stalled ones, and looks again whenever another may have become stalled.
        let mut look_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                // The semaphore is never closed; if it were, there would be no memory.
                kib = &mut acquired => return Some(Reservation { kib: Some(kib.ok()?), excess: None }),
                () = sleep_until(look_at.min(give_up_at)) => {
                    if look_at >= give_up_at {
                        return None;
                    }
                    self.drop_stalled(permits);
                    look_at = Instant::now() + FRESH / 2;
                }
            }
        }
    }

    /// Drops stalled bodies that together hold `kib`, or all of them.
    fn drop_stalled(&self, kib: u32) {
        let mut freed = 0;
        while freed < kib
            && let Some(of_body) = self.stalled.give_way()
        {
            freed = freed.saturating_add(of_body);
        }
    }

    pub(crate) fn stalled(&self) -> &StalledBodies {
        &self.stalled
    }
}

/// A part of a pool that a body holds, which may be nothing; dropping it gives it back.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    kib: Option<OwnedSemaphorePermit>,
    excess: Option<OwnedSemaphorePermit>,
}

impl Reservation {
    /// Returns the KiB that are given back when it is dropped.
    pub(crate) fn kib(&self) -> u32 {
        let kib = self.kib.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(kib).unwrap_or(u32::MAX)
    }

    /// Adds memory of the same pool.
    fn add(&mut self, more: Self) {
        match (&mut self.kib, more.kib) {
            (Some(kib), Some(more)) => kib.merge(more),
            (kib, more) => *kib = kib.take().or(more),
        }
    }
}

/// Rounds up to KiB, of which even an empty body takes one.
fn in_kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}
