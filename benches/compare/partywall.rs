//! Starts partywall and registers it with what it prints.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, ensure};

use crate::process;
use crate::program::program;

/// The policies.
pub(crate) const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/compare/partywall.yaml");

/// A serving certificate, its key, and the CA that signed it.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) ca: PathBuf,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Pair {
    /// Makes one for 127.0.0.1, with a CA of its own, in a new folder.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let mut certs = process::command(&program()?);
        certs.arg("certs").arg(folder).args(["--ip", "127.0.0.1", "--dns", "localhost"]);
        output(&mut certs)?;
        let file = |name| folder.join(name);
        Ok(Self { ca: file("ca.crt"), cert: file("tls.crt"), key: file("tls.key") })
    }

    pub(crate) fn authority(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.ca)?)
    }
}

/// Returns `partywall` and its version.
pub(crate) fn version() -> anyhow::Result<String> {
    let mut command = process::command(&program()?);
    command.arg("--version");
    Ok(output(&mut command)?.trim().to_owned())
}

/// Returns the command that serves at two addresses.
pub(crate) fn serve(pair: &Pair, webhook: SocketAddr, ops: SocketAddr) -> anyhow::Result<Command> {
    let mut command = process::command(&program()?);
    command
        .args(["serve", "--log-format=json", "--drain=0"])
        .arg(format!("--policies={POLICIES}"))
        .arg(format!("--listen={webhook}"))
        .arg(format!("--ops-listen={ops}"))
        .arg(format!("--tls-cert={}", pair.cert.display()))
        .arg(format!("--tls-key={}", pair.key.display()));
    Ok(command)
}

/// Returns the webhook configurations, as YAML.
pub(crate) fn configurations(pair: &Pair, webhook: SocketAddr) -> anyhow::Result<String> {
    let mut command = process::command(&program()?);
    command
        .args(["manifests", "webhooks"])
        .arg(format!("--url=https://{webhook}"))
        .arg(format!("--policies={POLICIES}"))
        .arg(format!("--ca-bundle={}", pair.ca.display()));
    output(&mut command)
}

/// Returns what a command prints.
///
/// # Errors
///
/// If it fails; the error has its stderr.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}: {}", String::from_utf8_lossy(&stderr));
    Ok(String::from_utf8(stdout)?)
}
