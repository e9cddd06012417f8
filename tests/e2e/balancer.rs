//! What kube-proxy is to a Service: one address, and behind it whoever is ready.
//!
//! Every new connection goes to the next backend; those that exist stay where they are, whatever becomes of the
//! list. With no backend a connection is reset at once.

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

/// How many probes in a row go unanswered until a backend is given up, as kubelets have it by default.
const FAILURES: u32 = 3;
/// How often a watched backend is asked whether it is ready.
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

    /// Where new connections go.
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
        // A connection that is gone before it was accepted is nobody's any more.
        let Ok((client, _)) = listener.accept().await else { continue };
        let backend = next(&mut lock(&backends));
        connections.spawn(async move {
            // However it ends, the client sees it.
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
        // Closed by a reset, as the kernel answers where nobody listens.
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
        // One that says no is believed at once; one that says nothing may have been too slow for once.
        failures = if is_ready { 0 } else { failures + if answer.is_ok() { FAILURES } else { 1 } };
        let mut backends = lock(&backends);
        if failures >= FAILURES {
            backends.retain(|backend| *backend != webhook);
        } else if is_ready && !backends.contains(&webhook) {
            backends.push(webhook);
        }
    }
}
