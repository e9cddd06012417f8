//! The bodies that wait for their peers, of which the oldest give way to bodies that progress.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::server::by_peer::{ByPeer, Key, Peer};

/// The bodies of a pool that wait for their peers.
#[derive(Debug, Default)]
pub(crate) struct StalledBodies(Mutex<ByPeer<Stalled>>);

#[derive(Debug)]
struct Stalled {
    /// The memory that the body gives back.
    kib: u32,
    drop: oneshot::Sender<()>,
}

impl StalledBodies {
    /// Adds a body that holds `kib` of memory and has progressed no more since `since`.
    pub(crate) fn add(&self, peer: Peer, since: Instant, kib: u32) -> Waiting<'_> {
        let (drop, order) = oneshot::channel();
        let key = self.lock().insert(peer, since, Stalled { kib, drop });
        Waiting { bodies: self, key, order }
    }

    /// Drops the body that stalls longest, of the peer with the most, and returns the memory that it held.
    ///
    /// Returns `None` if every body has progressed just now.
    pub(crate) fn give_way(&self) -> Option<u32> {
        let Stalled { kib, drop } = self.lock().give_way_if_stale(Instant::now())?;
        // It may have ended already.
        let _is_gone = drop.send(());
        Some(kib)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, ByPeer<Stalled>> {
        // No operation under the lock panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that waits for its peer; dropping this ends the wait.
#[derive(Debug)]
pub(crate) struct Waiting<'b> {
    bodies: &'b StalledBodies,
    key: Key,
    order: oneshot::Receiver<()>,
}

impl Waiting<'_> {
    /// Waits for the order to drop the body, which may never come.
    pub(crate) async fn dropped(&mut self) {
        if (&mut self.order).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.bodies.lock().remove(self.key);
    }
}
