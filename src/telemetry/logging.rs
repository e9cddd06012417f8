//! Log lines: to stderr, through a channel, as text or JSON.

use std::any::Any;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr};
use std::panic;
#[cfg(test)]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber, warn};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

#[cfg(test)]
use super::lines::Lines;
use super::log_filter::LogFilter;
use super::log_throttle::LogThrottle;

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
pub struct LogGuard {
    #[expect(dead_code, reason = "held for its drop")]
    writer: WorkerGuard,
    filter: Option<LogFilter>,
}

impl LogGuard {
    /// Returns what changes the filter of the log; `None` if another log was started before.
    pub fn filter(&self) -> Option<LogFilter> {
        self.filter.clone()
    }
}

/// Starts the log of this process. `RUST_LOG` filters it at first; the default is `info` and above.
///
/// If stderr is too slow, lines are dropped: a review has a deadline and cannot wait.
pub fn init(format: LogFormat) -> LogGuard {
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(stderr());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let (layer, filter) = LogFilter::new(filter);
    let lines = fmt::layer()
        .with_writer(writer)
        .with_target(false)
        .with_ansi(is_coloured(stderr().is_terminal(), no_color().as_deref()));
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let log = registry().with(layer).with(lines).with(LibraryThrottle::default());
    // Fails only if a log was started before, which then is used.
    let is_started = log.try_init().is_ok();
    log_panics();
    LogGuard { writer: guard, filter: is_started.then_some(filter) }
}

/// Limits the lines of libraries, such as h2's about frames that make no sense: any peer can cause them.
///
/// Lines below `info` are only written for who asks for them, and are not limited.
#[derive(Debug)]
struct LibraryThrottle {
    throttle: LogThrottle,
    /// How many lines were left out before the line that is being written.
    left_out: AtomicU64,
}

impl Default for LibraryThrottle {
    fn default() -> Self {
        Self { throttle: LogThrottle::new(10, Duration::from_secs(10)), left_out: AtomicU64::new(0) }
    }
}

impl LibraryThrottle {
    fn concerns(metadata: &Metadata<'_>) -> bool {
        !metadata.target().starts_with("partywall") && *metadata.level() <= Level::INFO
    }
}

impl<S: Subscriber> Layer<S> for LibraryThrottle {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if !Self::concerns(event.metadata()) {
            return true;
        }
        let left_out = self.throttle.event();
        self.left_out.fetch_add(left_out.unwrap_or_default(), Ordering::Relaxed);
        left_out.is_some()
    }

    /// Runs after the line was written.
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if Self::concerns(event.metadata()) {
            let left_out = self.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                warn!(left_out, "lines of libraries were left out of the log");
            }
        }
    }
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
        let said = constant_message(panic.payload());
        tracing::error!(%location, said, "a bug: the code panicked; please report this line");
    }));
}

/// Returns what a panic said, if it is constant.
pub(crate) fn constant_message(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("(not logged)")
}

/// Returns the lines that `f` logs on this thread.
#[cfg(test)]
pub(crate) fn logged(f: impl FnOnce()) -> String {
    let (lines, _guard) = logging();
    f();
    lines()
}

/// Returns what tells the lines that are logged on this thread from now on, until the guard is dropped.
#[cfg(test)]
pub(crate) fn logging() -> (impl Fn() -> String, tracing::subscriber::DefaultGuard) {
    /// With one subscriber alone, tracing asks that of the thread whether a line is wanted at all, and remembers the
    /// answer for all threads. Other tests have none.
    static SECOND: OnceLock<tracing::Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| fmt().with_writer(std::io::sink).finish().into());
    let lines = Lines::default();
    let writer = lines.clone();
    let log = fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    (move || lines.text(), tracing::subscriber::set_default(log))
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn o5_a_peer_cannot_fill_the_log_with_lines_of_libraries() {
        let lines = Lines::default();
        let writer = lines.clone();
        let written = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let log = registry().with(LevelFilter::INFO).with(written).with(LibraryThrottle::default());
        let log = tracing::Dispatch::new(log);
        let burst = || {
            tracing::dispatcher::with_default(&log, || {
                for _ in 0..1_000 {
                    warn!(target: "h2::proto::ping_pong", "recv PING ack that we never sent");
                    tracing::debug!(target: "h2::codec", "received");
                }
                for _ in 0..20 {
                    warn!(target: "partywall::server", "own");
                }
            });
        };
        burst();
        advance(Duration::from_secs(10)).await;
        burst();
        let text = lines.text();
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        assert_eq!((count("PING"), count("own"), count("received")), (20, 40, 0), "{text}");
    }

    #[test]
    fn only_a_terminal_is_coloured_and_only_if_it_wants_to_be() {
        for (is_terminal, no_color, expected) in
            [(true, None, true), (true, Some(""), true), (true, Some("1"), false), (false, None, false)]
        {
            assert_eq!(is_coloured(is_terminal, no_color.map(OsStr::new)), expected, "{no_color:?}");
        }
    }
}
