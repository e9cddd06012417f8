//! `partywall explain`: prints the reference of a field or a rule.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context;

use crate::reference;

/// Prints the reference of a field (`tenant.spec.services`), an object (`tenant`) or a rule (`rule tolerations`).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A field, an object, `rule ID` or `rules`; without it, what there is.
    #[arg(value_name = "PATH", num_args = 0..=2)]
    path: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let words: Vec<_> = args.path.iter().map(String::as_str).collect();
    let text = match words.as_slice() {
        [] => reference::overview(),
        ["rules" | "rule"] => reference::list_of_rules(),
        ["rule", id] => reference::explain_rule(id)?,
        [path] => reference::explain(path)?,
        [path, ..] => anyhow::bail!("write one path, such as `{path}`, or `rule ID`"),
    };
    io::stdout().write_all(text.as_bytes()).context("the reference cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
