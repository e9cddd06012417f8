//! Accepts connections and serves HTTP on them, over TLS on the webhook's port.
//!
//! `axum::serve` has no setting for TLS, for the time a connection may be idle, or for a drain that closes connections
//! one answer at a time, so the loop is here.
//!
//! INVARIANT: no error of one connection, and no lack of file descriptors, ends the loop. Outside of a drain, the
//! server never closes a connection of the webhook's port that was idle for less than [`Timings::idle`]: the API server
//! doesn't repeat a POST that meets a closed connection, and it opens connections in advance.
//!
//! [`Timings::idle`]: crate::server::Timings::idle

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

use super::fair_queue::{FairQueue, ThreadQueues};
use super::handshake::shake_hands;
use super::peer_timeouts::PeerTimeouts;
use crate::server::log_limits::LogThrottle;
use crate::server::shared::{CloseAfter, Shared};

/// How long to wait when connections cannot be accepted, most likely for lack of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Reviews at once on a connection over HTTP/2: as many as Go sends before it knows the limit.
const STREAMS: u32 = 100;
/// Bytes of each body that a client may send in advance: the whole body of nearly every review.
const STREAM_WINDOW: u32 = 32 << 10;

/// How many connections may wait to be accepted, if `net.core.somaxconn` allows.
///
/// tokio's 128 are too few: of an API
/// server that opened 200 at once, some were accepted only a second later, when it repeated its SYN.
const BACKLOG: u32 = 4_096;

/// Listens on an address.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As tokio's `bind` does it: a restart must not wait for the TIME_WAIT of old connections.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A connection, and its permit to be open.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Registered with no runtime yet: another one than the accepting one may serve it.
    stream: std::net::TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
}

/// How to treat new connections while the limit is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WhenFull {
    /// Leave them in the backlog of the kernel.
    Wait,
    /// Close them, so that the client can try another replica.
    Close,
}

/// Passes every connection to `serve`, at most `most` at once, for ever.
pub(crate) async fn accept(
    listener: TcpListener,
    most: usize,
    when_full: WhenFull,
    mut serve: impl FnMut(Accepted),
) -> Infallible {
    let (permits, refused) = (Arc::new(Semaphore::new(most)), LogThrottle::one_in_ten_seconds());
    let mut is_failing = false;
    loop {
        if let WhenFull::Wait = when_full {
            // Only this loop takes permits, so a permit that is free now is free below.
            let _is_free = permits.acquire().await;
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                is_failing = false;
                if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
                    match stream.into_std() {
                        Ok(stream) => serve(Accepted { stream, peer, permit }),
                        Err(error) => debug!(%peer, %error, "a connection was lost"),
                    }
                } else if let Some(left_out) = refused.event() {
                    let closed = left_out + 1;
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

/// Returns whether an error concerns one connection only, and not the listening socket.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Registers a connection with the runtime of this thread.
fn adopt(stream: std::net::TcpStream, peer: SocketAddr) -> Option<TcpStream> {
    TcpStream::from_std(stream).inspect_err(|error| debug!(%peer, %error, "a connection was lost")).ok()
}

/// Serves a connection of the webhook's port until it ends.
pub(crate) async fn serve_tls(
    Accepted { stream, peer, permit: _permit }: Accepted,
    config: Arc<ServerConfig>,
    router: Router,
    ThreadQueues { handshakes, chunks }: ThreadQueues,
    shared: Arc<Shared>,
    watcher: Watcher,
) {
    let _open = Counted::one(&shared.metrics.connections);
    let Some(stream) = adopt(stream, peer) else { return };
    let Some(stream) = shake_hands(stream, peer, config, &handshakes, &shared).await else { return };
    let has_request = Arc::new(AtomicBool::new(false));
    let service = {
        let (has_request, shared) = (Arc::clone(&has_request), Arc::clone(&shared));
        service_fn(move |mut request: Request<Incoming>| {
            has_request.store(true, Ordering::Relaxed);
            attach_queue(&mut request, &chunks, shared.limits.bodies.small_up_to);
            answer(router.clone(), Arc::clone(&shared), request)
        })
    };
    let limits = &shared.limits;
    // ALPN names the protocol; without ALPN it is HTTP/1.1.
    let ended = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        let Ok(_permit) = shared.http2.try_acquire() else {
            if let Some(left_out) = shared.refused_http2.event() {
                let (most, closed) = (limits.connections.webhook_http2, left_out + 1);
                warn!(%peer, most, closed, "too many HTTP/2 connections are open");
            }
            return;
        };
        let io = TokioIo::new(PeerTimeouts::http2(stream, &limits.timings));
        watcher.watch(http2_builder(limits.timings.idle).serve_connection(io, service)).await
    } else {
        let io = TokioIo::new(PeerTimeouts::http1(stream, has_request, &limits.timings));
        watcher.watch(http1_builder(limits.timings.idle).serve_connection(io, service)).await
    };
    if let Err(error) = ended {
        debug!(%peer, %error, "a connection ended early");
    }
}

/// Attaches the queue for chunks to a request, if its body may be large.
fn attach_queue<B: Body>(request: &mut Request<B>, chunks: &FairQueue, small_up_to: usize) {
    let most = request.body().size_hint().upper().and_then(|most| usize::try_from(most).ok());
    if most.is_none_or(|most| most > small_up_to) {
        request.extensions_mut().insert(chunks.clone());
    }
}

/// Serves a connection of the ops port until it ends.
pub(crate) async fn serve_plain(accepted: Accepted, router: Router, shared: Arc<Shared>) {
    let Accepted { stream, peer, permit: _permit } = accepted;
    let Some(stream) = adopt(stream, peer) else { return };
    // hyper's timer for the head suffices here, since idle connections to this port may be closed.
    let timings = &shared.limits.timings;
    let stream = PeerTimeouts::http1(stream, Arc::new(AtomicBool::new(true)), timings);
    let builder = http1_builder(timings.request_head);
    let service =
        service_fn(move |request: Request<Incoming>| answer(router.clone(), Arc::clone(&shared), request));
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        debug!(%peer, %error, "a connection of the ops port ended early");
    }
}

/// Counts one in a gauge until it is dropped.
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

/// Answers a request, and closes the connection if the answer says so or the server is draining.
async fn answer(
    router: Router,
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    // HTTP/2 has no such header; the end of the drain sends a GOAWAY there.
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
    fn a_body_that_may_be_large_gets_a_queue() {
        let unknown = Body::from_stream(stream::empty::<io::Result<Bytes>>());
        for (body, is_attached) in [
            (Body::empty(), false),
            (vec![0; 100].into(), false),
            (vec![0; 101].into(), true),
            (unknown, true),
        ] {
            let mut request = Request::new(body);
            attach_queue(&mut request, &ThreadQueues::default().chunks, 100);
            assert_eq!(
                request.extensions().get::<FairQueue>().is_some(),
                is_attached,
                "{:?}",
                request.body()
            );
        }
    }
}
