//! `partywall manifests install`: prints what runs partywall in a cluster.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, ensure};

/// The manifests, with the default image.
const MANIFESTS: &str = include_str!("install.yaml");
/// The line that names the image.
const IMAGE: &str = "          image: partywall\n";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The image of the containers.
    #[arg(long, value_name = "IMAGE", env = "PARTYWALL_IMAGE", default_value = "partywall")]
    image: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { image } = args;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:@".contains(&byte);
    ensure!(
        !image.is_empty() && image.bytes().all(is_plain),
        "--image {image:?} is no image; write registry.example.com/partywall:1.0"
    );
    let text = MANIFESTS.replace(IMAGE, &format!("          image: {image:?}\n"));
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write to stdout")?;
    Ok(ExitCode::SUCCESS)
}
