//! The two endpoints that the API server calls: `POST /mutate` and `POST /validate`.
//!
//! A request waits for nothing but its own body and, if that is large, for other large ones. The server never
//! redirects, and it never answers an error where it can answer a denial.
//!
//! INVARIANT: every review with a uid is answered with HTTP 200 and that uid, unless the API server does better to
//! ask again (429 and 503, both with `Retry-After`).

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::Response;
use axum::routing::post;
use partywall_core::Phase;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;
use tracing::debug;

use super::body::{Arriving, Deadline, Received, Reservation, Trouble};
use super::connection::FairQueue;
use super::decider::{Decider, Reply, bug, too_large};
use super::shared::{CloseAfter, InFlight, Shared};
use crate::telemetry::{Metrics, Refusal};

/// The state of the two endpoints.
struct Webhook<D> {
    decider: Arc<D>,
    shared: Arc<Shared>,
}

/// Serves the two endpoints; every other path is 404, every other method 405.
pub(super) fn router<D: Decider>(shared: &Arc<Shared>, decider: &Arc<D>) -> Router {
    let webhook = Arc::new(Webhook { decider: Arc::clone(decider), shared: Arc::clone(shared) });
    let endpoint = |phase| {
        let webhook = Arc::clone(&webhook);
        post(move |request| serve(phase, webhook, request))
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
async fn serve<D: Decider>(phase: Phase, webhook: Arc<Webhook<D>>, mut request: Request) -> Response {
    let Webhook { decider, shared } = &*webhook;
    let deadline = Deadline::of(request.uri().query());
    let queue = request.extensions_mut().remove::<FairQueue>();
    let mut body = Arriving::new(request.into_body(), &shared.limits, deadline, queue);
    match receive(shared, &mut body).await {
        Ok((Received::Whole(bytes, memory), _in_flight)) => {
            let reply = if bytes.len() <= shared.limits.bodies.inline_up_to {
                Ok(decider.reply(phase, &bytes, shared.observers()))
            } else {
                decide_on_blocking_thread(phase, (bytes, memory), deadline, &webhook).await
            };
            match reply {
                Ok(Some(reply)) => respond(reply, &shared.metrics),
                Ok(None) => refuse(&shared.metrics, Refusal::NoPolicies, NO_POLICIES),
                Err(WaitedTooLong) => CloseAfter::mark(refuse(&shared.metrics, Refusal::TooMany, TOO_MANY)),
            }
        }
        Ok((Received::TooLarge { start, finished }, _in_flight)) => {
            let limit = shared.limits.bodies.decided_up_to;
            let response = respond(too_large(phase, &start, limit, shared.observers()), &shared.metrics);
            if finished { response } else { CloseAfter::mark(response) }
        }
        Err(Trouble::Overload) => {
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

/// A large body waited for others until it had to give up.
struct WaitedTooLong;

/// Decides about a large body on another thread.
///
/// That takes milliseconds, in which this thread serves other connections. If the caller hangs up while the body waits,
/// the body is dropped and never decided.
async fn decide_on_blocking_thread<D: Decider>(
    phase: Phase,
    (body, memory): (Bytes, Reservation),
    deadline: Deadline,
    webhook: &Arc<Webhook<D>>,
) -> Result<Option<Reply>, WaitedTooLong> {
    let shared = &webhook.shared;
    let permit = timeout_at(deadline.give_up_at, Arc::clone(&shared.large_decisions).acquire_owned()).await;
    // The semaphore is never closed; if it were, there would be no permit.
    let permit = permit.map_err(|_| WaitedTooLong)?.map_err(|_| WaitedTooLong)?;
    let (theirs, bytes) = (Arc::clone(webhook), body.clone());
    let decided = spawn_blocking(move || {
        let reply = theirs.decider.reply(phase, &bytes, theirs.shared.observers());
        // The next large body may begin now, although this one's bytes may still be needed for a moment.
        drop((memory, permit));
        reply
    });
    Ok(match decided.await {
        Ok(reply) => reply,
        // A panic in the decision is caught there, so this is one around it.
        Err(_) => Some(bug(phase, &body, shared.observers())),
    })
}

/// Reads a body. One that delivers nothing doesn't count as a review under way.
async fn receive<'s>(shared: &'s Shared, body: &mut Arriving) -> Result<(Received, InFlight<'s>), Trouble> {
    body.begin().await?;
    let in_flight = shared.begin_review().ok_or(Trouble::Overload)?;
    Ok((body.receive(&shared.memory, &shared.limits).await?, in_flight))
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

/// Answers without a review: with a plain text that says why.
fn refuse(metrics: &Metrics, refusal: Refusal, problem: &str) -> Response {
    metrics.refusals.inc(refusal);
    let mut response = Response::new(Body::from(format!("{problem}\n")));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if matches!(refusal, Refusal::TooMany | Refusal::NoPolicies) {
        // Without this header the API server doesn't ask again.
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
