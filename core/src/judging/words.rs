//! Formats lists for the messages of the rules.

use std::fmt;

/// Lists the allowed values in backticks; it names the first ten and counts the others.
pub(crate) struct OneOf<'l, T>(pub(crate) &'l [T]);

/// The number of values that a message names.
const NAMED: usize = 10;

impl<T: fmt::Display> fmt::Display for OneOf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        some_of(self.0.iter(), self.0.len()).fmt(f)
    }
}

/// Lists `all` values of an iterator in backticks, as [`OneOf`] does.
pub(crate) fn some_of<T: fmt::Display>(
    values: impl Iterator<Item = T> + Clone,
    all: usize,
) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        for (index, name) in values.clone().take(NAMED).enumerate() {
            write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
        }
        match all.saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    })
}
