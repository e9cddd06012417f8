//! Forwards connections to one address to the backends that are ready, as kube-proxy does for a Service.
//!
//! Every new connection goes to the next backend. Open connections stay where they are when the list changes. Without
//! a backend, a connection is reset at once.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::http;
use crate::partywall::Instance;

/// The number of failed probes in a row after which a backend is removed: the default of a kubelet.
const FAILURES: u32 = 3;
/// The time between two readiness probes of a backend.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// A forwarder of TCP connections.
pub(crate) struct Balancer {
    address: SocketAddr,
    runtime: Handle,
    backends: Arc<Mutex<Vec<SocketAddr>>>,
    probes: Mutex<JoinSet<()>>,
    /// Ends with the balancer.
    _accepting: JoinSet<()>,
}

impl Balancer {
    /// Starts one without backends.
    pub(crate) fn start(runtime: &Handle) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let backends = Arc::default();
        let mut accepting = JoinSet::new();
        accepting.spawn_on(accept(listener, Arc::clone(&backends)), runtime);
        Self { address, runtime: runtime.clone(), backends, probes: Mutex::default(), _accepting: accepting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections go to these from now on, ready or not.
    pub(crate) fn set_backends(&self, backends: Vec<SocketAddr>) {
        self.stop_probes();
        *lock(&self.backends) = backends;
    }

    /// New connections go to those of these instances that are ready, as a kubelet's probes see them.
    pub(crate) fn watch<'a>(&self, instances: impl IntoIterator<Item = &'a Instance>) {
        self.stop_probes();
        let instances: Vec<&Instance> = instances.into_iter().collect();
        // Those that serve already go on serving.
        lock(&self.backends).retain(|backend| instances.iter().any(|instance| instance.webhook == *backend));
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        for instance in instances {
            let probe = probe(instance.webhook, instance.ops, Arc::clone(&self.backends));
            probes.spawn_on(probe, &self.runtime);
        }
    }

    /// Returns the backends of new connections.
    pub(crate) fn backends(&self) -> Vec<SocketAddr> {
        lock(&self.backends).clone()
    }

    fn stop_probes(&self) {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        // Waits for them, so that none puts its backend back afterwards.
        self.runtime.block_on(probes.shutdown());
    }
}

fn lock(backends: &Mutex<Vec<SocketAddr>>) -> MutexGuard<'_, Vec<SocketAddr>> {
    backends.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, backends: Arc<Mutex<Vec<SocketAddr>>>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        // The client may close a connection before it is accepted.
        let Ok((client, _)) = listener.accept().await else { continue };
        let backend = next(&mut lock(&backends));
        connections.spawn(async move {
            // The client sees how it ends.
            let _how_it_ends = forward(client, backend).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// The first in the list, which becomes the last.
fn next(backends: &mut [SocketAddr]) -> Option<SocketAddr> {
    let chosen = backends.first().copied();
    if chosen.is_some() {
        backends.rotate_left(1);
    }
    chosen
}

async fn forward(mut client: TcpStream, backend: Option<SocketAddr>) -> io::Result<()> {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let server = match backend {
        Some(backend) => TcpStream::connect(backend).await,
        None => Err(refused()),
    };
    let Ok(mut server) = server else {
        // Closes it with a reset, as the kernel answers on a port without a listener.
        client.set_zero_linger()?;
        return Err(refused());
    };
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

async fn probe(webhook: SocketAddr, ops: SocketAddr, backends: Arc<Mutex<Vec<SocketAddr>>>) {
    let mut ticks = interval(PROBE_EVERY);
    let mut failures = 0;
    loop {
        ticks.tick().await;
        let answer = http::get(ops, "/readyz").await;
        let is_ready = matches!(answer, Ok((StatusCode::OK, _)));
        // An answer that it is not ready counts at once; a missing answer may only have been slow.
        failures = if is_ready { 0 } else { failures + if answer.is_ok() { FAILURES } else { 1 } };
        let mut backends = lock(&backends);
        if failures >= FAILURES {
            backends.retain(|backend| *backend != webhook);
        } else if is_ready && !backends.contains(&webhook) {
            backends.push(webhook);
        }
    }
}
