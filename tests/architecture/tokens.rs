//! Rust source as tokens: identifiers, `::`, and single characters for the rest, without comments, literals and tests.

/// The tokens of a source, without what is only compiled for tests.
pub(crate) fn tokens(source: &str) -> Vec<String> {
    without_tests(&split(source))
}

fn split(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            tokens.push(first.to_string());
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of the string, character or lifetime that a text begins with.
fn literal(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - body.len();
    if let Some(raw) = body.strip_prefix('r').filter(|raw| raw.starts_with(['"', '#'])) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(text.len() - content.len() + content.find(&end)? + end.len());
    }
    if body.starts_with('"') {
        return Some(prefix + quoted(body, '"'));
    }
    let quote = body.strip_prefix('\'')?;
    let mut characters = quote.chars();
    let is_character = characters.next() == Some('\\') || characters.next() == Some('\'');
    // A lifetime is only its quote: its name may stay, since no path begins with it.
    Some(prefix + if is_character { quoted(body, '\'') } else { 1 })
}

/// The length of what stands between two quotes, with both.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Leaves out every item that is only there for tests, under `cfg(test)` or `cfg(all(test, ...))`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const ONLY: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];
    const AMONG_OTHERS: &[&str] = &["#", "[", "cfg", "(", "all", "(", "test", ","];
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        if [ONLY, AMONG_OTHERS].iter().any(|start| begins(rest, start)) {
            let end = rest.iter().position(|token| token == "]").unwrap_or_default();
            rest = after_item(&rest[end + 1..]);
        } else {
            kept.push(first.clone());
            rest = others;
        }
    }
    kept
}

fn begins(tokens: &[String], start: &[&str]) -> bool {
    tokens.len() >= start.len() && tokens.iter().zip(start).all(|(token, other)| token == other)
}

/// Returns the tokens after an item, which ends with a semicolon or with its braces.
fn after_item(tokens: &[String]) -> &[String] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(token.as_str(), ";" | "}") {
            // `use a::{b};` goes on after its brace.
            let end = at + 1 + usize::from(tokens.get(at + 1).is_some_and(|next| next == ";"));
            return &tokens[end..];
        }
    }
    &[]
}

#[test]
fn comments_literals_and_tests_are_left_out() {
    let source = r##"
        // a::b
        const A: &str = "c::d \" e"; const B: &str = r#"f " g"#;
        fn h<'i>(j: &'i str) -> char { '\'' ; '{' }
        #[cfg(test)] use k::{l};
        #[cfg(test)] #[path = "m.rs"] mod m;
        #[cfg(all(test, feature = "s"))] mod t { use super::u; }
        #[cfg(test)]
        mod tests { fn n() { o::p() } }
        use q::r;
    "##;
    let tokens = tokens(source).join(" ");
    assert_eq!(
        tokens,
        "const A : & str = ; const B : & str = ; fn h < i > ( j : & i str ) - > char { ; } use q :: r ;"
    );
}
