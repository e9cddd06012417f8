//! `partywall manifests`: prints manifests that are generated from the code, for `kubectl apply -f -`.

mod webhooks;

use std::process::ExitCode;

use clap::Subcommand;

/// The manifests to print.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The two webhook configurations: what the API server asks partywall about, and where it finds it.
    Webhooks(webhooks::Args),
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Webhooks(args) => webhooks::run(args),
    }
}
