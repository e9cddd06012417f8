//! The memory that bodies may take, and who has how much of it.
//!
//! INVARIANT: no more is given than there is, and small bodies never wait for large ones.

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::limits::Limits;

/// The bytes that all bodies together may take.
#[derive(Debug)]
pub(super) struct Budget {
    small: Share,
    large: Share,
    /// Up to how many bytes a body is small.
    small_up_to: usize,
}

impl Budget {
    /// The budget of these limits.
    pub(super) fn new(limits: &Limits) -> Self {
        let (small, large) = (Share::new(limits.held_small), Share::new(limits.held));
        Self { small, large, small_up_to: limits.small }
    }

    /// The share of a body that is going to be `bytes` long, as far as is known.
    pub(super) fn share(&self, bytes: usize) -> &Share {
        if bytes <= self.small_up_to { &self.small } else { &self.large }
    }
}

/// A part of the budget.
#[derive(Debug)]
pub(super) struct Share {
    kib: Semaphore,
    all: u32,
}

impl Share {
    fn new(bytes: usize) -> Self {
        let all = in_kib(bytes);
        Self { kib: Semaphore::new(all as usize), all }
    }

    /// Waits for room for `bytes` all in all, of which `held` KiB are there, until `patience` ends. Nobody waits for
    /// more than there is.
    pub(super) async fn take(&self, bytes: usize, held: usize, patience: Instant) -> Option<Room<'_>> {
        let permits = in_kib(bytes).min(self.all).saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        match timeout_at(patience, self.kib.acquire_many(permits)).await {
            Ok(Ok(permit)) => Some(Room(permit)),
            // The semaphore is never closed; were it, there would be no room.
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

/// Room in the budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Room<'b>(SemaphorePermit<'b>);

impl Room<'_> {
    /// Makes this room larger by another one of the same share.
    pub(super) fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// What is held, as [`Share::take`] wants to know it.
    pub(super) fn held(&self) -> usize {
        self.0.num_permits()
    }
}

/// At least one: an empty body takes a place too.
fn in_kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}
