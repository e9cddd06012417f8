//! What all connections and requests of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::response::Response;
use tokio::sync::Semaphore;

use super::body::Budget;
use super::judge::{Judge, Told};
use super::limits::Limits;
use super::log_limits::{Burst, Rated};
use crate::telemetry::Metrics;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) judge: Judge,
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    pub(super) budget: Budget,
    pub(super) in_flight: AtomicUsize,
    pub(super) is_draining: AtomicBool,
    /// Places of HTTP/2 connections.
    pub(super) http2: Semaphore,
    /// Turns of large bodies: as many are decided at once as there are threads for connections.
    pub(super) large: Arc<Semaphore>,
    pub(super) refused_http2: Rated,
    pub(super) failed_handshakes: Rated,
    pub(super) denials: Burst,
}

impl Shared {
    /// Takes a place among the reviews under way, if there is one.
    pub(super) fn enter(&self) -> Option<Place<'_>> {
        let place = Place(self);
        self.metrics.in_flight.inc();
        // The place counts before it is known to be there, so that two cannot take the last one.
        (self.in_flight.fetch_add(1, Ordering::Relaxed) < self.limits.in_flight).then_some(place)
    }

    pub(super) fn told(&self) -> Told<'_> {
        Told { metrics: &self.metrics, denials: &self.denials }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

/// A place among the reviews under way; given back when dropped.
#[derive(Debug)]
pub(super) struct Place<'s>(&'s Shared);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.in_flight.dec();
    }
}

/// Marks a response after which the connection is of no further use.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseAfter;

impl CloseAfter {
    pub(super) fn mark(mut response: Response) -> Response {
        response.extensions_mut().insert(Self);
        response
    }
}
