//! Log lines: to stderr, through a channel, as text or JSON.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr};
use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Writes the lines that are still in the channel when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the log"]
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Starts the log of this process. `RUST_LOG` filters it; the default is `info` and above.
///
/// If stderr is too slow, lines are dropped: a review has a deadline and cannot wait.
pub fn init(format: LogFormat) -> LogGuard {
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(stderr());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false)
        .with_ansi(is_coloured(stderr().is_terminal(), no_color().as_deref()));
    // Fails only if a log was started before, which then is used.
    let _already_started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    log_panics();
    LogGuard(guard)
}

/// Returns whether lines are coloured: on a terminal, unless `NO_COLOR` is set.
fn is_coloured(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

#[expect(clippy::disallowed_methods, reason = "https://no-color.org is about the environment")]
fn no_color() -> Option<OsString> {
    std::env::var_os("NO_COLOR")
}

/// Logs a panic as one line with its location, instead of the default's backtrace on stderr.
///
/// Only constant messages are logged: a formatted one may quote an object.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not logged)");
        tracing::error!(%location, said, "a bug: the code panicked; please report this line");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_is_coloured_and_only_if_it_wants_to_be() {
        for (is_terminal, no_color, expected) in
            [(true, None, true), (true, Some(""), true), (true, Some("1"), false), (false, None, false)]
        {
            assert_eq!(is_coloured(is_terminal, no_color.map(OsStr::new)), expected, "{no_color:?}");
        }
    }
}
