//! The memory for bodies, in three pools by the size of a body.
//!
//! INVARIANT: a pool gives out no more than it has, except to one body at a time that already holds a part of it, so
//! that bodies don't wait for each other for ever; and no body waits for larger ones.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

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
}

/// The memory for the bodies of one range of sizes.
#[derive(Debug)]
pub(crate) struct Pool {
    free_kib: Arc<Semaphore>,
    total_kib: u32,
    bodies_up_to: usize,
    /// Taken by the one body that may exceed the pool.
    excess: Arc<Semaphore>,
}

impl Pool {
    fn new(bytes: usize, bodies_up_to: usize) -> Self {
        let total_kib = in_kib(bytes);
        let (free_kib, excess) = (Arc::new(Semaphore::new(total_kib as usize)), Arc::new(Semaphore::new(1)));
        Self { free_kib, total_kib, bodies_up_to, excess }
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
                more = self.reserve(bytes, reservation.kib.num_permits(), give_up_at) => {
                    reservation.kib.merge(more?.kib);
                }
                Ok(permit) = Arc::clone(&self.excess).acquire_owned() => reservation.excess = Some(permit),
            }
        }
        Some(())
    }

    /// Waits until `give_up_at` for a reservation of `bytes`, less the `held_kib` that the body has already.
    ///
    /// A body that needs more than the pool has waits for the whole pool.
    pub(crate) async fn reserve(
        &self,
        bytes: usize,
        held_kib: usize,
        give_up_at: Instant,
    ) -> Option<Reservation> {
        let held_kib = u32::try_from(held_kib).unwrap_or(u32::MAX);
        let permits = in_kib(bytes).min(self.total_kib).saturating_sub(held_kib);
        match timeout_at(give_up_at, Arc::clone(&self.free_kib).acquire_many_owned(permits)).await {
            Ok(Ok(kib)) => Some(Reservation { kib, excess: None }),
            // The semaphore is never closed; if it were, there would be no memory.
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

/// A part of a pool that a body holds; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Reservation {
    kib: OwnedSemaphorePermit,
    excess: Option<OwnedSemaphorePermit>,
}

/// Rounds up to KiB, of which even an empty body takes one.
fn in_kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}
