//! `partywall rotate-ca`: replaces the CA of a live installation.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::FalseyValueParser;

use super::installation::Installation;
use crate::cluster::Rotation;

/// Replaces the CA of a live installation, without a gap, and waits until all replicas serve certificates of the new
/// one.
///
/// It is for installations with CAs of partywall's own, in the Secret `partywall-ca`. If it is interrupted, the
/// replicas go on. You need the permission to read and update that Secret, and to read the webhook configurations and
/// the Leases.
///
/// Exit codes: 0 done, 1 not done in time, 2 it failed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    installation: Installation,

    /// Somebody else may have the keys: replace all CAs, and take the old ones out of the webhook configurations as
    /// soon as no replica serves a certificate of them.
    #[arg(long, env = "PARTYWALL_COMPROMISED", value_parser = FalseyValueParser::new())]
    compromised: bool,

    /// Seconds to wait for the replicas. It takes two minutes until every API server uses a new bundle.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, env = "PARTYWALL_TIMEOUT")]
    timeout: u64,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { installation, compromised, timeout } = args;
    let (access, namespace) = installation.split();
    let rotation = Rotation { namespace, compromised, timeout: Duration::from_secs(timeout) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut written = Ok(());
    let mut say = |line: &str| {
        if written.is_ok() {
            written = writeln!(io::stdout(), "{line}");
        }
    };
    let is_done = runtime.block_on(rotation.run(access, &mut say))?;
    written?;
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
