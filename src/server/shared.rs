//! State that all connections and requests of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::response::Response;
use tokio::sync::Semaphore;

use super::body::Memory;
use super::decider::Observers;
use super::limits::Limits;
use super::log_limits::LogThrottle;
use crate::telemetry::Metrics;

/// The state that all connections and requests of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    pub(super) memory: Memory,
    pub(super) in_flight: AtomicUsize,
    pub(super) is_draining: AtomicBool,
    /// Permits for HTTP/2 connections.
    pub(super) http2: Semaphore,
    /// Permits to decide about large bodies, one for each thread that serves connections.
    pub(super) large_decisions: Arc<Semaphore>,
    pub(super) refused_http2: LogThrottle,
    pub(super) failed_handshakes: LogThrottle,
    pub(super) denials: LogThrottle,
}

impl Shared {
    /// Counts a review that begins, unless as many are under way as may be.
    pub(super) fn begin_review(&self) -> Option<InFlight<'_>> {
        let in_flight = InFlight(self);
        self.metrics.in_flight.inc();
        // It counts before the limit is checked, so that of two reviews only one can be the last.
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < self.limits.reviews_at_once).then_some(in_flight)
    }

    pub(super) fn observers(&self) -> Observers<'_> {
        Observers { metrics: &self.metrics, denials: &self.denials }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

/// A review under way; dropping it ends it.
#[derive(Debug)]
pub(super) struct InFlight<'s>(&'s Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.in_flight.dec();
    }
}

/// Marks a response after which the connection must be closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseAfter;

impl CloseAfter {
    pub(super) fn mark(mut response: Response) -> Response {
        response.extensions_mut().insert(Self);
        response
    }
}
