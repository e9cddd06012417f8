//! The filter of the log, which can be changed while the program runs.

use tracing::info;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// The filter as a layer of the log.
pub(super) type FilterLayer = reload::Layer<EnvFilter, Registry>;

/// Shows and changes the filter of the log. A change ends with the process.
///
/// The filter is behind a lock, and a request does not take it for a line that the filter excludes: tracing keeps, for
/// each line in the code, whether the filter wants it, and asks the filter again only when it changes. This holds
/// because no directive is about spans, for which tracing would have to ask each time; [`check`] refuses those. A line
/// that is written takes the lock for reading, which waits only for a change.
#[derive(Clone, Debug)]
pub struct LogFilter(reload::Handle<EnvFilter, Registry>);

/// A filter was not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogFilterError {
    /// There is no directive.
    #[error(
        "there is no directive; write one such as `info`, or several such as `info,partywall::server=debug`"
    )]
    Empty,
    /// A directive has no level that exists.
    #[error(
        "`{0}` has no level; write `LEVEL` or `MODULE=LEVEL`, with error, warn, info, debug, trace or off"
    )]
    Level(String),
    /// The part before the level is no path of a module.
    #[error("`{0}` is not about a module; write `MODULE=LEVEL`, with a path such as partywall::server")]
    Module(String),
    /// The log has ended.
    #[error("the log cannot be changed: {0}")]
    Log(String),
}

impl LogFilter {
    /// Puts a filter behind a lock; returns the layer for the log as well.
    pub(super) fn new(filter: EnvFilter) -> (FilterLayer, Self) {
        let (layer, handle) = reload::Layer::new(filter);
        (layer, Self(handle))
    }

    /// Returns the filter in force, as its directives.
    pub(crate) fn directives(&self) -> Result<String, LogFilterError> {
        self.0.with_current(ToString::to_string).map_err(|error| LogFilterError::Log(error.to_string()))
    }

    /// Changes the filter, and logs that, whatever the old and the new one exclude.
    pub(crate) fn change(&self, directives: &str) -> Result<(), LogFilterError> {
        let directives = check(directives)?;
        let set = |directives: &str| {
            self.0
                .reload(EnvFilter::builder().parse_lossy(directives))
                .map_err(|error| LogFilterError::Log(error.to_string()))
        };
        let from = self.directives()?;
        set(&format!("{from},{}=info", module_path!()))?;
        info!(from, to = directives, "the log filter changes");
        set(&directives)
    }
}

/// Returns directives without blanks around them, if all are of a level, or of a module and its level.
///
/// `EnvFilter` itself would take a misspelt level for a module, of which it logs everything, and log nothing else.
fn check(directives: &str) -> Result<String, LogFilterError> {
    let mut checked = Vec::new();
    for directive in directives.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (module, level) = match directive.rsplit_once('=') {
            Some((module, level)) => (Some(module), level),
            None => (None, directive),
        };
        // Numbers would be levels too, and so would be nothing at all.
        let is_word = level.starts_with(|first: char| first.is_ascii_alphabetic());
        if !is_word || level.parse::<LevelFilter>().is_err() {
            return Err(LogFilterError::Level(directive.to_owned()));
        }
        let is_path = |module: &str| {
            !module.is_empty()
                && module
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'))
        };
        if module.is_some_and(|module| !is_path(module)) {
            return Err(LogFilterError::Module(directive.to_owned()));
        }
        checked.push(directive);
    }
    if checked.is_empty() { Err(LogFilterError::Empty) } else { Ok(checked.join(",")) }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tracing::{debug, error, warn};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{fmt, registry};

    use super::*;
    use crate::telemetry::lines::Lines;

    /// A log of this thread with a filter, and what was written to it.
    fn filtered(directives: &str) -> (LogFilter, Lines, tracing::subscriber::DefaultGuard) {
        let (layer, filter) = LogFilter::new(EnvFilter::new(directives));
        let lines = Lines::default();
        let writer = lines.clone();
        let written = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        (filter, lines, tracing::subscriber::set_default(registry().with(layer).with(written)))
    }

    #[test]
    fn a_change_holds_at_once_and_has_one_line_whatever_the_filters_exclude() {
        let (filter, lines, _guard) = filtered("off");
        error!("first");
        for directives in ["error", " partywall::x=debug, warn ,", "off", "off"] {
            filter.change(directives).unwrap();
            warn!(target: "other", "after {directives}");
            debug!(target: "partywall::x::y", "detail after {directives}");
        }
        let text = lines.text();
        let messages: Vec<_> = text.lines().map(|line| line.split_once(": ").unwrap().1).collect();
        let expected = [
            r#"the log filter changes from="off" to="error""#,
            r#"the log filter changes from="error" to="partywall::x=debug,warn""#,
            "after  partywall::x=debug, warn ,",
            "detail after  partywall::x=debug, warn ,",
            r#"the log filter changes from="partywall::x=debug,warn" to="off""#,
            r#"the log filter changes from="off" to="off""#,
        ];
        assert_eq!(messages, expected, "{text}");
    }

    #[test]
    fn a_wrong_directive_is_told_and_the_old_filter_stays() {
        let (filter, lines, _guard) = filtered("info");
        let (level, module) = (LogFilterError::Level, LogFilterError::Module);
        for (directives, expected) in [
            ("", LogFilterError::Empty),
            (" , ", LogFilterError::Empty),
            ("debugg", level("debugg".to_owned())),
            ("info,partywall", level("partywall".to_owned())),
            ("info,partywall=", level("partywall=".to_owned())),
            ("info,partywall=verbose", level("partywall=verbose".to_owned())),
            ("3", level("3".to_owned())),
            ("=info", module("=info".to_owned())),
            ("[span{field=1}]=info", module("[span{field=1}]=info".to_owned())),
            ("partywall[span]=info", module("partywall[span]=info".to_owned())),
            ("a b=info", module("a b=info".to_owned())),
        ] {
            assert_eq!(filter.change(directives).unwrap_err(), expected, "{directives}");
        }
        assert_eq!(filter.directives().unwrap(), "info");
        assert_eq!(lines.text(), "");
    }

    /// The lock is held for writing meanwhile, so the line would wait for ever.
    #[test]
    fn a_line_that_the_filter_excludes_takes_no_lock() {
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            let (filter, lines, _guard) = filtered("info,partywall::x=debug");
            let excluded = || debug!(target: "partywall::other", "excluded");
            // The first time, tracing asks the filter.
            excluded();
            filter.0.modify(|_| excluded()).unwrap();
            done.send(lines.text()).unwrap();
        });
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)).unwrap(), "");
    }
}
