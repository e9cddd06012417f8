//! Progress: a bar on a terminal, a line now and then in a pipe, nothing for few files.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The number of files from which on progress is shown.
const MANY: usize = 100;
/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Progress {
    bar: ProgressBar,
    lines: Option<Lines>,
}

/// Progress as lines in a log.
struct Lines {
    done: usize,
    all: usize,
    said: Instant,
}

impl Progress {
    /// Creates it for a number of files.
    pub(super) fn new(files: usize) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let is_worth_it = files >= MANY;
        let target = if is_terminal && is_worth_it {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(files as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {eta} left") {
            bar.set_style(style);
        }
        let lines = (!is_terminal && is_worth_it).then(|| Lines { done: 0, all: files, said: now() });
        Self { bar, lines }
    }

    /// Counts a file as done.
    #[expect(clippy::print_stderr, reason = "progress goes to stderr")]
    pub(super) fn advance(&mut self) {
        self.bar.inc(1);
        let Some(lines) = &mut self.lines else { return };
        lines.done += 1;
        if lines.said.elapsed() >= PAUSE {
            lines.said = now();
            eprintln!("checked {} of {} files", lines.done, lines.all);
        }
    }

    /// Runs a function that writes to the terminal, without the bar.
    pub(super) fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(clippy::disallowed_methods, reason = "progress is about time")]
fn now() -> Instant {
    Instant::now()
}
