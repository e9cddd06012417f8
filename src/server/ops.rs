//! The ops port: `/livez`, `/readyz`, `/metrics` and `/log-filter`, in plain HTTP.
//!
//! INVARIANT: ready means that the server would decide a review that arrives now, and one that arrives in a few
//! seconds.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::decider::Decider;
use super::log_filter;
use super::shared::Shared;
use crate::telemetry::LogFilter;

/// Serves the endpoints.
pub(super) fn router<D: Decider>(
    shared: &Arc<Shared>,
    decider: &Arc<D>,
    log_filter: Option<LogFilter>,
) -> Router {
    let (ready, metrics, decider) = (Arc::clone(shared), Arc::clone(shared), Arc::clone(decider));
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async move |RawQuery(query)| probe(&ready, &*decider, query.as_deref())))
        .route("/metrics", get(async move || figures(&metrics)))
        .route("/log-filter", log_filter::route(log_filter, shared.limits.timings.body_progress))
}

/// Says whether the server is ready, and with `?verbose` which condition holds.
fn probe(shared: &Shared, decider: &impl Decider, query: Option<&str>) -> (StatusCode, String) {
    let own = [
        ("shutdown", shared.is_draining().then_some("shutting down")),
        ("policies", (!decider.is_ready()).then_some("no policies loaded")),
    ];
    let is_verbose = query.is_some_and(|query| query.split('&').any(|word| word == "verbose"));
    shared.readiness.answer(&own, is_verbose)
}

fn figures(shared: &Shared) -> Response {
    match shared.metrics.encode() {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
