//! The product under test, as an operator runs it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use axum::http::StatusCode;
use rustix::process::Signal;
use tokio::runtime::Handle;

use crate::process::{self, Process};
use crate::{http, ports};

/// The binary that cargo built for this suite.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_partywall");
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// A serving certificate, its key, and the CA that signed it.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) ca: PathBuf,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Pair {
    /// Makes one for 127.0.0.1 and for partywall's Service, with a CA of its own, in a new folder.
    pub(crate) fn make(folder: &Path) -> Self {
        let output = process::command(Path::new(PROGRAM))
            .arg("certs")
            .arg(folder)
            .args(["--ip", "127.0.0.1", "--dns", "localhost", "--dns", "partywall.partywall-system.svc"])
            .output()
            .unwrap();
        assert!(output.status.success(), "partywall certs: {}", String::from_utf8_lossy(&output.stderr));
        let file = |name| folder.join(name);
        Self { ca: file("ca.crt"), cert: file("tls.crt"), key: file("tls.key") }
    }
}

/// The set-up of an instance.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) policies: PathBuf,
    pub(crate) pair: Pair,
    /// Seconds it goes on serving after SIGTERM.
    pub(crate) drain: u32,
    /// More flags of `partywall serve`.
    pub(crate) flags: Vec<String>,
}

/// A running `partywall serve`; dropped, it is killed.
pub(crate) struct Instance {
    process: Process,
    runtime: Handle,
    /// The address of the webhooks.
    pub(crate) webhook: SocketAddr,
    /// The address of `/readyz` and `/metrics`.
    pub(crate) ops: SocketAddr,
}

impl Instance {
    /// Starts one that writes to `<name>.log`, and waits until it is ready.
    pub(crate) fn start(runtime: &Handle, name: &str, logs: &Path, setup: &Setup) -> Self {
        let mut instance = Self::start_unready(runtime, name, logs, setup);
        instance.until_ready();
        instance
    }

    /// [`Self::start`] without the wait.
    pub(crate) fn start_unready(runtime: &Handle, name: &str, logs: &Path, setup: &Setup) -> Self {
        let (webhook, ops) = (ports::free(), ports::free());
        let mut args = vec![
            "serve".to_owned(),
            format!("--policies={}", setup.policies.display()),
            format!("--listen={webhook}"),
            format!("--ops-listen={ops}"),
            format!("--tls-cert={}", setup.pair.cert.display()),
            format!("--tls-key={}", setup.pair.key.display()),
            format!("--drain={}", setup.drain),
        ];
        args.extend_from_slice(&setup.flags);
        let process = Process::start(name, logs, Path::new(PROGRAM), &args);
        Self { process, runtime: runtime.clone(), webhook, ops }
    }

    /// Starts `partywall` with these arguments and variables, which name the two addresses.
    pub(crate) fn start_with(
        runtime: &Handle,
        name: &str,
        logs: &Path,
        args: &[String],
        variables: &[(String, String)],
        (webhook, ops): (SocketAddr, SocketAddr),
    ) -> Self {
        let mut command = process::command(Path::new(PROGRAM));
        command.args(args).envs(variables.iter().cloned());
        let process = Process::of(name, logs, command);
        let mut instance = Self { process, runtime: runtime.clone(), webhook, ops };
        instance.until_ready();
        instance
    }

    /// [`Self::start_with`] of any build, without variables and without the wait.
    pub(crate) fn start_unready_with(
        runtime: &Handle,
        program: &Path,
        name: &str,
        logs: &Path,
        args: &[String],
        (webhook, ops): (SocketAddr, SocketAddr),
    ) -> Self {
        let process = Process::start(name, logs, program, args);
        Self { process, runtime: runtime.clone(), webhook, ops }
    }

    pub(crate) fn until_ready(&mut self) {
        let (runtime, ops) = (&self.runtime, self.ops);
        self.process.until_up(READY_TIMEOUT, || match runtime.block_on(http::get(ops, "/readyz")) {
            Ok((StatusCode::OK, _)) => Ok(()),
            Ok((status, body)) => Err(format!("{status} {body}")),
            Err(error) => Err(error.to_string()),
        });
    }

    /// All metrics.
    pub(crate) fn metrics(&self) -> String {
        let (status, text) = self.runtime.block_on(http::get(self.ops, "/metrics")).unwrap();
        assert_eq!(status, StatusCode::OK, "{text}");
        text
    }

    /// The value of a series, 0 if there is none yet.
    pub(crate) fn figure(&self, series: &str) -> u64 {
        let metrics = self.metrics();
        let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Sends a signal that it survives.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Sends SIGTERM and waits until it has ended; `None`: it had to be killed.
    pub(crate) fn stop(self, patience: Duration) -> Option<ExitStatus> {
        self.process.stop(patience)
    }
}
