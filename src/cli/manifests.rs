//! `partywall manifests`: prints manifests that are generated from the code, for `kubectl apply -f -`.

mod crds;
mod install;
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
    /// The CustomResourceDefinitions of partywall's objects: NodePools, Tenants, TenantClasses, Exemptions, Settings.
    Crds,
    /// What runs partywall in a cluster: namespace, ServiceAccount, permissions, Service, Deployment.
    Install(install::Args),
    /// The two webhook configurations: what the API server asks partywall about, and where it finds it.
    Webhooks(webhooks::Args),
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Crds => crds::run(),
        What::Install(args) => install::run(&args),
        What::Webhooks(args) => webhooks::run(args),
    }
}
