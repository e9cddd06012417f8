//! The steps of a command that asks a cluster: on a terminal the present one, in a pipe a line for each, on stderr.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time between two pictures of the spinner.
const PICTURE: Duration = Duration::from_millis(100);

pub(super) struct Steps {
    spinner: Option<ProgressBar>,
    has_lines: bool,
}

impl Steps {
    /// Shows steps to people alone: they change nothing that a log should know.
    pub(super) fn for_terminals() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let spinner = is_terminal.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
        if let Some(spinner) = &spinner {
            spinner.set_style(ProgressStyle::default_spinner());
            spinner.enable_steady_tick(PICTURE);
        }
        Self { spinner, has_lines: false }
    }

    /// Writes a line for each step.
    pub(super) const fn as_lines() -> Self {
        Self { spinner: None, has_lines: true }
    }

    /// Begins a step.
    #[expect(clippy::print_stderr, reason = "progress goes to stderr")]
    pub(super) fn begin(&mut self, step: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(step.to_owned());
        }
        if self.has_lines {
            eprintln!("{step}");
        }
    }

    pub(super) fn finish(self) {
        if let Some(spinner) = self.spinner {
            spinner.finish_and_clear();
        }
    }
}
