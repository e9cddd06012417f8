//! `partywall completions`: prints the completions of a shell.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;

/// Prints the completions of a shell, to be loaded by it: `source <(partywall completions bash)`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(Args { shell }: &Args, mut command: Command) -> anyhow::Result<ExitCode> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut command, name, &mut script);
    io::stdout().write_all(&script).context("the completions cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
