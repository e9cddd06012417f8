//! Serves HTTP on an accepted connection, over TLS on the webhook's port.
//!
//! `axum::serve` has no setting for TLS, for the time a connection may be idle, or for a drain that closes connections
//! one answer at a time.
//!
//! INVARIANT: outside of a drain, the server never closes a proven connection of the webhook's port that was idle for
//! less than [`Timings::idle`]: the API server doesn't repeat a POST that meets a closed connection.
//!
//! [`Timings::idle`]: crate::server::Timings::idle

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode, Version};
use axum::response::Response;
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tower::ServiceExt;
use tracing::debug;

use super::accept::Accepted;
use super::drain::Watcher;
use super::fair_queue::{FairQueue, ThreadQueues};
use super::handshake::shake_hands;
use super::peer_timeouts::PeerTimeouts;
use super::table::{Stage, Tracked};
use crate::server::by_peer::Peer;
use crate::server::shared::{CloseAfter, LastOfConnection, PeerAddress, Shared};

/// Reviews at once on a connection over HTTP/2: as many as Go sends before it knows the limit.
const STREAMS: u32 = 100;
/// Bytes of each body that a client may send in advance: the whole body of nearly every review.
const STREAM_WINDOW: u32 = 32 << 10;
/// Bodies up to this size arrive at once, so they need no record of their peer.
const ONE_READ: usize = 8 << 10;

/// Serves a connection of the webhook's port until it ends, or must close for others.
pub(crate) async fn serve_tls(
    accepted: Accepted,
    config: Arc<ServerConfig>,
    router: Router,
    queues: ThreadQueues,
    shared: Arc<Shared>,
    watcher: Watcher,
) {
    let Accepted { stream, peer, tracked, mut close, permit: _permit } = accepted;
    let Some(stream) = adopt(stream, peer) else { return };
    let tracked = Arc::new(tracked);
    // Dropping a connection closes its socket at once, whatever its peer does.
    tokio::select! {
        biased;
        () = speak_tls(stream, &tracked, config, router, queues, shared, watcher) => {}
        () = close.given() => debug!(%peer, "a connection was closed for others"),
    }
}

async fn speak_tls(
    stream: TcpStream,
    tracked: &Arc<Tracked>,
    config: Arc<ServerConfig>,
    router: Router,
    ThreadQueues { handshakes, chunks }: ThreadQueues,
    shared: Arc<Shared>,
    watcher: Watcher,
) {
    let Some(stream) = shake_hands(stream, config, &handshakes, tracked, &shared).await else { return };
    // ALPN names the protocol; without ALPN it is HTTP/1.1.
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    if !tracked.enter(if is_http2 { Stage::Http2 } else { Stage::Http1 }) {
        return;
    }
    // A client that presents a certificate gets this far only if the certificate was accepted.
    if stream.get_ref().1.peer_certificates().is_some() {
        tracked.prove();
    }
    let has_request = Arc::new(AtomicBool::new(false));
    let service = {
        let (has_request, tracked, shared) =
            (Arc::clone(&has_request), Arc::clone(tracked), Arc::clone(&shared));
        service_fn(move |mut request: Request<Incoming>| {
            has_request.store(true, Ordering::Relaxed);
            attach(&mut request, &chunks, tracked.peer(), shared.limits.bodies.small_up_to);
            answer(router.clone(), Arc::clone(&shared), Arc::clone(&tracked), request)
        })
    };
    let timings = &shared.limits.timings;
    let ended = if is_http2 {
        let io = TokioIo::new(PeerTimeouts::http2(stream, timings));
        let connection = http2_builder(timings.idle).serve_connection(io, service);
        watcher.watch(connection, || tracked.had_last(), http2::Connection::graceful_shutdown).await
    } else {
        let io = TokioIo::new(PeerTimeouts::http1(stream, has_request, timings));
        let connection = http1_builder(timings.idle).serve_connection(io, service);
        watcher.watch(connection, || tracked.had_last(), http1::Connection::graceful_shutdown).await
    };
    if let Err(error) = ended {
        debug!(peer = %tracked.address(), %error, "a connection ended early");
    }
}

/// Attaches to a request the queue for chunks, if its body may be large, and its peer, if the body may stall.
fn attach<B: Body>(request: &mut Request<B>, chunks: &FairQueue, peer: Peer, small_up_to: usize) {
    let most = request.body().size_hint().upper().and_then(|most| usize::try_from(most).ok());
    if most.is_none_or(|most| most > ONE_READ) {
        request.extensions_mut().insert(peer);
    }
    if most.is_none_or(|most| most > small_up_to) {
        request.extensions_mut().insert(chunks.clone());
    }
}

/// Serves a connection of the ops port until it ends, or must close for others.
pub(crate) async fn serve_plain(accepted: Accepted, router: Router, shared: Arc<Shared>) {
    let Accepted { stream, peer, tracked, mut close, permit: _permit } = accepted;
    let Some(stream) = adopt(stream, peer) else { return };
    if !tracked.enter(Stage::Http1) {
        return;
    }
    let tracked = Arc::new(tracked);
    // hyper's timer for the head suffices here, since idle connections to this port may be closed.
    let timings = &shared.limits.timings;
    let stream = PeerTimeouts::http1(stream, Arc::new(AtomicBool::new(true)), timings);
    let builder = http1_builder(timings.request_head);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer.ip()));
        answer(router.clone(), Arc::clone(&shared), Arc::clone(&tracked), request)
    });
    tokio::select! {
        biased;
        ended = builder.serve_connection(TokioIo::new(stream), service) => {
            if let Err(error) = ended {
                debug!(%peer, %error, "a connection of the ops port ended early");
            }
        }
        () = close.given() => debug!(%peer, "a connection of the ops port was closed for others"),
    }
}

/// Registers a connection with the runtime of this thread.
fn adopt(stream: std::net::TcpStream, peer: SocketAddr) -> Option<TcpStream> {
    TcpStream::from_std(stream).inspect_err(|error| debug!(%peer, %error, "a connection was lost")).ok()
}

/// Answers a request, and closes the connection if the answer says so or the server is draining.
///
/// A review that is answered proves the connection.
async fn answer(
    router: Router,
    shared: Arc<Shared>,
    tracked: Arc<Tracked>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    // HTTP/2 has no such header; a GOAWAY says the same there, at the end of the drain or after the last answer.
    let has_header = request.version() <= Version::HTTP_11;
    let mut response = router.oneshot(request).await?;
    // Only reviews get this status on the webhook's port.
    if response.status() == StatusCode::OK {
        tracked.prove();
    }
    if response.extensions().get::<LastOfConnection>().is_some() {
        tracked.note_last();
    }
    let must_close = response.extensions().get::<CloseAfter>().is_some() || shared.is_draining();
    if has_header && must_close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn http1_builder(idle: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // hyper's default of 30 s would also close idle connections, which the API server keeps for 90 s.
        .header_read_timeout(idle)
        .keep_alive(true)
        // Most reviews fit, and then are one frame that needs no copy.
        .max_buf_size(64 << 10)
        // Head and body in one buffer are one TLS record and one system call.
        .writev(false);
    builder
}

fn http2_builder(idle: Duration) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        // One connection must not be able to use up the reviews at once. Go opens another connection for more.
        .max_concurrent_streams(STREAMS)
        // A client sends a window in advance, so windows take memory outside of the pools. The connection's window
        // holds those of all streams: a body that waits for memory or in a queue doesn't stop the other streams.
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAMS * STREAM_WINDOW)
        .max_frame_size(STREAM_WINDOW)
        // Detects a peer that has vanished: it doesn't answer a ping.
        .keep_alive_interval(idle);
    builder
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use futures_util::stream;

    use super::*;

    #[test]
    fn a_body_that_may_stall_gets_its_peer_and_one_that_may_be_large_a_queue() {
        let unknown = Body::from_stream(stream::empty::<std::io::Result<Bytes>>());
        let small_up_to = 2 * ONE_READ;
        for (body, expected) in [
            (Body::empty(), (false, false)),
            (vec![0; ONE_READ].into(), (false, false)),
            (vec![0; small_up_to].into(), (true, false)),
            (vec![0; small_up_to + 1].into(), (true, true)),
            (unknown, (true, true)),
        ] {
            let mut request = Request::new(body);
            attach(&mut request, &ThreadQueues::default().chunks, Peer::UNKNOWN, small_up_to);
            let extensions = request.extensions();
            let attached = (extensions.get::<Peer>().is_some(), extensions.get::<FairQueue>().is_some());
            assert_eq!(attached, expected, "{:?}", request.body());
        }
    }
}
