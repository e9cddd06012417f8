//! Shows the progress: a bar on a terminal, a line for each size in a log.

use std::io::{self, IsTerminal};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) struct Progress {
    bar: ProgressBar,
    /// When it began, where lines are written.
    lines_since: Option<Instant>,
}

impl Progress {
    /// For so many sizes.
    pub(crate) fn new(sizes: usize) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(sizes as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        Self { bar, lines_since: (!is_terminal).then(Instant::now) }
    }

    /// The next size begins.
    pub(crate) fn begins(&mut self, what: &str) {
        if let Some(since) = self.lines_since {
            eprintln!("{:>4}s {what}", since.elapsed().as_secs());
        }
        self.bar.set_message(what.to_owned());
        self.bar.inc(1);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
