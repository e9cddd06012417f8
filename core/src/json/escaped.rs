//! Makes text of a request safe to print.

use std::fmt;

/// Prints a value from a request, cut to a safe length and with control characters escaped.
pub(crate) struct Escaped<'t>(pub &'t str);

/// Limits how many characters of a value are printed.
const CUT: usize = 120;

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(CUT) {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { fmt::Write::write_char(f, c)? }
        }
        if self.0.chars().nth(CUT).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Returns a message of serde_json without its line and column.
///
/// The position means nothing to a person who reads a denial.
pub(crate) fn without_position(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    Escaped(message.get(..end).unwrap_or(message)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k16_values_are_cut_and_escaped_before_they_are_printed() {
        assert_eq!(Escaped("a\nb\u{1b}[31m").to_string(), "a\\nb\\u{1b}[31m");
        assert_eq!(Escaped(&"x".repeat(500)).to_string().chars().count(), CUT + 1);
    }
}
