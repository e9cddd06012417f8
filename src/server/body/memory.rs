//! The memory that bodies may take, and who has how much of it.
//!
//! INVARIANT: of each share no more is given than there is, but to one body at a time that holds some of it already, so
//! that not all of them wait for each other; and no body waits for those of a larger kind.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::server::limits::Limits;

/// The bytes that all bodies together may take.
#[derive(Debug)]
pub(crate) struct Budget {
    small: Share,
    medium: Share,
    large: Share,
}

impl Budget {
    /// The budget of these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            small: Share::new(limits.held_small, limits.small),
            medium: Share::new(limits.held_medium, limits.at_once),
            large: Share::new(limits.held, usize::MAX),
        }
    }

    /// The share of a body that is going to be `bytes` long, as far as is known.
    pub(crate) fn share(&self, bytes: usize) -> &Share {
        let smaller = [&self.small, &self.medium].into_iter().find(|share| bytes <= share.up_to);
        smaller.unwrap_or(&self.large)
    }
}

/// A part of the budget.
#[derive(Debug)]
pub(crate) struct Share {
    kib: Arc<Semaphore>,
    all: u32,
    /// How large a body may be.
    up_to: usize,
    /// Held by the one body that may take more than there is.
    finishing: Arc<Semaphore>,
}

impl Share {
    fn new(bytes: usize, up_to: usize) -> Self {
        let all = in_kib(bytes);
        let (kib, finishing) = (Arc::new(Semaphore::new(all as usize)), Arc::new(Semaphore::new(1)));
        Self { kib, all, up_to, finishing }
    }

    /// Makes `room` of it large enough for `bytes`; `None`: that was not to be had until `patience` ended. When bodies have
    /// all there is, and each needs more, one after the other may have more than that, and so comes to its end and gives
    /// back what it holds.
    pub(crate) async fn grow(&self, room: &mut Room, bytes: usize, patience: Instant) -> Option<()> {
        if room.finishing.is_none() {
            tokio::select! {
                biased;
                more = self.take(bytes, room.kib.num_permits(), patience) => room.kib.merge(more?.kib),
                Ok(permit) = Arc::clone(&self.finishing).acquire_owned() => room.finishing = Some(permit),
            }
        }
        Some(())
    }

    /// Waits for room for `bytes` all in all, of which `held` KiB are there, until `patience` ends. Nobody waits for
    /// more than there is.
    pub(crate) async fn take(&self, bytes: usize, held: usize, patience: Instant) -> Option<Room> {
        let permits = in_kib(bytes).min(self.all).saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        match timeout_at(patience, Arc::clone(&self.kib).acquire_many_owned(permits)).await {
            Ok(Ok(kib)) => Some(Room { kib, finishing: None }),
            // The semaphore is never closed; were it, there would be no room.
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

/// Room in the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    kib: OwnedSemaphorePermit,
    finishing: Option<OwnedSemaphorePermit>,
}

/// At least one: an empty body takes a place too.
fn in_kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}
