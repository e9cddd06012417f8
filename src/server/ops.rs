//! The ops port: `/livez`, `/readyz` and `/metrics`, in plain HTTP.
//!
//! INVARIANT: ready means that the server would decide a review that arrives now, and one that arrives in a few
//! seconds.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::decider::Decider;
use super::shared::Shared;

/// Serves the three endpoints.
pub(super) fn router<D: Decider>(shared: &Arc<Shared>, decider: &Arc<D>) -> Router {
    let (ready, metrics, decider) = (Arc::clone(shared), Arc::clone(shared), Arc::clone(decider));
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async move || readiness(&ready, &*decider)))
        .route("/metrics", get(async move || figures(&metrics)))
}

fn readiness(shared: &Shared, decider: &impl Decider) -> (StatusCode, &'static str) {
    if shared.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else if !decider.is_ready() {
        (StatusCode::SERVICE_UNAVAILABLE, "no policies loaded\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
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
