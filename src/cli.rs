//! The commands, one file each.

mod address;
mod certs;
mod check;
mod colour;
mod completions;
mod doctor;
mod explain;
mod installation;
mod man;
mod manifests;
mod notes;
mod progress;
mod rotate_ca;
mod serve;
mod steps;
mod today;
mod uninstall;
mod unreachable;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// The version and the commit.
const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("PARTYWALL_COMMIT"), ")");

/// Keeps the tenants of a shared Kubernetes cluster apart.
#[derive(Debug, Parser)]
#[command(name = "partywall", version = BUILD, about, long_about = None, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the webhook server.
    Serve(Box<serve::Args>),
    /// Judge manifests offline, as if they were created.
    Check(check::Args),
    /// Print the reference of a field or a rule, or what holds for a namespace or a tenant.
    Explain(explain::Args),
    /// Write a CA and a serving certificate for trying things out.
    Certs(certs::Args),
    /// Print manifests that follow from the code, for `kubectl apply -f -`.
    Manifests(manifests::Args),
    /// Replace the CA of a live installation, without a gap.
    RotateCa(rotate_ca::Args),
    /// Check a live installation: what is wrong, why, and what to do about it.
    Doctor(doctor::Args),
    /// Take away what the replicas made in a cluster, and list what stays.
    Uninstall(uninstall::Args),
    /// Print the completions of a shell.
    Completions(completions::Args),
    /// Print a page of the manual.
    Man(man::Args),
}

/// Returns the command line, for documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program: parses the command line, runs the command, prints its error to stderr.
///
/// Exit codes: 0 success, 1 the command found something, 2 it failed, 3 the cluster cannot be reached.
#[expect(clippy::print_stderr, reason = "the one place where a command's error is told")]
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(*args),
        Command::Check(args) => check::run(args),
        Command::Certs(args) => certs::run(args),
        Command::Manifests(args) => manifests::run(args),
        Command::Explain(args) => explain::run(&args),
        Command::RotateCa(args) => rotate_ca::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Uninstall(args) => uninstall::run(args),
        Command::Completions(args) => completions::run(&args, command()),
        Command::Man(args) => man::run(&args, command()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
