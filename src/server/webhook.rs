//! The two endpoints the API server calls: `POST /mutate` and `POST /validate`.
//!
//! A request becomes bytes, the bytes a verdict, the verdict bytes. Nothing here waits for anything but the
//! body, and a large one for its turn; it never redirects, and it never answers an error where a denial can be answered.
//!
//! INVARIANT: whatever has a uid is answered with HTTP 200 and that uid, unless the API server can do better by
//! asking again (429 and 503, both with `Retry-After`).

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use partywall_core::Phase;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;
use tracing::debug;

use super::body::{Arriving, Deadline, Received, Room, Trouble};
use super::connection::Turns;
use super::judge::{Reply, bug, too_large};
use super::shared::{CloseAfter, Place, Shared};
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
async fn serve(phase: Phase, shared: Arc<Shared>, mut request: Request) -> Response {
    let deadline = Deadline::of(request.uri().query());
    let turns = request.extensions_mut().remove::<Turns>();
    let mut body = Arriving::new(request.into_body(), &shared.limits, deadline, turns);
    match receive(&shared, &mut body).await {
        Ok((Received::Whole(bytes, room), _place)) => {
            let reply = if bytes.len() <= shared.limits.at_once {
                Ok(shared.judge.reply(phase, &bytes, shared.told()))
            } else {
                aside(phase, (bytes, room), deadline, &shared).await
            };
            match reply {
                Ok(Some(reply)) => respond(reply, &shared.metrics),
                Ok(None) => refuse(&shared.metrics, Refusal::NoPolicies, NO_POLICIES),
                Err(NoTurn) => CloseAfter::mark(refuse(&shared.metrics, Refusal::TooMany, TOO_MANY)),
            }
        }
        Ok((Received::TooLarge { start, finished }, _place)) => {
            let reply = too_large(phase, &start, shared.limits.body, shared.told());
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

/// It was not a large body's turn in time.
struct NoTurn;

/// Decides a large body on another thread: it takes milliseconds, in which this one serves other connections. Of a
/// caller that hangs up before it is its turn, nothing is kept and nothing decided.
async fn aside(
    phase: Phase,
    (body, room): (Bytes, Room),
    deadline: Deadline,
    shared: &Arc<Shared>,
) -> Result<Option<Reply>, NoTurn> {
    let turn = timeout_at(deadline.patience, Arc::clone(&shared.large).acquire_owned()).await;
    // The semaphore is never closed; were it, there would be no turn.
    let turn = turn.map_err(|_| NoTurn)?.map_err(|_| NoTurn)?;
    let (theirs, bytes) = (Arc::clone(shared), body.clone());
    let decided = spawn_blocking(move || {
        let reply = theirs.judge.reply(phase, &bytes, theirs.told());
        // Once it is decided there is room for the next one, though somebody may still look at the bytes.
        drop((room, turn));
        reply
    });
    Ok(match decided.await {
        Ok(reply) => reply,
        // What panics in a decision is caught there, so this is a panic around it.
        Err(_) => Some(bug(phase, &body, shared.told())),
    })
}

/// Reads a body. One that brings nothing takes no place from those that do.
async fn receive<'s>(shared: &'s Shared, body: &mut Arriving) -> Result<(Received, Place<'s>), Trouble> {
    body.begin().await?;
    let place = shared.enter().ok_or(Trouble::NoRoom)?;
    Ok((body.receive(&shared.budget, &shared.limits).await?, place))
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
