//! Parts of messages that many rules write.

use std::fmt;

/// What may be named instead, between backticks, in a message; beyond the first few it is only counted.
pub(crate) struct Listed<'l, T>(pub(crate) &'l [T]);

/// How many of a list a message names.
const NAMED: usize = 10;

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
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
