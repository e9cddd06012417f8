//! The webhook server: TLS, HTTP, limits, the drain, and the operator's port.
//!
//! ```text
//! TcpListener → workers: connections → tls → webhook: body → deadline → judge: answer → connections
//!                                                      store (a snapshot, written by whoever loads it) ┘
//! ```
//!
//! It knows nothing of where policies come from: a [`Writer`](crate::policies::Writer) puts a snapshot into the store, and requests read
//! it. It must never decide anything itself, nor let a request wait for anything but its own body, or with a
//! large one for its turn among those.
//!
//! INVARIANT: what is kept of bodies is bounded by `Limits::held`, `Limits::held_medium`, `Limits::held_small` and one body
//! of each of these kinds, whatever is sent.
//! Besides, each of the connections, which are bounded too, has a buffer for what was not asked for yet: 64 KiB
//! over HTTP/1.1, over HTTP/2 3 MiB and as much again of what waits to be kept. From the first to the last connection, a
//! review that was read is answered.

mod body;
mod certificates;
mod connection;
mod judge;
mod limits;
mod log_limits;
mod ops;
mod shared;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use self::body::Budget;
pub use self::certificates::{Certificates, CertificatesError, Pair};
use self::connection::WhenFull;
pub(crate) use self::connection::limits;
pub use self::connection::{Workers, bind, step_back};
pub use self::judge::Judge;
pub use self::limits::Limits;
use self::log_limits::{Burst, Rated};
use self::shared::Shared;
use crate::telemetry::Metrics;

/// How many denials a second have a line in the log: enough for every honest one.
const DENIALS: u32 = 100;

/// Where the server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For the API server, in TLS.
    pub webhook: TcpListener,
    /// For the kubelet and Prometheus, in plain HTTP.
    pub ops: TcpListener,
}

/// What the server works with.
#[derive(Debug)]
pub struct Parts {
    /// What reviews are decided by.
    pub judge: Judge,
    /// What the server proves itself with.
    pub certificates: Certificates,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How much is taken on.
    pub limits: Limits,
    /// What serves the webhook's connections.
    pub workers: Workers,
}

/// Serves until `shutdown` is ready; its value is how long to drain.
///
/// While it drains, the server is not ready, but goes on serving: it takes a while until nobody sends new
/// connections, and every HTTP/1.1 connection retires after an answer. Then all others are told to finish.
pub async fn run(listeners: Listeners, parts: Parts, shutdown: impl Future<Output = Duration>) {
    let Parts { judge, certificates, metrics, limits, workers } = parts;
    let shared = Arc::new(Shared {
        budget: Budget::new(&limits),
        in_flight: AtomicUsize::new(0),
        is_draining: AtomicBool::new(false),
        http2: Semaphore::new(limits.http2_connections),
        large: Arc::new(Semaphore::new(workers.count())),
        refused_http2: Rated::default(),
        failed_handshakes: Rated::default(),
        denials: Burst::new(DENIALS),
        judge,
        metrics,
        limits,
    });
    let connections = GracefulShutdown::new();
    let webhook = webhook::router(&shared);
    let webhook = connection::accept(listeners.webhook, limits.connections, WhenFull::Close, |accepted| {
        let (router, shared) = (webhook.clone(), Arc::clone(&shared));
        let config = certificates.current();
        workers.serve(|turns| {
            connection::serve_tls(accepted, config, router, turns, shared, connections.watcher())
        });
    });
    let ops = ops::router(&shared);
    let ops = connection::accept(listeners.ops, limits.ops_connections, WhenFull::Wait, |accepted| {
        tokio::spawn(connection::serve_plain(accepted, ops.clone(), Arc::clone(&shared)));
    });
    tokio::pin!(ops);
    let drained = async {
        let time = shutdown.await;
        shared.is_draining.store(true, Ordering::Relaxed);
        info!(seconds = time.as_secs(), "draining: not ready any more, still serving");
        sleep(time).await;
    };
    // The listener of the webhook is closed at the end of this block, that of the ops port goes on.
    tokio::select! {
        never = webhook => match never {},
        never = &mut ops => match never {},
        never = certificates.watch(limits.certificates_every, &shared.metrics) => match never {},
        () = drained => {}
    }
    tokio::select! {
        never = &mut ops => match never {},
        in_time = timeout(limits.grace, connections.shutdown()) => match in_time {
            Ok(()) => info!("stopped; every review was answered"),
            Err(_) => warn!(seconds = limits.grace.as_secs(), "stopped, with connections still open"),
        }
    }
}
