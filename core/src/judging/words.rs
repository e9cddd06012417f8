//! Formats lists for the messages of the rules, and splits keys into words.

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

/// Splits a key into its words: at signs, and before a capital letter after a small one.
pub(crate) fn words_of(key: &str) -> impl Iterator<Item = &str> {
    key.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let is_boundary = |[one, other]: &[u8; 2]| one.is_ascii_lowercase() && other.is_ascii_uppercase();
            let end = rest.as_bytes().array_windows().position(is_boundary).map_or(rest.len(), |at| at + 1);
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            rest = after;
            Some(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_signs_and_before_capital_letters() {
        let words = |key| words_of(key).collect::<Vec<_>>();
        assert_eq!(words("import-volume.name/a"), ["import", "volume", "name", "a"]);
        assert_eq!(words("importOriginalName"), ["import", "Original", "Name"]);
        assert_eq!(words("importBackendUUID"), ["import", "Backend", "UUID"]);
        assert_eq!(words("cloneFromPVC"), ["clone", "From", "PVC"]);
        assert_eq!(words("--"), Vec::<&str>::new());
        assert_eq!(words("\u{e9}cole-a"), ["cole", "a"]);
    }
}
