//! The three servers, each in a process of its own: partywall, and what it is measured against.
//!
//! The others are this very program, started with a word in its environment. They are put together as the program
//! puts itself together; all that differs is what decides.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use partywall::server::{
    self, Certificates, Decider, Limits, Listeners, Observers, Pair, Parts, Readiness, Reply, Workers,
};
use partywall::telemetry::Metrics;
use partywall_core::{Entry, review};
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use crate::client::Target;
use crate::placement::Placement;
use crate::program::program;

/// In the environment of a process that is to be a server, and which.
const BE: &str = "PARTYWALL_LOAD_BE";
/// In the environment of such a process: the folder with its certificate.
const KEYS: &str = "PARTYWALL_LOAD_KEYS";

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Allows everything unread, but for its uid.
    Null,
    /// Allows everything that is a review, after reading it as partywall does.
    Decode,
    /// The program.
    Partywall,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Null, Self::Decode, Self::Partywall];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Decode => "decode",
            Self::Partywall => "partywall",
        }
    }

    fn command(self, policies: &[&Path], keys: &Path) -> io::Result<Command> {
        let mut command = match self {
            Self::Null | Self::Decode => {
                let mut command = Command::new(env::current_exe()?);
                command.env(BE, self.name()).env(KEYS, keys);
                command
            }
            Self::Partywall => {
                let mut command = Command::new(program()?);
                command.args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
                command.args(["--log-format", "json", "--drain", "0"]);
                command.arg("--tls-cert").arg(keys.join("tls.crt"));
                command.arg("--tls-key").arg(keys.join("tls.key"));
                command.arg("--policies").args(policies);
                command
            }
        };
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) pid: u32,
    pub(crate) target: Target,
    child: Child,
}

/// The log line of a server that serves.
#[derive(Deserialize)]
struct Serving {
    listen: SocketAddr,
}

impl Server {
    /// Starts it and waits until it serves. `keys` has `ca.crt`, `tls.crt` and `tls.key`.
    pub(crate) fn start(
        kind: Kind,
        policies: &[&Path],
        keys: &Path,
        placement: Placement,
    ) -> anyhow::Result<Self> {
        let ca = std::fs::read_to_string(keys.join("ca.crt"))?;
        let mut command = kind.command(policies, keys)?;
        let mut child = placement.at_server(|| command.spawn())??;
        let mut log = BufReader::new(child.stderr.take().context("stderr is piped")?);
        let mut said = String::new();
        let address = loop {
            let begin = said.len();
            if log.read_line(&mut said)? == 0 {
                let _code = child.wait();
                return Err(anyhow!("{} does not serve:\n{said}", kind.name()));
            }
            if let Ok(Serving { listen }) = serde_json::from_str(said.get(begin..).unwrap_or_default()) {
                break listen;
            }
        };
        // Nobody wants to know, but a full pipe would make it drop lines, and that costs less than writing them.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        let target = Target::new(address, &ca, kind != Kind::Partywall)?;
        Ok(Self { kind, pid: child.id(), target, child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then it was found out already.
        let _ended = self.child.kill();
        let _code = self.child.wait();
    }
}

/// Returns the server that this process should be, if any.
pub(crate) fn role() -> Option<Kind> {
    let name = env::var(BE).ok()?;
    Kind::ALL.into_iter().find(|kind| kind.name() == name)
}

/// Is that server until it is killed.
pub(crate) fn be(kind: Kind) -> anyhow::Result<()> {
    let answer = match kind {
        Kind::Null => null,
        Kind::Decode => decode,
        Kind::Partywall => return Err(anyhow!("partywall is a program of its own")),
    };
    let runtime =
        Builder::new_current_thread().enable_all().on_thread_start(server::lower_priority).build()?;
    runtime.block_on(serve(answer))
}

/// Answers with what a function makes of a body, behind the same listener, TLS and HTTP as the program.
struct Answer(fn(Entry, &[u8]) -> Vec<u8>);

impl Decider for Answer {
    fn is_ready(&self) -> bool {
        true
    }

    fn reply(&self, entry: Entry, body: &[u8], _: Observers<'_>) -> Option<Reply> {
        Some(Reply::Review((self.0)(entry, body)))
    }
}

async fn serve(answer: fn(Entry, &[u8]) -> Vec<u8>) -> anyhow::Result<()> {
    let keys = env::var_os(KEYS).context("a server needs keys")?;
    let keys = Path::new(&keys);
    let pair = Pair { cert: keys.join("tls.crt"), key: keys.join("tls.key") };
    let certificates = Certificates::load(Some(pair), None)?;
    let bind = || server::bind((Ipv4Addr::LOCALHOST, 0).into());
    let listeners = Listeners { webhook: bind()?, ops: bind()? };
    let listen = listeners.webhook.local_addr()?;
    let parts = Parts {
        decider: Answer(answer),
        certificates,
        metrics: Arc::new(Metrics::new()?),
        limits: Limits::default(),
        workers: Workers::start(thread::available_parallelism()?)?,
        readiness: Readiness::default(),
        log_filter: None,
        traces: None,
    };
    eprintln!(r#"{{"listen":"{listen}"}}"#);
    server::run(listeners, parts, std::future::pending::<Duration>()).await;
    Ok(())
}

/// The least a webhook can do: the uid is near the start of what an API server sends.
fn null(_phase: Entry, body: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = br#""uid":""#;
    let start = &body[..body.len().min(256)];
    let uid = start.windows(BEFORE.len()).position(|window| window == BEFORE);
    let uid = uid.and_then(|at| start[at + BEFORE.len()..].split(|byte| *byte == b'"').next());
    allowed(uid.unwrap_or_default())
}

fn decode(_phase: Entry, body: &[u8]) -> Vec<u8> {
    // Without a uid the answer is wrong, and whoever sent the body says so.
    review::decode(body).map(|request| allowed(request.uid.as_bytes())).unwrap_or_default()
}

fn allowed(uid: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] =
        br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":""#;
    const AFTER: &[u8] = br#"","allowed":true}}"#;
    [BEFORE, uid, AFTER].concat()
}
