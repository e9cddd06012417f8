//! The texts of conditions.

use std::fmt::Write;

use partywall_core::api::Mistake;

/// How many findings or warnings a text names.
const NAMED: usize = 5;
/// The longest part of a text that tells one finding, in bytes.
const LONGEST: usize = 1_000;

/// Returns the first of these mistakes, and how many more there are.
pub(super) fn list<'m>(mistakes: impl ExactSizeIterator<Item = &'m Mistake>) -> String {
    let more = mistakes.len().saturating_sub(NAMED);
    let mut text = String::new();
    for mistake in mistakes.take(NAMED) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let what = mistake.what().to_string();
        text.push_str(what.get(..what.floor_char_boundary(LONGEST)).unwrap_or_default());
    }
    if more > 0 {
        // Writing into a String does not fail.
        let _infallible = write!(text, "; and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use partywall_core::api::Source;

    use super::*;

    fn mistake(message: &str) -> Mistake {
        Mistake {
            source: Source::file("tenants.partywall.dev/a"),
            object: "Tenant `a`".to_owned(),
            place: None,
            path: "spec.class".to_owned(),
            value: "\"b\"".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_text_is_bounded_however_much_there_is_to_say() {
        let one = [mistake("there is no such class")];
        assert_eq!(list(one.iter()), "spec.class = \"b\": there is no such class");
        let many = vec![mistake(&"é".repeat(9_000)); 10_000];
        let text = list(many.iter());
        assert!(text.ends_with("; and 9995 more"), "{text}");
        assert!(text.len() < 6_000, "{}", text.len());
    }
}
