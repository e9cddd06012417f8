//! From a listening socket to requests: accept, TLS, HTTP.
//!
//! This loop is our own because `axum::serve` has no knob for TLS, for the time a connection may be idle, or
//! for a drain that lets connections retire one answer at a time.
//!
//! INVARIANT: nothing that happens to one connection, nor a lack of file descriptors, ends the loop. Outside of
//! a drain, the server is never the one to close a connection of the webhook's port that was idle for less than
//! `Limits::idle`: the API server does not repeat a POST that meets a closed connection, and it dials some ahead.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use prometheus::IntGauge;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tower::ServiceExt;
use tracing::{debug, warn};

use super::fair_queue::{ThreadTurns, Turns};
use super::handshake::shake_hands;
use super::peer_timeouts::Guarded;
use crate::server::log_limits::Rated;
use crate::server::shared::{CloseAfter, Shared};

/// How long to wait when connections cannot be accepted, most likely for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Reviews at once on a connection over HTTP/2: as many as Go sends before it is told.
const STREAMS: u32 = 100;
/// Bytes of the body of each that are sent unasked: all that nearly every review has.
const STREAM_WINDOW: u32 = 32 << 10;

/// How many connections wait for being accepted, if `net.core.somaxconn` allows. tokio's 128 are too few: an API server
/// that needs 200 at once saw some of them only after a second, when it said hello again.
const BACKLOG: u32 = 4_096;

/// Listens on an address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As tokio's own `bind`: who is started again must not wait until connections of before are forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A connection, and its place among those that may be open at once.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Known to no runtime yet: it may be served by another one than the one that accepted it.
    stream: std::net::TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

/// What becomes of connections while as many are open as may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WhenFull {
    /// They wait in the system's queue.
    Wait,
    /// They are closed, so that whoever dialled can try another replica.
    Close,
}

/// Hands every connection to `serve`, `most` at once, for ever.
pub(crate) async fn accept(
    listener: TcpListener,
    most: usize,
    when_full: WhenFull,
    mut serve: impl FnMut(Accepted),
) -> Infallible {
    let (places, refused) = (Arc::new(Semaphore::new(most)), Rated::default());
    let mut is_failing = false;
    loop {
        if let WhenFull::Wait = when_full {
            // Nobody else takes places, so the one that is there now is there below.
            let _is_there = places.acquire().await;
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                is_failing = false;
                if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    match stream.into_std() {
                        Ok(stream) => serve(Accepted { stream, peer, place }),
                        Err(error) => debug!(%peer, %error, "a connection was lost"),
                    }
                } else if let Some(closed) = refused.happened() {
                    warn!(%peer, most, closed, "too many connections are open; new ones are closed");
                }
            }
            Err(error) if is_of_one_connection(&error) => debug!(%error, "a connection was lost"),
            Err(error) => {
                if !is_failing {
                    warn!(%error, "connections cannot be accepted; trying again until they can");
                }
                is_failing = true;
                sleep(BACK_OFF).await;
            }
        }
    }
}

/// Whether an error is about the connection that was to be accepted, rather than about accepting.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Makes a connection known to the runtime of this thread.
fn adopt(stream: std::net::TcpStream, peer: SocketAddr) -> Option<TcpStream> {
    TcpStream::from_std(stream).inspect_err(|error| debug!(%peer, %error, "a connection was lost")).ok()
}

/// Serves a connection of the webhook's port until it ends.
pub(crate) async fn serve_tls(
    Accepted { stream, peer, place: _place }: Accepted,
    config: Arc<ServerConfig>,
    router: Router,
    ThreadTurns { handshakes, stretches }: ThreadTurns,
    shared: Arc<Shared>,
    watcher: Watcher,
) {
    let _open = Counted::one(&shared.metrics.connections);
    let Some(stream) = adopt(stream, peer) else { return };
    let Some(stream) = shake_hands(stream, peer, config, &handshakes, &shared).await else { return };
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let (asked, shared) = (Arc::clone(&asked), Arc::clone(&shared));
        service_fn(move |mut request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            hand_turns(&mut request, &stretches, shared.limits.small);
            answer(router.clone(), Arc::clone(&shared), request)
        })
    };
    let limits = &shared.limits;
    // What ALPN agreed upon needs no sniffing; without ALPN it is HTTP/1.1.
    let ended = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        let Ok(_place) = shared.http2.try_acquire() else {
            if let Some(closed) = shared.refused_http2.happened() {
                warn!(%peer, most = limits.http2_connections, closed, "too many HTTP/2 connections are open");
            }
            return;
        };
        let io = TokioIo::new(Guarded::http2(stream, limits));
        watcher.watch(http2_builder(limits.idle).serve_connection(io, service)).await
    } else {
        let io = TokioIo::new(Guarded::http1(stream, asked, limits));
        watcher.watch(http1_builder(limits.idle).serve_connection(io, service)).await
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "a connection ended early");
    }
}

/// Lets whoever reads a body know of the turns it has to take, if it may be large: to tell others would only cost.
fn hand_turns<B: Body>(request: &mut Request<B>, stretches: &Turns, small: usize) {
    let most = request.body().size_hint().upper().and_then(|most| usize::try_from(most).ok());
    if most.is_none_or(|most| most > small) {
        request.extensions_mut().insert(stretches.clone());
    }
}

/// Serves a connection of the ops port until it ends.
pub(crate) async fn serve_plain(accepted: Accepted, router: Router, shared: Arc<Shared>) {
    let Accepted { stream, peer, place: _place } = accepted;
    let Some(stream) = adopt(stream, peer) else { return };
    // hyper's timer does for the head here: nobody minds if an idle connection to this port is closed.
    let stream = Guarded::http1(stream, Arc::new(AtomicBool::new(true)), &shared.limits);
    let builder = http1_builder(shared.limits.head);
    let service =
        service_fn(move |request: Request<Incoming>| answer(router.clone(), Arc::clone(&shared), request));
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        debug!(%peer, %error, "a connection of the ops port ended early");
    }
}

/// Something that is one of many as long as it lives.
struct Counted(IntGauge);

impl Counted {
    fn one(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Answers a request, and closes the connection after it if the answer says so or the server is draining.
async fn answer(
    router: Router,
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    // In HTTP/2 there is no such header: there, the end of the drain sends a GOAWAY.
    let has_header = request.version() <= Version::HTTP_11;
    let mut response = router.oneshot(request).await?;
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
        // hyper's default of 30 s also closes idle connections, which the API server keeps for 90 s.
        .header_read_timeout(idle)
        .keep_alive(true)
        // Most reviews fit, and then are one piece that needs no copy.
        .max_buf_size(64 << 10)
        // Head and body in one buffer are one TLS record and one system call.
        .writev(false);
    builder
}

fn http2_builder(idle: Duration) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        // One connection must not be able to take all the places there are. Go opens another one for more.
        .max_concurrent_streams(STREAMS)
        // What fits the window is sent unasked, so it is memory outside of the budget. All streams' windows fit into
        // their connection's: bodies that are not read, since they wait for room or their turn, hold up no other.
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(STREAMS * STREAM_WINDOW)
        .max_frame_size(STREAM_WINDOW)
        // A peer that is gone without a word does not answer a ping.
        .keep_alive_interval(idle);
    builder
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use futures_util::stream;

    use super::*;

    #[test]
    fn who_may_send_a_large_body_is_told_of_turns() {
        let unknown = Body::from_stream(stream::empty::<io::Result<Bytes>>());
        for (body, is_told) in [
            (Body::empty(), false),
            (vec![0; 100].into(), false),
            (vec![0; 101].into(), true),
            (unknown, true),
        ] {
            let mut request = Request::new(body);
            hand_turns(&mut request, &ThreadTurns::default().stretches, 100);
            assert_eq!(request.extensions().get::<Turns>().is_some(), is_told, "{:?}", request.body());
        }
    }
}
