//! Formats lists for the messages of the rules.

use std::fmt;

/// Lists the allowed values in backticks; it names the first ten and counts the others.
pub(crate) struct OneOf<'l, T>(pub(crate) &'l [T]);

/// The number of values that a message names.
const NAMED: usize = 10;

impl<T: fmt::Display> fmt::Display for OneOf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().take(NAMED).enumerate() {
            write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
