//! `partywall manifests crds`: prints the CustomResourceDefinitions.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use partywall_core::crds;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    for definition in crds::definitions() {
        text.push_str("---\n");
        serde_saphyr::to_fmt_writer(&mut text, &definition)
            .context("the definitions cannot be written as YAML")?;
    }
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")?;
    Ok(ExitCode::SUCCESS)
}
