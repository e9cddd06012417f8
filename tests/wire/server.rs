//! A server of its own for each test.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use hyper_util::rt::TokioIo;
use jiff::civil::date;
use partywall::policies::{self as objects, Writer};
use partywall::server::{
    self, Certificates, Clients, Decider, Limits, Listeners, Pair, Parts, Readiness, Workers,
};
use partywall::telemetry::Metrics;
use partywall_core::tenancy::Snapshot;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Answer, Client, Target};
use crate::keys::Authority;

/// The time that a test waits for an event that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server and everything to play with it.
pub(crate) struct Server {
    pub(crate) target: Target,
    pub(crate) ops: SocketAddr,
    pub(crate) writer: Writer,
    pub(crate) authority: Authority,
    /// Demands that the certificates are read.
    pub(crate) demand: watch::Sender<()>,
    /// The folder of the serving pair, `tls.crt` and `tls.key`.
    pub(crate) folder: PathBuf,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
    _files: TempDir,
}

/// The settings of a server that differ from the defaults.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    /// Start with an empty store.
    pub(crate) without_policies: bool,
    /// Ask clients for a certificate of the server's own CA.
    pub(crate) asks_clients: bool,
    /// The names of which such a certificate must have one.
    pub(crate) client_names: Vec<String>,
    /// Read the certificates on demand only.
    pub(crate) on_demand: bool,
    /// Put the pair behind a `..data` symlink, as kubelet does.
    pub(crate) like_kubelet: bool,
}

/// The policies of the embedded demo.
pub(crate) fn policies() -> Arc<Snapshot> {
    match objects::demo(date(2027, 1, 1)) {
        Ok(loaded) => Arc::new(loaded.snapshot),
        Err(error) => panic!("{error}"),
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let (mut writer, snapshots) = objects::store();
        if !setup.without_policies {
            writer.replace(policies());
        }
        Self::starting(snapshots, writer, setup).await
    }

    /// Starts a server with a decider of its own instead of policies.
    pub(crate) async fn deciding_by(decider: impl Decider, setup: Setup) -> Self {
        Self::starting(decider, objects::store().0, setup).await
    }

    async fn starting(decider: impl Decider, writer: Writer, setup: Setup) -> Self {
        let files = TempDir::new().unwrap();
        let folder = files.path().to_owned();
        let authority = Authority::new();
        if setup.like_kubelet {
            authority.sign().write(&folder.join("..first"));
            std::os::unix::fs::symlink("..first", folder.join("..data")).unwrap();
            for file in ["tls.crt", "tls.key"] {
                std::os::unix::fs::symlink(format!("..data/{file}"), folder.join(file)).unwrap();
            }
        } else {
            authority.sign().write(&folder);
        }
        let ca = folder.join("ca.crt");
        std::fs::write(&ca, &authority.pem).unwrap();
        let pair = Pair { cert: folder.join("tls.crt"), key: folder.join("tls.key") };
        let clients = setup.asks_clients.then_some(Clients { ca, names: setup.client_names });
        let (demand, demands) = watch::channel(());
        let certificates = Certificates::load(Some(pair), clients).unwrap().reading_on(demands);

        let listeners = Listeners { webhook: listener(), ops: listener() };
        let target = Target { address: listeners.webhook.local_addr().unwrap(), ca: authority.pem.clone() };
        let ops = listeners.ops.local_addr().unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let mut limits = setup.limits;
        let interval = if setup.on_demand { Duration::from_secs(3_600) } else { Duration::from_millis(2) };
        limits.timings.certificates_interval = interval;
        let (stop, stopped) = oneshot::channel();
        let workers = Workers::start(NonZeroUsize::MIN).unwrap();
        let readiness = Readiness::default();
        let (log_filter, traces) = (None, None);
        let parts = Parts { decider, certificates, metrics, limits, workers, readiness, log_filter, traces };
        let task = tokio::spawn(server::run(listeners, parts, async { stopped.await.unwrap() }));
        Self { target, ops, writer, authority, demand, folder, stop, task, _files: files }
    }

    /// A GET on the ops port.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let stream = TcpStream::connect(self.ops).await.unwrap();
        Client::http1(TokioIo::new(stream)).await.send(Method::GET, path, "").await
    }

    /// The value of a series.
    pub(crate) async fn figure(&self, series: &str) -> u64 {
        let answer = self.get("/metrics").await;
        let value = answer.text().lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in {}", answer.text())).parse().unwrap()
    }

    /// Waits until a series has a value.
    pub(crate) async fn until(&self, series: &str, value: u64) {
        let reached = async { while self.figure(series).await != value {} };
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{series} never was {value}"));
    }

    /// Sends SIGTERM, so to speak.
    pub(crate) fn stop(self, drain: Duration) -> Stopping {
        self.stop.send(drain).unwrap();
        Stopping { target: self.target, ops: self.ops, task: self.task }
    }
}

/// A server on its way out.
pub(crate) struct Stopping {
    pub(crate) target: Target,
    pub(crate) ops: SocketAddr,
    pub(crate) task: JoinHandle<()>,
}

/// The default limits with a change.
pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn listener() -> TcpListener {
    server::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap()
}
