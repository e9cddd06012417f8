//! From a listening socket to requests: accept, TLS, HTTP.
//!
//! This loop is our own because `axum::serve` has no knob for TLS, for the time a connection may be idle, or
//! for a drain that lets connections retire one answer at a time.
//!
//! INVARIANT: nothing that happens to one connection, nor a lack of file descriptors, ends the loop. Outside of
//! a drain, the server is never the one to close a connection that was idle for less than `Limits::idle`: the
//! API server does not repeat a POST that meets a closed connection.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;
use tracing::{debug, warn};

use super::limits::Limits;
use super::{CloseAfter, Shared};

/// How long to wait when connections cannot be accepted, most likely for want of file descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Hands every connection to `serve`, for ever.
pub(super) async fn accept(listener: TcpListener, mut serve: impl FnMut(TcpStream)) -> Infallible {
    let mut is_failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                is_failing = false;
                serve(stream);
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

/// Serves a connection of the webhook's port until it ends.
pub(super) async fn serve_tls(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    router: Router,
    shared: Arc<Shared>,
    watcher: Watcher,
) {
    let Some(stream) = shake_hands(stream, config, &shared.limits).await else { return };
    // What ALPN agreed upon needs no sniffing; without ALPN it is HTTP/1.1.
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let idle = shared.limits.idle;
    let service =
        service_fn(move |request: Request<Incoming>| answer(router.clone(), Arc::clone(&shared), request));
    let ended = if is_http2 {
        watcher.watch(http2_builder(idle).serve_connection(io, service)).await
    } else {
        watcher.watch(http1_builder(idle).serve_connection(io, service)).await
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}

/// Serves a connection of the ops port until it ends.
pub(super) async fn serve_plain(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    let idle = shared.limits.idle;
    let service =
        service_fn(move |request: Request<Incoming>| answer(router.clone(), Arc::clone(&shared), request));
    if let Err(error) = http1_builder(idle).serve_connection(TokioIo::new(stream), service).await {
        debug!(%error, "a connection of the ops port ended early");
    }
}

async fn shake_hands(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    limits: &Limits,
) -> Option<TlsStream<TcpStream>> {
    // An answer is one write; waiting for more of it would only delay it.
    let _is_only_slower = stream.set_nodelay(true);
    match timeout(limits.handshake, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        // The peer spoke TLS and did not like it, or was not liked: most often a caBundle or a client
        // certificate that does not belong here, and then no review at all gets through.
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            warn!(%error, "a TLS handshake failed");
            None
        }
        Ok(Err(error)) => {
            debug!(%error, "a connection ended before it was secured");
            None
        }
        Err(_) => {
            debug!("a TLS handshake took too long");
            None
        }
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
        .max_buf_size(128 << 10)
        // Head and body in one buffer are one TLS record and one system call.
        .writev(false);
    builder
}

fn http2_builder(idle: Duration) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(1_000)
        // hyper's windows of 1 MiB would stall a body of 3 MiB twice.
        .initial_stream_window_size(8 << 20)
        .initial_connection_window_size(16 << 20)
        .max_frame_size(64 << 10)
        // A peer that is gone without a word does not answer a ping.
        .keep_alive_interval(idle);
    builder
}
