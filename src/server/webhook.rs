//! Serves the two endpoints that the API server calls: `POST /mutate` and `POST /validate`.
//!
//! A request with a small body waits only for that body and for memory to hold it; one with a larger body also waits
//! for other larger bodies. The server never redirects a request. Where it can deny a review, it does not answer with
//! an HTTP error.
//!
//! INVARIANT: every review with a uid is answered with HTTP 200 and that uid, unless the API server does better to
//! ask again (429 and 503, both with `Retry-After`). An entry without which the API server goes on is always answered.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::Response;
use axum::routing::post;
use partywall_core::Entry;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;
use tracing::debug;

use super::body::{Arriving, Deadline, Received, Reservation, Trouble};
use super::capacity::InFlight;
use super::connection::FairQueue;
use super::decider::{Decider, Reply, bug, too_large, unjudged};
use super::shared::{CloseAfter, LastOfConnection, Shared};
use super::waiting;
use crate::telemetry::{Metrics, Refusal, Sampled};

/// The state of all entries.
struct Webhook<D> {
    decider: Arc<D>,
    shared: Arc<Shared>,
}

/// Serves all entries; every other path is 404, every other method 405.
pub(super) fn router<D: Decider>(shared: &Arc<Shared>, decider: &Arc<D>) -> Router {
    let webhook = Arc::new(Webhook { decider: Arc::clone(decider), shared: Arc::clone(shared) });
    let endpoint = |entry| {
        let webhook = Arc::clone(&webhook);
        post(move |request| serve(entry, webhook, request))
    };
    let (no_path, no_post) = (Arc::clone(shared), Arc::clone(shared));
    let all = Entry::ALL.into_iter();
    all.fold(Router::new(), |router, entry| router.route(entry.path(), endpoint(entry)))
        .fallback(async move || refuse(&no_path.metrics, Refusal::NoSuchPath, NO_SUCH_PATH))
        .method_not_allowed_fallback(async move || refuse(&no_post.metrics, Refusal::NotPost, NOT_POST))
}

const NO_SUCH_PATH: &str =
    "nothing is served here; POST an AdmissionReview to a path that `partywall manifests webhooks` prints";
const NOT_POST: &str = "only POST is served here, with an AdmissionReview as the body";
const NO_POLICIES: &str = "no policies are loaded yet; ask again in a second";
const TOO_MANY: &str = "too many reviews are under way; ask again in a second";
const TOO_SLOW: &str = "the body stalled, or did not arrive before the API server's timeout";

/// Answers one request.
async fn serve<D: Decider>(entry: Entry, webhook: Arc<Webhook<D>>, mut request: Request) -> Response {
    let Webhook { decider, shared } = &*webhook;
    let deadline = Deadline::of(request.uri().query());
    let sampled = shared.sampled(request.headers());
    let (queue, peer) = (request.extensions_mut().remove::<FairQueue>(), request.extensions_mut().remove());
    let mut body = Arriving::new(request.into_body(), &shared.limits, deadline, queue).sent_by(peer);
    match receive(entry, shared, &mut body).await {
        Ok((Received::Whole(bytes, memory), _in_flight)) => {
            // An object of partywall is judged among all others, of which there may be thousands.
            let is_quick =
                bytes.len() <= shared.limits.bodies.inline_up_to && entry != Entry::ValidatePolicies;
            let mut reply = if is_quick {
                Ok(decider.reply(entry, &bytes, shared.observers(sampled)))
            } else {
                decide_on_blocking_thread(entry, (bytes.clone(), memory, sampled), deadline, &webhook).await
            };
            if let Ok(Some(Reply::Unknown)) = reply {
                reply =
                    Ok(waiting::decide(&**decider, (entry, &bytes), deadline, shared.observers(sampled))
                        .await);
            }
            match reply {
                Ok(Some(reply)) => respond(reply, &shared.metrics),
                Ok(None) => {
                    go_on_or_refuse(entry, &bytes, Refusal::NoPolicies, NO_POLICIES, (shared, sampled))
                }
                Err(WaitedTooLong) => CloseAfter::mark(go_on_or_refuse(
                    entry,
                    &bytes,
                    Refusal::TooMany,
                    TOO_MANY,
                    (shared, sampled),
                )),
            }
        }
        Ok((Received::TooLarge { start, finished }, _in_flight)) => {
            let limit = shared.limits.bodies.decided_up_to;
            let response = respond(
                too_large(entry, &start, limit, shared.observers(sampled), |asked| {
                    decider.enforcement(asked)
                }),
                &shared.metrics,
            );
            if finished { response } else { CloseAfter::mark(response) }
        }
        Err(Trouble::Overload) => {
            body.discard_all(&shared.limits).await;
            // Closing the connection lets the next attempt reach another replica.
            let response = go_on_or_refuse(entry, body.head(), Refusal::TooMany, TOO_MANY, (shared, sampled));
            CloseAfter::mark(response)
        }
        Err(Trouble::TooSlow) => {
            let response = go_on_or_refuse(entry, body.head(), Refusal::TooSlow, TOO_SLOW, (shared, sampled));
            CloseAfter::mark(response)
        }
        Err(Trouble::Broken(error)) => {
            debug!(%error, "a body could not be read");
            let problem = format!("the body cannot be read: {error}");
            CloseAfter::mark(refuse(&shared.metrics, Refusal::NotAReview, &problem))
        }
    }
}

/// Allows a review that cannot be judged now, if the API server would go on anyway, and refuses it otherwise.
fn go_on_or_refuse(
    entry: Entry,
    start: &[u8],
    refusal: Refusal,
    problem: &str,
    (shared, sampled): (&Shared, Option<Sampled>),
) -> Response {
    match unjudged(entry, start, problem, shared.observers(sampled)) {
        Some(reply) => respond(reply, &shared.metrics),
        None => refuse(&shared.metrics, refusal, problem),
    }
}

/// A large body waited for others until it had to give up.
struct WaitedTooLong;

/// Decides about a large body, or an object of partywall, on another thread. A large body does not wait for what is
/// unknown.
///
/// The decision takes milliseconds, in which this thread serves other connections. If the caller closes the connection
/// while the body waits for its permit, the body is dropped and never decided.
async fn decide_on_blocking_thread<D: Decider>(
    entry: Entry,
    (body, memory, sampled): (Bytes, Reservation, Option<Sampled>),
    deadline: Deadline,
    webhook: &Arc<Webhook<D>>,
) -> Result<Option<Reply>, WaitedTooLong> {
    let shared = &webhook.shared;
    let permits = Arc::clone(&shared.capacities.of(entry).large_decisions);
    let permit = timeout_at(deadline.give_up_at, permits.acquire_owned()).await;
    // The semaphore is never closed; if it were, there would be no permit.
    let permit = permit.map_err(|_| WaitedTooLong)?.map_err(|_| WaitedTooLong)?;
    let (theirs, bytes) = (Arc::clone(webhook), body.clone());
    let decided = spawn_blocking(move || {
        let Webhook { decider, shared } = &*theirs;
        let reply = if bytes.len() > shared.limits.bodies.inline_up_to {
            decider.reply_at_last(entry, &bytes, shared.observers(sampled))
        } else {
            decider.reply(entry, &bytes, shared.observers(sampled))
        };
        // The next large body may begin now, although this one's bytes may still be needed for a moment.
        drop((memory, permit));
        reply
    });
    Ok(match decided.await {
        Ok(reply) => reply,
        // A panic in the decision is caught there, so this is one around it.
        Err(_) => {
            Some(bug(entry, &body, shared.observers(sampled), |asked| webhook.decider.enforcement(asked)))
        }
    })
}

/// Reads a body. One that delivers nothing doesn't count as a review under way.
async fn receive<'s>(
    entry: Entry,
    shared: &'s Shared,
    body: &mut Arriving,
) -> Result<(Received, InFlight<'s>), Trouble> {
    body.begin(entry.goes_on_without_answer()).await?;
    let capacity = shared.capacities.of(entry);
    let in_flight = capacity.begin_review(&shared.metrics.in_flight).ok_or(Trouble::Overload)?;
    Ok((body.receive(&capacity.memory, &shared.limits).await?, in_flight))
}

fn respond(reply: Reply, metrics: &Metrics) -> Response {
    match reply {
        Reply::Review(review) => {
            let mut response = Response::new(Body::from(Bytes::from(review)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Reply::LastReview(review) => LastOfConnection::mark(respond(Reply::Review(review), metrics)),
        Reply::NotAReview(problem) => refuse(metrics, Refusal::NotAReview, &problem),
        // INVARIANT: at last there is another reply. If there were none, the API server should ask again.
        Reply::Unknown => refuse(metrics, Refusal::NoPolicies, NO_POLICIES),
    }
}

/// Answers with an HTTP error and a plain text that says why.
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
