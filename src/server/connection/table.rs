//! The table of open connections: it chooses the one that is closed when there are too many.
//!
//! ```text
//! silent → handshake → unproven, over HTTP/1.1 or HTTP/2 → proven
//! ```
//!
//! Every stage has a limit of its own, so a flood in one stage takes nothing from connections in another. At its limit
//! a stage closes the oldest connection of the peer with the most (see [`ByPeer`]).
//!
//! INVARIANT: no new connection is refused because others are open, and the table closes no proven one. A connection is
//! proven once it completed a review or presented an accepted client certificate, while fewer are proven than the
//! limit, and fewer than three quarters of the limit of the same peer. Beyond that it stays unproven.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::IntGauge;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use crate::server::by_peer::{ByPeer, Key, Peer};
use crate::server::limits::StageLimits;
use crate::telemetry::{Dropped, LogThrottle, Metrics};

/// A stage in which a connection is closed if the stage has too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has sent nothing.
    Silent,
    /// It is in its TLS handshake.
    Handshake,
    /// It speaks HTTP/1.1.
    Http1,
    /// It speaks HTTP/2.
    Http2,
}

/// The open connections of a port.
#[derive(Debug)]
pub(crate) struct ConnectionTable {
    stages: Mutex<Stages>,
    most: usize,
    metrics: Arc<Metrics>,
    /// Counts the open connections, if something asks.
    open: Option<IntGauge>,
    log: LogThrottle,
}

#[derive(Debug)]
struct Stages {
    silent: Unproven,
    handshake: Unproven,
    http1: Unproven,
    http2: Unproven,
    proven_http1: Proven,
    proven_http2: Proven,
    /// Connections that were told to close and are not in the table any more, but still open.
    closing: usize,
}

/// The connections of a stage that give way.
#[derive(Debug)]
struct Unproven {
    most: usize,
    open: ByPeer<Waiting>,
}

/// A connection that gives way, and the order to do so.
#[derive(Debug)]
struct Waiting {
    address: SocketAddr,
    close: oneshot::Sender<()>,
}

/// The proven connections over one protocol.
#[derive(Debug)]
struct Proven {
    most: usize,
    count: usize,
    peers: HashMap<Peer, usize>,
}

impl ConnectionTable {
    /// Creates a table; `open` is the gauge of its connections.
    pub(crate) fn new(limits: StageLimits, metrics: &Arc<Metrics>, open: Option<IntGauge>) -> Arc<Self> {
        let unproven = |most| Unproven { most, open: ByPeer::default() };
        let proven = |most| Proven { most, count: 0, peers: HashMap::new() };
        let stages = Stages {
            silent: unproven(limits.silent),
            handshake: unproven(limits.handshake),
            http1: unproven(limits.http1),
            http2: unproven(limits.http2),
            proven_http1: proven(limits.proven_http1),
            proven_http2: proven(limits.proven_http2),
            closing: 0,
        };
        let (metrics, log) = (Arc::clone(metrics), LogThrottle::one_in_ten_seconds());
        Arc::new(Self { stages: Mutex::new(stages), most: limits.total(), metrics, open, log })
    }

    /// Returns how many connections are in the table at most.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Adds a new connection, which has sent nothing yet.
    pub(crate) fn add(self: &Arc<Self>, address: SocketAddr) -> (Tracked, CloseOrder) {
        if let Some(open) = &self.open {
            open.inc();
        }
        let (close, closed) = oneshot::channel();
        let peer = Peer::at(address.ip());
        let (key, gave_way) = self.lock().insert(Stage::Silent, peer, Waiting { address, close });
        self.report(Stage::Silent, gave_way);
        let place = Mutex::new(Place::Unproven(Stage::Silent, key));
        let is_proven = AtomicBool::new(false);
        let tracked = Tracked {
            table: Arc::clone(self),
            address,
            peer,
            place,
            is_proven,
            had_last: AtomicBool::new(false),
        };
        (tracked, CloseOrder(Some(closed)))
    }

    /// Closes a connection so that its file descriptor is free; returns false if all are proven.
    pub(crate) fn free_descriptor(&self) -> bool {
        let gave_way = {
            let mut stages = self.lock();
            [Stage::Silent, Stage::Handshake, Stage::Http1, Stage::Http2]
                .into_iter()
                .find_map(|stage| Some((stage, stages.give_way(stage, Instant::now())?)))
        };
        let Some((stage, gave_way)) = gave_way else { return false };
        self.report(stage, Some(gave_way));
        true
    }

    /// Returns how many connections were told to close and are still open.
    pub(crate) fn closing(&self) -> usize {
        self.lock().closing
    }

    fn lock(&self) -> MutexGuard<'_, Stages> {
        // No operation under the lock panics halfway.
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a connection to close, and counts and logs that. The lock is not held.
    fn report(&self, stage: Stage, gave_way: Option<Waiting>) {
        let Some(Waiting { address, close }) = gave_way else { return };
        // It may be closing already.
        let _is_gone = close.send(());
        let (counted, what) = match stage {
            Stage::Silent => (Dropped::Silent, "connections that sent nothing"),
            Stage::Handshake => (Dropped::Handshake, "unfinished TLS handshakes"),
            Stage::Http1 => (Dropped::Http1, "HTTP/1.1 connections without a review"),
            Stage::Http2 => (Dropped::Http2, "HTTP/2 connections without a review"),
        };
        self.metrics.dropped.inc(counted);
        if let Some(left_out) = self.log.event() {
            let closed = left_out + 1;
            warn!(%address, what, closed, "too many are open; the oldest of the peer with the most is closed");
        }
    }
}

impl Stages {
    /// Adds a connection to a stage, and returns the one that gives way to it.
    fn insert(&mut self, stage: Stage, peer: Peer, waiting: Waiting) -> (Key, Option<Waiting>) {
        let now = Instant::now();
        let Unproven { most, open } = self.unproven(stage);
        let gave_way = if open.len() < *most { None } else { self.give_way(stage, now) };
        (self.unproven(stage).open.insert(peer, now, waiting), gave_way)
    }

    fn give_way(&mut self, stage: Stage, now: Instant) -> Option<Waiting> {
        let gave_way = self.unproven(stage).open.give_way(now)?;
        self.closing += 1;
        Some(gave_way)
    }

    fn unproven(&mut self, stage: Stage) -> &mut Unproven {
        match stage {
            Stage::Silent => &mut self.silent,
            Stage::Handshake => &mut self.handshake,
            Stage::Http1 => &mut self.http1,
            Stage::Http2 => &mut self.http2,
        }
    }

    /// Returns the proven connections over the protocol of a stage.
    fn proven(&mut self, stage: Stage) -> Option<&mut Proven> {
        match stage {
            Stage::Silent | Stage::Handshake => None,
            Stage::Http1 => Some(&mut self.proven_http1),
            Stage::Http2 => Some(&mut self.proven_http2),
        }
    }
}

impl Proven {
    /// Adds a connection, unless there are too many, or too many of its peer.
    fn try_insert(&mut self, peer: Peer) -> bool {
        let of_peer = self.peers.get(&peer).copied().unwrap_or_default();
        let has_room = self.count < self.most && of_peer < self.most.div_ceil(4).saturating_mul(3);
        if has_room {
            self.count += 1;
            self.peers.insert(peer, of_peer + 1);
        }
        has_room
    }

    fn remove(&mut self, peer: Peer) {
        self.count = self.count.saturating_sub(1);
        if let Some(of_peer) = self.peers.get_mut(&peer) {
            *of_peer = of_peer.saturating_sub(1);
            if *of_peer == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

/// A connection in the table; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Tracked {
    table: Arc<ConnectionTable>,
    address: SocketAddr,
    peer: Peer,
    /// Locked before the table.
    place: Mutex<Place>,
    /// True from the moment that its place never changes any more.
    is_proven: AtomicBool,
    had_last: AtomicBool,
}

#[derive(Debug)]
enum Place {
    Unproven(Stage, Key),
    Proven(Stage),
}

impl Tracked {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// Enters a stage, as the newest in it; returns false if the connection has to close.
    pub(crate) fn enter(&self, stage: Stage) -> bool {
        let mut place = self.place();
        let Place::Unproven(before, key) = *place else { return true };
        let (key, gave_way) = {
            let mut stages = self.table.lock();
            let Some(waiting) = stages.unproven(before).open.remove(key) else { return false };
            stages.insert(stage, self.peer, waiting)
        };
        *place = Place::Unproven(stage, key);
        drop(place);
        self.table.report(stage, gave_way);
        true
    }

    /// Notes that the connection completed a review or presented an accepted certificate.
    ///
    /// If too many are proven, it becomes the newest of the unproven ones.
    pub(crate) fn prove(&self) {
        if self.is_proven.load(Ordering::Relaxed) {
            return;
        }
        let mut place = self.place();
        let Place::Unproven(stage, key) = *place else { return };
        let mut stages = self.table.lock();
        let Some(waiting) = stages.unproven(stage).open.remove(key) else { return };
        if stages.proven(stage).is_some_and(|proven| proven.try_insert(self.peer)) {
            *place = Place::Proven(stage);
            self.is_proven.store(true, Ordering::Relaxed);
        } else {
            let key = stages.unproven(stage).open.insert(self.peer, Instant::now(), waiting);
            *place = Place::Unproven(stage, key);
        }
    }

    /// Notes that the connection takes no request after the answer that is made now.
    pub(crate) fn note_last(&self) {
        self.had_last.store(true, Ordering::Release);
    }

    /// Returns whether the connection had its last request.
    pub(crate) fn had_last(&self) -> bool {
        self.had_last.load(Ordering::Acquire)
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(open) = &self.table.open {
            open.dec();
        }
        let place = self.place.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut stages = self.table.stages.lock().unwrap_or_else(PoisonError::into_inner);
        match *place {
            Place::Unproven(stage, key) => {
                if stages.unproven(stage).open.remove(key).is_none() {
                    stages.closing = stages.closing.saturating_sub(1);
                }
            }
            Place::Proven(stage) => {
                if let Some(proven) = stages.proven(stage) {
                    proven.remove(self.peer);
                }
            }
        }
    }
}

/// Tells a connection when to close for others.
#[derive(Debug)]
pub(crate) struct CloseOrder(Option<oneshot::Receiver<()>>);

impl CloseOrder {
    /// Waits for the order, which may never come.
    pub(crate) async fn given(&mut self) {
        if let Some(order) = &mut self.0
            && order.await.is_ok()
        {
            return;
        }
        self.0 = None;
        std::future::pending().await
    }
}
