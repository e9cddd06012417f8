//! The two endpoints the API server calls: `POST /mutate` and `POST /validate`.
//!
//! A request becomes bytes, the bytes a verdict, the verdict bytes. Nothing here waits for anything but the
//! body; it never redirects, and it never answers an error where a denial can be answered.
//!
//! INVARIANT: whatever has a uid is answered with HTTP 200 and that uid, unless the API server can do better by
//! asking again (429 and 503, both with `Retry-After`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use tokio::time::Instant;
use tracing::{debug, info};

use super::body::{Arriving, Received, Trouble};
use super::deadline::Deadline;
use super::{CloseAfter, Place, Shared};
use crate::admission::tenancy::Snapshot;
use crate::admission::verdict::{Denial, Verdict};
use crate::admission::{Answer, Phase, review};
use crate::telemetry::{Metrics, Refusal};

/// The two endpoints; every other path is 404, every other method 405.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let endpoint = |phase| {
        let shared = Arc::clone(shared);
        post(move |request| serve(phase, shared, request))
    };
    let (no_path, no_post) = (Arc::clone(shared), Arc::clone(shared));
    Router::new()
        .route("/mutate", endpoint(Phase::Mutate))
        .route("/validate", endpoint(Phase::Validate))
        .fallback(async move || refuse(&no_path.metrics, Refusal::NoSuchPath, NO_SUCH_PATH))
        .method_not_allowed_fallback(async move || refuse(&no_post.metrics, Refusal::NotPost, NOT_POST))
}

const NO_SUCH_PATH: &str = "nothing is served here; POST an AdmissionReview to /mutate or /validate";
const NOT_POST: &str = "only POST is served here, with an AdmissionReview as the body";
const NO_POLICIES: &str = "no policies are loaded yet; ask again in a second";
const TOO_MANY: &str = "too many reviews are under way; ask again in a second";
const TOO_SLOW: &str = "the body stalled, or did not come within the time the API server grants";

/// Answers one request.
async fn serve(phase: Phase, shared: Arc<Shared>, request: Request) -> Response {
    let deadline = Deadline::of(request.uri().query());
    let mut body = Arriving::new(request.into_body(), &shared.limits, deadline);
    match receive(&shared, &mut body).await {
        Ok((Received::Whole(bytes, _room), _place)) => match &*shared.snapshots.load() {
            Some(snapshot) => respond(settle(phase, &bytes, snapshot, &shared.metrics), &shared.metrics),
            None => refuse(&shared.metrics, Refusal::NoPolicies, NO_POLICIES),
        },
        Ok((Received::TooLarge { start, finished }, _place)) => {
            let reply = too_large(phase, &start, shared.limits.body, &shared.metrics);
            let response = respond(reply, &shared.metrics);
            if finished { response } else { CloseAfter::mark(response) }
        }
        Err(Trouble::NoRoom) => {
            body.discard_all(&shared.limits).await;
            // Closing the connection lets the next attempt reach another replica.
            CloseAfter::mark(refuse(&shared.metrics, Refusal::TooMany, TOO_MANY))
        }
        Err(Trouble::TooSlow) => CloseAfter::mark(refuse(&shared.metrics, Refusal::TooSlow, TOO_SLOW)),
        Err(Trouble::Broken(error)) => {
            debug!(%error, "a body broke off");
            let problem = format!("the body cannot be read: {error}");
            CloseAfter::mark(refuse(&shared.metrics, Refusal::NotAReview, &problem))
        }
    }
}

/// Reads a body. One that brings nothing takes no place from those that do.
async fn receive<'s>(shared: &'s Shared, body: &mut Arriving) -> Result<(Received<'s>, Place<'s>), Trouble> {
    body.begin().await?;
    let place = shared.enter().ok_or(Trouble::NoRoom)?;
    Ok((body.receive(&shared.budget, &shared.limits).await?, place))
}

/// What a body gets.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// HTTP 200 and a review.
    Review(Vec<u8>),
    /// HTTP 400 and why.
    NotAReview(String),
}

/// Decides a body, and counts and logs what it got.
fn settle(phase: Phase, body: &[u8], snapshot: &Snapshot, metrics: &Metrics) -> Reply {
    let begun = Instant::now();
    let reply = guarded(phase, body, metrics, || match crate::admission::answer(phase, body, snapshot) {
        Ok(answer) => answered(phase, &answer, metrics),
        Err(problem) => Reply::NotAReview(problem),
    });
    metrics.review_duration.observe(begun.elapsed().as_secs_f64());
    reply
}

/// Runs `decide`; if that panics, the review is denied. A panic is a bug, but not one that may open the wall,
/// nor one that may break the connection of other reviews.
fn guarded(phase: Phase, body: &[u8], metrics: &Metrics, decide: impl FnOnce() -> Reply) -> Reply {
    // The snapshot is immutable and the metrics are atomics: nothing is left half-done behind an unwinding.
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
        metrics.panics.inc();
        let message = "partywall met a bug of its own while deciding, so it denies; its log says where";
        undecidable(phase, body, 500, message.to_owned(), metrics)
    })
}

/// Denies a body that is over the limit.
fn too_large(phase: Phase, start: &[u8], limit: usize, metrics: &Metrics) -> Reply {
    let message = format!(
        "the review is larger than {} MiB, so it cannot be judged; shorten the object's annotations, \
         environment or managed fields",
        limit >> 20
    );
    undecidable(phase, start, 413, message, metrics)
}

/// Denies what cannot be decided, if a uid is found to answer to.
fn undecidable(phase: Phase, start: &[u8], code: u16, message: String, metrics: &Metrics) -> Reply {
    match review::find_uid(start) {
        Some(uid) => answered(phase, &Answer { uid, verdict: Verdict::undecidable(code, message) }, metrics),
        None => Reply::NotAReview(format!("{message}; it has no uid that could be answered to")),
    }
}

/// Encodes, counts and logs an answer.
fn answered(phase: Phase, answer: &Answer, metrics: &Metrics) -> Reply {
    let reply = Reply::Review(review::encode(&answer.uid, &answer.verdict));
    metrics.count(phase, &answer.verdict);
    log(phase, answer);
    reply
}

/// One line for a denial: whose, and by which rules, but never what was in the object.
fn log(phase: Phase, Answer { uid, verdict }: &Answer) {
    let endpoint = match phase {
        Phase::Mutate => "mutate",
        Phase::Validate => "validate",
    };
    match &verdict.denial {
        Some(Denial::Forbidden) => {
            let mut rules: Vec<_> =
                verdict.violations.iter().map(|violation| violation.rule.as_str()).collect();
            rules.dedup();
            let field = verdict.violations.first().map_or("", |violation| violation.field.as_str());
            let violations = verdict.violations.len() + verdict.more();
            let rules = rules.join(",");
            info!(uid, endpoint, whose = verdict.whose, rules, violations, field, "denied");
        }
        Some(Denial::Undecidable(code, message)) => {
            // What follows a colon may quote a value of the object.
            let why = message.split(": ").next();
            info!(uid, endpoint, code, why, "denied, for it cannot be decided");
        }
        None if !verdict.exempted.is_empty() => {
            debug!(uid, endpoint, exemptions = verdict.exempted.join(","), "allowed by exemption");
        }
        None => {}
    }
}

fn respond(reply: Reply, metrics: &Metrics) -> Response {
    match reply {
        Reply::Review(review) => {
            let mut response = Response::new(Body::from(Bytes::from(review)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Reply::NotAReview(problem) => refuse(metrics, Refusal::NotAReview, &problem),
    }
}

/// Answers without a review: a plain text that says why.
fn refuse(metrics: &Metrics, refusal: Refusal, problem: &str) -> Response {
    metrics.refusals.inc(refusal);
    let mut response = Response::new(Body::from(format!("{problem}\n")));
    *response.status_mut() =
        StatusCode::from_u16(refusal.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if matches!(refusal, Refusal::TooMany | Refusal::NoPolicies) {
        // The API server asks again only if it is told when.
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Outcome, Review};

    const REVIEW: &[u8] =
        br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","object":{}}}"#;

    #[test]
    fn l14_a_panic_is_a_denial_with_the_uid_and_is_counted() {
        let metrics = Metrics::new().unwrap();
        let reply = guarded(Phase::Validate, REVIEW, &metrics, || panic!("a bug"));
        let Reply::Review(bytes) = reply else { panic!("{reply:?}") };
        let review: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(review["response"]["uid"], "u-1");
        assert_eq!(review["response"]["allowed"], false);
        assert_eq!(review["response"]["status"]["code"], 500);
        assert_eq!(metrics.panics.get(), 1);
        assert_eq!(metrics.reviews.get(Review(Phase::Validate, Outcome::Undecidable)), 1);
    }

    #[test]
    fn a_panic_over_a_body_without_uid_is_a_bad_request() {
        let metrics = Metrics::new().unwrap();
        let reply = guarded(Phase::Validate, b"{}", &metrics, || panic!("a bug"));
        assert!(matches!(reply, Reply::NotAReview(_)), "{reply:?}");
        assert_eq!(metrics.panics.get(), 1);
    }

    #[test]
    fn without_a_panic_the_reply_stands() {
        let metrics = Metrics::new().unwrap();
        let reply = || Reply::Review(b"as it is".to_vec());
        assert_eq!(guarded(Phase::Mutate, REVIEW, &metrics, reply), reply());
        assert_eq!(metrics.panics.get(), 0);
    }
}
