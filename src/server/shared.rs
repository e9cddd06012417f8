//! State that all connections and requests of a server share.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;
use axum::response::Response;

use super::capacity::Capacities;
use super::decider::Observers;
use super::decision_log::DecisionThrottles;
use super::limits::Limits;
use super::readiness::Readiness;
use crate::telemetry::{LogThrottle, Metrics, Sampled, Traces};

/// The state that all connections and requests of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) metrics: Arc<Metrics>,
    pub(super) limits: Limits,
    pub(super) capacities: Capacities,
    pub(super) is_draining: AtomicBool,
    pub(super) failed_handshakes: LogThrottle,
    pub(super) decisions: DecisionThrottles,
    pub(super) readiness: Readiness,
    pub(super) traces: Option<Traces>,
}

impl Shared {
    /// Returns the trace of a request, if spans are sent and its caller records it.
    pub(super) fn sampled(&self, headers: &HeaderMap) -> Option<Sampled> {
        self.traces.as_ref()?.sampled(headers)
    }

    /// Returns what observes a review.
    pub(super) fn observers(&self, sampled: Option<Sampled>) -> Observers<'_> {
        let span = self.traces.as_ref().zip(sampled).map(|(traces, sampled)| traces.span(sampled));
        Observers::new(&self.metrics, &self.decisions).with_span(span)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

/// The address of the client that sent a request, on the ops port.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerAddress(pub(super) IpAddr);

/// Marks a response after which the connection must be closed, over HTTP/1.1.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseAfter;

impl CloseAfter {
    pub(super) fn mark(mut response: Response) -> Response {
        response.extensions_mut().insert(Self);
        response
    }
}

/// Marks a response after which the connection takes no other request, over HTTP/2 too.
///
/// What else is under way on the connection is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastOfConnection;

impl LastOfConnection {
    pub(super) fn mark(mut response: Response) -> Response {
        response.extensions_mut().insert(Self);
        CloseAfter::mark(response)
    }
}
