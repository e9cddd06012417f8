//! `partywall man`: prints a page of the manual.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;

/// Prints a page of the manual, to be shown by `man`: `partywall man check | man -l -`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The command that the page is about, such as `check` or `manifests webhooks`; without it, partywall.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(args: &Args, command: Command) -> anyhow::Result<ExitCode> {
    let mut page = command;
    // Each command then knows its whole name.
    page.build();
    for name in &args.command {
        let Some(found) = page.find_subcommand(name) else {
            anyhow::bail!(
                "there is no command `{name}` in `{}`; `partywall help` lists them",
                page.get_name()
            );
        };
        page = found.clone();
    }
    let mut text = Vec::new();
    Man::new(page).render(&mut text).context("the page cannot be written")?;
    io::stdout().write_all(&text).context("the page cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
