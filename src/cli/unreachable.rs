//! A cluster that cannot be reached, which is no fault of the command line.

use std::process::ExitCode;

use crate::cluster::Unreachable;

/// Tells it, and returns the exit code.
#[expect(clippy::print_stderr, reason = "a command's error is told")]
pub(super) fn tell(unreachable: &Unreachable) -> ExitCode {
    eprintln!("error: {unreachable}");
    ExitCode::from(3)
}
