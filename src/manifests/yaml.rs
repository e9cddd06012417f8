//! Parses a text into documents.
//!
//! One parser reads YAML and JSON, so both refuse repeated keys, and errors name the line and the column. Documents
//! that are plain enough are read without it, from the same scanner ([`plain`]), since that takes less time.
//!
//! In YAML, a line that begins with `---` always begins a document, even inside a quoted text. So the text is split
//! there first, and a syntax error in one document doesn't affect the others.
//!
//! INVARIANT: aliases cannot expand a small document into a large one; the parser's budget stops them.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::Value;
use serde_json::value::RawValue;
use serde_saphyr::Options;
use thiserror::Error;

use super::locations::{Location, Locations};
use super::plain;
use super::syntax::{self, Words};

/// A document that is not empty.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    /// Its number in the text, from 1; empty documents count.
    pub(crate) number: usize,
    piece: Piece<'t>,
    /// The places of its fields, once somebody asks for one.
    locations: OnceCell<Option<Locations>>,
}

impl Document<'_> {
    /// Parses it with the words that kubectl takes for booleans; `None` if its `content` has no booleans.
    pub(crate) fn written(&self, content: &Value) -> Option<Value> {
        if !has_boolean(content) {
            return None;
        }
        serde_saphyr::from_str_with_options(&self.piece.text, options(true)).ok()
    }

    /// Returns the line on which its content begins.
    pub(super) fn first_line(&self) -> u64 {
        let Piece { text, line, .. } = &self.piece;
        let before = text.lines().take_while(|line| is_blank(line) || is_marker(line));
        line + before.map(|_| 1).sum::<u64>() + 1
    }

    /// Returns the place of a field, or of the nearest parent that the document has; an empty path means the document.
    ///
    /// The first call for a field parses the document once more.
    pub(crate) fn location(&self, path: &str) -> Location {
        if let Some(start) = self.start().filter(|_| path.is_empty()) {
            return start;
        }
        let Piece { ref text, line, column } = self.piece;
        let locations = self.locations.get_or_init(|| Locations::parse(text, line, column));
        match locations {
            Some(locations) => locations.find(path),
            None => Location { line: line + 1, column: column + 1 },
        }
    }
}

impl Document<'_> {
    /// Returns where the document's content begins; `None` if that is in the line of its marker.
    fn start(&self) -> Option<Location> {
        let Piece { text, line: before, column: columns } = &self.piece;
        let is_without_content = |line: &str| {
            is_blank(line) || is_marker(line) && is_blank(line.strip_prefix("---").unwrap_or(line))
        };
        let (number, line) = (0..).zip(text.lines()).find(|(_, line)| !is_without_content(line))?;
        let indentation: u64 = line.chars().take_while(|letter| letter.is_whitespace()).map(|_| 1_u64).sum();
        let columns = if number == 0 { *columns } else { 0 };
        (!is_marker(line))
            .then_some(Location { line: before + number + 1, column: columns + indentation + 1 })
    }
}

fn has_boolean(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Array(items) => items.iter().any(has_boolean),
        Value::Object(fields) => fields.values().any(has_boolean),
        Value::Null | Value::Number(_) | Value::String(_) => false,
    }
}

/// The reason that a document cannot be parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The place in the text.
    pub(crate) at: Location,
    /// The error.
    pub(crate) message: String,
}

/// The error of a file that is no text.
#[derive(Debug, Error)]
pub(crate) enum NotUtf8 {
    /// The first wrong byte, from 1.
    #[error("the file is not UTF-8: byte {0} is wrong")]
    At(usize),
    #[error("the file looks like UTF-16; save it as UTF-8")]
    Utf16,
}

/// Returns the text of a file.
pub(super) fn text(bytes: &[u8]) -> Result<&str, NotUtf8> {
    // The first character of a manifest is one of ASCII, so a byte of it is zero in UTF-16.
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || bytes.iter().take(2).any(|byte| *byte == 0) {
        return Err(NotUtf8::Utf16);
    }
    str::from_utf8(bytes).map_err(|error| NotUtf8::At(error.valid_up_to() + 1))
}

/// Parses the documents of a text one by one, in order, and leaves out empty ones.
///
/// The values are as kubectl reads them: `yes`, `no`, `on` and `off` are booleans.
pub(crate) fn documents(text: &str) -> impl Iterator<Item = (Document<'_>, Result<Value, SyntaxError>)> {
    unparsed(text).filter_map(|mut document| {
        let content = parse(&mut document.piece).transpose()?;
        Some((document, content))
    })
}

/// Splits a text into its documents, empty ones too, without parsing them.
pub(super) fn unparsed(text: &str) -> impl Iterator<Item = Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let pieces = split_json(text).unwrap_or_else(|| split_yaml(text));
    (1..).zip(pieces).map(|(number, piece)| Document { number, piece, locations: OnceCell::new() })
}

/// The text of one document, and its offset.
#[derive(Debug)]
struct Piece<'t> {
    text: Cow<'t, str>,
    /// The lines before it.
    line: u64,
    /// The columns before it, in its first line.
    column: u64,
}

impl<'t> Piece<'t> {
    /// Creates the piece that begins with a line.
    fn of_line(text: &'t str, line: u64) -> Self {
        Self { text: Cow::Borrowed(text), line, column: 0 }
    }
}

/// Splits JSON objects in a row, as `kubectl get -o json` and `jq` write them.
fn split_json(text: &str) -> Option<Vec<Piece<'_>>> {
    if !text.trim_ascii_start().starts_with('{') {
        return None;
    }
    let mut pieces = Vec::new();
    let (mut line, mut column, mut end) = (0, 0, 0);
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    while let Some(value) = stream.next() {
        // Anything else is YAML that begins with a brace, or a syntax error that the YAML parser reports.
        let piece = value.ok()?.get();
        let start = stream.byte_offset().checked_sub(piece.len())?;
        let between = text.get(end..start)?;
        line += newlines(between);
        column = columns(column, between);
        pieces.push(Piece { text: piece.into(), line, column });
        line += newlines(piece);
        column = columns(column, piece);
        end = start + piece.len();
    }
    Some(pieces)
}

fn newlines(text: &str) -> u64 {
    text.bytes().map(|byte| u64::from(byte == b'\n')).sum()
}

/// Returns the columns before the text that follows `text`, which itself begins after `column` of them.
fn columns(column: u64, text: &str) -> u64 {
    let count = |text: &str| text.chars().map(|_| 1_u64).sum::<u64>();
    text.rsplit_once('\n').map_or_else(|| column + count(text), |(_, last)| count(last))
}

/// Splits a YAML text into documents.
fn split_yaml(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = (0, 0);
    let mut offset = 0;
    // The text before the first marker is a document only if it has content.
    let mut has_content = false;
    for (line, content) in (0..).zip(text.split_inclusive('\n')) {
        if is_marker(content) {
            if has_content {
                pieces.extend(text.get(start.1..offset).map(|text| Piece::of_line(text, start.0)));
            }
            start = (line, offset);
            has_content = true;
        } else if !is_blank(content) {
            has_content = true;
        }
        offset += content.len();
    }
    if has_content {
        pieces.extend(text.get(start.1..).map(|text| Piece::of_line(text, start.0)));
    }
    pieces
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Returns whether a line is empty, a comment or a directive.
fn is_blank(line: &str) -> bool {
    let line = line.trim_ascii();
    line.is_empty() || line.starts_with(['#', '%'])
}

/// Parses a document; `None` if it is empty.
///
/// kubectl reads quoted texts over several lines however these are indented, which YAML 1.2 doesn't allow, nor does the
/// parser: in such a document, the lines are indented first.
fn parse(piece: &mut Piece<'_>) -> Result<Option<Value>, SyntaxError> {
    if let Some(value) = plain::read(&piece.text) {
        return Ok(Some(value));
    }
    let parse = |text: &str| serde_saphyr::from_str_with_options::<Option<Value>>(text, options(false));
    let mut parsed = parse(&piece.text);
    if parsed.is_err()
        && let Some(indented) = indent_quoted(&piece.text)
    {
        parsed = parse(&indented);
        piece.text = Cow::Owned(indented);
    }
    match parsed {
        Ok(value) => Ok(value.filter(|value| !value.is_null())),
        Err(error) => {
            let Words { line, column, message } = syntax::explain(&piece.text, &error);
            let column = if line == 1 { piece.column + column } else { column };
            Err(SyntaxError { at: Location { line: piece.line + line, column }, message })
        }
    }
}

/// Indents each line that continues a quoted text and is indented too little; `None` if there is none.
fn indent_quoted(text: &str) -> Option<String> {
    /// More than any document is nested.
    const INDENTATION: usize = 256;
    /// The most bytes that are scanned: each line takes a scan, and hostile documents have many.
    const WORK: usize = 1 << 26;
    let mut indented: Option<String> = None;
    let mut work = 0;
    while work <= WORK {
        let so_far = indented.as_deref().unwrap_or(text);
        work += so_far.len();
        let Some(line) = syntax::scan(so_far).and_then(|failure| failure.too_little_indented(so_far)) else {
            break;
        };
        let (before, after) = so_far.split_at_checked(line)?;
        indented = Some(format!("{before}{:INDENTATION$}{after}", ""));
    }
    indented
}

/// Returns the options of the parser, which refuses repeated keys in any case.
fn options(strict_booleans: bool) -> Options {
    serde_saphyr::options! {
        // A `List` of a whole cluster is one document, so a text may be large. The expansion of aliases may not; the
        // parser limits it.
        budget: serde_saphyr::budget! {
            max_events: 50_000_000,
            max_nodes: 20_000_000,
            max_total_scalar_bytes: 1 << 30,
            max_depth: 120,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 200_000 },
        legacy_octal_numbers: true,
        strict_booleans: strict_booleans,
        with_snippet: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns number and content, or line and column as text.
    fn read(text: &str) -> Vec<(usize, Result<Value, String>)> {
        documents(text)
            .map(|(Document { number, .. }, content)| (number, content.map_err(|error| error.at.to_string())))
            .collect()
    }

    #[test]
    fn documents_are_numbered_as_they_stand_in_the_text() {
        assert_eq!(read("a: 1"), [(1, Ok(json!({"a": 1})))]);
        assert_eq!(
            read("# hello\n---\na: 1\n---\n# none\n---\nb: 2\n"),
            [(1, Ok(json!({"a": 1}))), (3, Ok(json!({"b": 2}))),]
        );
        assert_eq!(read("a: 1\r\n---\r\nb: 2\r\n"), [(1, Ok(json!({"a": 1}))), (2, Ok(json!({"b": 2})))]);
        assert_eq!(
            read("%YAML 1.2\n---\na: 1\n...\n---\nb: 2"),
            [(1, Ok(json!({"a": 1}))), (2, Ok(json!({"b": 2}))),]
        );
        for empty in ["", "\n", "# nothing\n", "---\n", "---\n---\n", "--- # nothing\n", "null", "\u{feff}"] {
            assert_eq!(read(empty), [], "{empty:?}");
        }
    }

    #[test]
    fn a_broken_document_names_its_line_and_takes_no_other_with_it() {
        let found = read("a: 1\n---\nb: [1, 2\n---\nc: 3\n");
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], (1, Ok(json!({"a": 1}))));
        assert_eq!(found[1], (2, Err("3:4".to_owned())));
        assert_eq!(found[2], (3, Ok(json!({"c": 3}))));
    }

    #[test]
    fn a_document_begins_where_its_first_field_is() {
        for (text, places) in [
            ("# one\n---\n\n# two\n  a: 1\n---\nb: 2\n", vec!["5:3", "7:1"]),
            ("--- # one\na: 1\n", vec!["2:1"]),
            ("--- {a: 1}\n", vec!["1:5"]),
            ("{\"a\": 1} {\"b\": 2}\n", vec!["1:1", "1:10"]),
        ] {
            let found: Vec<_> = documents(text).map(|(found, _)| found.location("").to_string()).collect();
            assert_eq!(found, places, "{text}");
            let slowly: Vec<_> =
                documents(text).map(|(found, _)| found.location("none").to_string()).collect();
            assert_eq!(slowly, places, "{text}");
        }
    }

    #[test]
    fn repeated_keys_are_refused_in_yaml_and_json() {
        assert_eq!(read("a: 1\nb: 1\na: 2\n"), [(1, Err("3:1".to_owned()))]);
        assert_eq!(read("{\"a\": 1,\n\"a\": 2}"), [(1, Err("2:1".to_owned()))]);
    }

    /// Compares both ways of reading with each value that may be written in some way, and with all manifests here.
    #[test]
    fn what_is_plain_has_the_value_that_the_parser_gives_it() {
        let parser = |text: &str| {
            serde_saphyr::from_str_with_options::<Option<Value>>(text, options(false)).ok().flatten()
        };
        let mut texts: Vec<String> = Vec::new();
        let words = "a y n Y N yes Yes YES no on On off true True TRUE false null Null NULL nan NaN inf Inf infinity \
             Infinity e 1 0 00 07 010 0x1f 0o7 0b1 0m 1e 1e5 1e+5 1E5 1.0 1. .5 1_0 1_000 12:30 12:30:45 100m 1.5Gi \
             64Mi 5s 1h30m 9a9 123456789012345 1234567890123456 18446744073709551615 99999999999999999999 +1 -1 - -a \
             -c --a --a=b -inf -nan -Infinity --1 -- ~ ~a / /a /a/b . .. .a a.b a-b a_b a:b a/b a,b @a `a %a !a &a *a \
             ?a ? | > 'a' \"a\" '' \"\" '1' \"true\" \"\\n\" {} [] {a: b} [a] << = a# #a a#b ä äb 2026-01-01 \
             2026-01-01T00:00:00Z 1.2.3.4 1.2.3 v1 apps/v1 app:1.2 sha256:ab1 1Y 1y 2n 1on";
        for word in words.split(' ') {
            for form in [
                "{}",
                "a: {}",
                "{}: a",
                "- {}",
                "[{}, a]",
                "{k: {}}",
                "a:\n  {}: b",
                "a: {}\n  b",
                "a: b\n{}: c",
            ] {
                texts.push(form.replace("{}", word));
            }
        }
        for folder in ["policies", "tests"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
            for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
                #[expect(clippy::disallowed_methods, reason = "a test reads its files")]
                let Ok(text) = std::fs::read_to_string(file) else { continue };
                texts.extend(split_yaml(&text).into_iter().map(|piece| piece.text.into_owned()));
            }
        }
        let plain: Vec<_> = texts.iter().filter_map(|text| Some((text, plain::read(text)?))).collect();
        assert!(plain.len() > 500, "{} of {}", plain.len(), texts.len());
        for (text, value) in plain {
            assert_eq!(Some(value), parser(text), "{text}");
        }
    }

    #[test]
    fn json_may_follow_json() {
        let text = "{\"a\": {\n\t\"b\": \"\\u00e4\\/\"}}\n{\"c\": 1}{\"d\": 1, \"d\": 2}";
        let found = read(text);
        assert_eq!(found[0], (1, Ok(json!({"a": {"b": "ä/"}}))));
        assert_eq!(found[1], (2, Ok(json!({"c": 1}))));
        assert_eq!(found[2], (3, Err("3:18".to_owned())));
        assert_eq!(read("{a: 1}\n---\n{b: 2}").len(), 2);
    }

    #[test]
    fn words_that_kubectl_takes_for_booleans_are_booleans_and_what_was_written_is_known() {
        let text = "a: [yes, Off, \"off\", false]\nb: {c: off, d: on}";
        let (document, content) = documents(text).next().unwrap();
        let content = content.unwrap();
        let written = json!({"a": ["yes", "Off", "off", false], "b": {"c": "off", "d": "on"}});
        assert_eq!(document.written(&content), Some(written));
        assert_eq!(content, json!({"a": [true, false, "off", false], "b": {"c": false, "d": true}}));
        let (document, content) = documents("a: \"off\"").next().unwrap();
        assert_eq!(document.written(&content.unwrap()), None);
    }

    #[test]
    fn quoted_texts_over_several_lines_are_read_however_they_are_indented() {
        for text in [
            "a:\n  b: \"first\n  second\"\n  c: 1\n",
            "a:\n  b: 'first\n second'\n  c: 1\n",
            "a:\n  b: \"first\nsecond\n  \"\n  c: 1\n",
        ] {
            let value = read(text).remove(0).1.unwrap();
            let read = value["a"]["b"].as_str().unwrap().trim_end().to_owned();
            assert_eq!((read.as_str(), &value["a"]["c"]), ("first second", &json!(1)), "{text}");
        }
        let many: String = (0..50).map(|index| format!("k{index}: \"a\nb\nc\"\n")).collect();
        let value = read(&many).remove(0).1.unwrap();
        assert_eq!((&value["k0"], &value["k49"]), (&json!("a b c"), &json!("a b c")));
    }

    #[test]
    fn very_many_lines_of_quoted_texts_take_no_more_than_bounded_work() {
        let text = "k: \"a\n".to_owned() + &"b\n".repeat(300_000) + "\"\n";
        assert!(read(&text)[0].1.is_err(), "given up");
    }

    #[test]
    fn aliases_cannot_explode() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        assert!(matches!(read(&text)[0], (1, Err(_))));
    }
}
