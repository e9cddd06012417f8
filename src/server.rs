//! The webhook server: TLS, HTTP, limits, the drain, and the ops port.
//!
//! ```text
//! TcpListener → connection: accept → threads → handshake → webhook → body: receive → decider → answer
//!                                                                      policies' store (a snapshot) ┘
//! ```
//!
//! The server doesn't know where policies come from: a [`Writer`](crate::policies::Writer) puts a snapshot into the
//! store, and requests read it. The server decides nothing itself. A request waits for its own body only, and a large
//! one also for other large ones.
//!
//! INVARIANT: the memory for bodies is limited, whatever clients send, to twice the pools of [`BodyLimits`] and one
//! more body in each of them. Besides, each connection, whose number is limited too, buffers what it accepts in
//! advance: 64 KiB over HTTP/1.1, and over HTTP/2 3 MiB and as much again that waits for a reservation. From the first
//! to the last connection, the server answers every review that it has read.

mod body;
mod by_peer;
mod capacity;
mod certificates;
mod connection;
mod decider;
mod decision_log;
mod limits;
mod log_filter;
mod ops;
mod readiness;
mod shared;
mod unknown;
mod waiting;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use self::capacity::Capacities;
pub use self::certificates::{Certificates, CertificatesError, Clients, Pair};
pub(crate) use self::connection::limits_within_descriptors;
use self::connection::{ConnectionTable, Drain, Protocol};
pub use self::connection::{Workers, bind, lower_priority};
pub use self::decider::{Decider, Observers, Reply};
use self::decision_log::DecisionThrottles;
pub use self::limits::{BodyLimits, ConnectionLimits, Limits, StageLimits, Timings};
pub use self::readiness::{Readiness, Unready};
use self::shared::Shared;
use crate::telemetry::{LogFilter, LogThrottle, Metrics, Traces};

/// How many violations and denials are logged in a second: more than honest tenants cause.
const VIOLATIONS_PER_SECOND: u32 = 100;

/// The sockets that the server listens on.
#[derive(Debug)]
pub struct Listeners {
    /// For the API server, in TLS.
    pub webhook: TcpListener,
    /// For the kubelet and Prometheus, in plain HTTP.
    pub ops: TcpListener,
}

/// The parts that the server is made of.
#[derive(Debug)]
pub struct Parts<D> {
    /// Decides reviews.
    pub decider: D,
    /// The serving certificate, and the CA of clients.
    pub certificates: Certificates,
    /// The figures.
    pub metrics: Arc<Metrics>,
    /// The limits.
    pub limits: Limits,
    /// The threads that serve the webhook's connections.
    pub workers: Workers,
    /// What must hold before the server is ready, beside that it has policies.
    pub readiness: Readiness,
    /// The filter of the log, which the ops port shows and changes.
    pub log_filter: Option<LogFilter>,
    /// What takes the spans of reviews, if they are sent to a collector.
    pub traces: Option<Traces>,
}

/// Serves until `shutdown` is ready; its value is how long to drain.
///
/// During the drain the server is not ready but goes on serving, since clients take a while to stop sending new
/// connections, and it closes every HTTP/1.1 connection after its next answer. Then it tells all others to finish.
pub async fn run<D: Decider>(
    listeners: Listeners,
    parts: Parts<D>,
    shutdown: impl Future<Output = Duration>,
) {
    let Parts { decider, certificates, metrics, limits, workers, readiness, log_filter, traces } = parts;
    let shared = Arc::new(Shared {
        capacities: Capacities::new(&limits, workers.count()),
        is_draining: AtomicBool::new(false),
        failed_handshakes: LogThrottle::one_in_ten_seconds(),
        decisions: DecisionThrottles::new(VIOLATIONS_PER_SECOND),
        metrics,
        limits,
        readiness,
        traces,
    });
    let decider = Arc::new(decider);
    let connections = Drain::default();
    let router = webhook::router(&shared, &decider);
    let open = Some(shared.metrics.connections.clone());
    let table = ConnectionTable::new(limits.connections.webhook, &shared.metrics, open);
    let serve = |accepted| {
        let (router, shared) = (router.clone(), Arc::clone(&shared));
        let config = certificates.current();
        workers.serve(|queues| {
            connection::serve_tls(accepted, config, router, queues, shared, connections.watcher())
        });
    };
    let silent = |peer| connection::note_silence(peer, &shared);
    let webhook =
        connection::accept(listeners.webhook, table, Protocol::Tls, limits.timings.silence, serve, silent);
    let router = ops::router(&shared, &decider, log_filter);
    let table = ConnectionTable::new(limits.connections.ops, &shared.metrics, None);
    let serve = |accepted| {
        tokio::spawn(connection::serve_plain(accepted, router.clone(), Arc::clone(&shared)));
    };
    let ops =
        connection::accept(listeners.ops, table, Protocol::Http, limits.timings.request_head, serve, |_| {});
    tokio::pin!(ops);
    let drained = async {
        let time = shutdown.await;
        shared.is_draining.store(true, Ordering::Relaxed);
        info!(seconds = time.as_secs(), "draining: not ready any more, still serving");
        sleep(time).await;
    };
    // The end of this block closes the listener of the webhook; the ops port stays open.
    tokio::select! {
        never = webhook => match never {},
        never = &mut ops => match never {},
        never = certificates.watch(limits.timings.certificates_interval, &shared.metrics) => match never {},
        () = drained => {}
    }
    let most = limits.timings.shutdown;
    tokio::select! {
        never = &mut ops => match never {},
        in_time = timeout(most, connections.finish()) => match in_time {
            Ok(()) => info!("stopped; every review was answered"),
            Err(_) => warn!(seconds = most.as_secs(), "stopped, with connections still open"),
        }
    }
}
