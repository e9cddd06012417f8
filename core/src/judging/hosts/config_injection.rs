//! Recognizes text that cannot end a value in a configuration file that a controller writes.

/// The punctuation of paths, URLs and the regular expressions that rewrite them.
pub(crate) const PUNCTUATION: &str = "/-._~%!$&()*+,=:@|?^[]\\";

/// Returns whether `text` has only the characters of paths, URLs and regular expressions.
///
/// A backslash at the end is refused, because it would escape the character that follows the value.
pub(crate) fn is_pattern(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || PUNCTUATION.contains(c);
    text.chars().all(is_inner) && !text.ends_with('\\')
}

/// Returns whether `text` has no character with a special meaning in configuration.
pub(crate) fn is_plain(text: &str) -> bool {
    const SPECIAL: &str = "{};\"'`\\#$<>";
    text.chars().all(|c| c == ' ' || c.is_alphanumeric() || (c.is_ascii_graphic() && !SPECIAL.contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g15_what_ends_a_value_is_no_part_of_it() {
        for path in
            ["", "/", "/a(/|$)(.*)", "/api/v[0-9]+/?", "/caf%C3%A9", "/a\\.php$", "/~user/@x:y,z=1&b!"]
        {
            assert!(is_pattern(path), "{path}");
        }
        for path in [
            "/a\nb", "/a b", "/a;", "/a{2}", "/a}", "/\"", "/'", "/`", "/a#b", "/<a>", "/a\\", "/\u{e9}",
            "/\0",
        ] {
            assert!(!is_pattern(path), "{path:?}");
        }
    }

    #[test]
    fn g7_plain_words_have_neither_variables_nor_lines() {
        for words in [
            "",
            "true",
            "10m",
            "Bitte anmelden für A, B - C",
            "GET, PUT",
            "https://*.example.com:8443/a?b=c&d",
        ] {
            assert!(is_plain(words), "{words}");
        }
        for words in
            ["a\nb", "a\tb", "a;b", "$host", "a'", "a\"", "a\\", "{a}", "#a", "`id`", "a\u{2028}b", "a\u{0}"]
        {
            assert!(!is_plain(words), "{words:?}");
        }
    }
}
