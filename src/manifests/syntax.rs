//! Puts the errors of the YAML parser into words: what is wrong, where it began, and what to write instead.

use serde_saphyr::granit_parser::{ErrorKind, Marker, Parser};
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter};

/// An error of a text: the line and the column in it, both from 1, and the message.
pub(super) struct Words {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) message: String,
}

/// The first error of the scanner.
pub(super) struct ScanFailure {
    kind: ErrorKind,
    /// The place of the error.
    at: Marker,
    /// The end of the last value before it.
    before: Option<Marker>,
}

/// Scans a text up to its first error.
pub(super) fn scan(text: &str) -> Option<ScanFailure> {
    let mut parser = Parser::new_from_str(text);
    let mut before = None;
    while let Some(event) = parser.next_event() {
        match event {
            Ok((_, span)) => before = Some(span.end),
            Err(error) => {
                return Some(ScanFailure { kind: error.kind().clone(), at: *error.marker(), before });
            }
        }
    }
    None
}

impl ScanFailure {
    /// Returns where the line begins that continues a quoted text, if it is indented too little.
    pub(super) fn too_little_indented(&self, text: &str) -> Option<usize> {
        let offset = self.at.byte_offset().filter(|_| self.kind == ErrorKind::InvalidQuotedScalarIndent)?;
        Some(text.get(..offset)?.rfind('\n')? + 1)
    }

    /// Returns the place of the quote that opened the text in which the error is.
    fn opening_quote(&self, text: &str) -> Option<(usize, usize)> {
        let start = self.before.as_ref().map_or(Some(0), Marker::byte_offset)?;
        let mut line = self.before.as_ref().map_or(1, Marker::line).max(1);
        let mut column = self.before.as_ref().map_or(0, Marker::col);
        let mut is_comment = false;
        let mut last = ' ';
        for letter in text.get(start..)?.chars() {
            match letter {
                '\n' => {
                    (line, column, is_comment, last) = (line + 1, 0, false, ' ');
                    continue;
                }
                '#' if last.is_whitespace() => is_comment = true,
                '"' | '\'' if !is_comment => return Some((line, column + 1)),
                _ => {}
            }
            (last, column) = (letter, column + 1);
        }
        None
    }
}

/// Puts an error of the parser into words.
pub(super) fn explain(text: &str, error: &Error) -> Words {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((1, 1), |at| (at.line().max(1), at.column().max(1)));
    let failure = scan(text);
    if let Some(message) = template(text, line) {
        return Words { line, column, message };
    }
    let opened = failure.as_ref().filter(|failure| is_about_quotes(&failure.kind));
    if let Some((line, column)) = opened.and_then(|failure| failure.opening_quote(text)) {
        let message = "the quote that opens here is not closed where it should be; close it, and double a quote inside \
                       (`''` in single quotes, `\\\"` in double quotes)"
            .to_owned();
        return Words { line: as_u64(line), column: as_u64(column), message };
    }
    let message = match &failure {
        Some(ScanFailure { kind, .. }) => of_scanner(kind),
        None => of_parser(error),
    };
    // The control characters of a file must not reach a terminal.
    let message = message
        .unwrap_or_else(|| DefaultMessageFormatter.format_message(error).into_owned())
        .replace(char::is_control, " ");
    Words { line, column, message }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Recognizes a template in the line of an error, or in the one before it.
fn template(text: &str, line: u64) -> Option<String> {
    let last = usize::try_from(line).ok()?;
    let mut near = text.lines().take(last).skip(last.saturating_sub(2));
    near.any(|line| line.contains("{{")).then(|| {
        "this looks like a template that was not rendered (`{{`); give `check` its result, such as that of `helm \
         template` or `kustomize build`"
            .to_owned()
    })
}

const fn is_about_quotes(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar
            | ErrorKind::InvalidTrailingSingleQuotedScalar
            | ErrorKind::InvalidTrailingDoubleQuotedScalar
    )
}

/// Returns the words for an error of the scanner, or `None` if those of the library serve.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library has words for all others, and may add some")]
fn of_scanner(kind: &ErrorKind) -> Option<String> {
    let words = match kind {
        ErrorKind::UnknownAnchor => {
            "this alias (`*name`) has no anchor (`&name`) before it in the same document; anchors end at `---`, so \
             write the anchor here too, or the value itself"
        }
        ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "a tab stands where YAML has only spaces; indent with spaces",
        ErrorKind::UnclosedFlowCollection { open } => {
            return Some(format!("this `{open}` is never closed; add its closing bracket"));
        }
        ErrorKind::UnexpectedEofFlowSequence => "a `[` is never closed; add `]`",
        ErrorKind::UnexpectedEofFlowMapping | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            "a `{` is never closed; add `}`"
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            "this bracket closes nothing; remove it, or add the opening one"
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return Some(format!("a `{open}` is closed by `{close}`; use the bracket that fits"));
        }
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::ExpectedFlowMappingSeparator => {
            "here a comma or the closing bracket is missing"
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::MappingKeyNotAllowed => {
            "a `key: value` may not stand here; indent it as the lines around it, or, if it is a text with `: ` in it, \
             put the text in quotes"
        }
        ErrorKind::InvalidColonPlacement => {
            "a `:` may not stand here; was a `[` or `{` above it never closed?"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "this line has no `:`; write `key: value`, or indent it below the text that it continues"
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidBlockScalarIndent => {
            "the indentation of this line fits none of the lines above; indent it like its neighbours"
        }
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => {
            "an item (`- `) may not stand here; begin a list on a line of its own"
        }
        ErrorKind::UnexpectedCharacter { character } => {
            let character = character.escape_debug();
            return Some(format!("`{character}` may not begin a value; put the value in quotes"));
        }
        ErrorKind::PlainScalarStartsWithDashFlowIndicator => "put this value in quotes",
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => {
            "`\\` begins an escape in double quotes, and this one does not exist; write `\\\\`, or use single quotes"
        }
        ErrorKind::RecursionLimitExceeded => "the document is nested too deep",
        ErrorKind::BomInsideDocument => "a byte order mark stands inside the text; remove it",
        _ => return None,
    };
    Some(words.to_owned())
}

/// Returns the words for an error behind the scanner, or `None` if those of the library serve.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library has words for all others, and may add some")]
fn of_parser(error: &Error) -> Option<String> {
    let words = match error {
        Error::AliasError { error, .. } => return of_parser(error),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            let twice = if key.is_empty() {
                "a key is written twice in one mapping".to_owned()
            } else {
                format!("the key `{key}` is written twice in one mapping")
            };
            let is_of_object = matches!(key, "apiVersion" | "kind" | "metadata" | "spec");
            let cure = if is_of_object {
                "; is a line `---` missing before a second object?"
            } else {
                "; remove one of them"
            };
            return Some(twice + cure);
        }
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "the aliases (`*name`) of this document stand for too much; write the values out"
        }
        Error::UnknownAnchor { .. } => return of_scanner(&ErrorKind::UnknownAnchor),
        Error::Budget { .. } => "the document is too large, or nested too deep; split it",
        Error::Unexpected { expected: "string scalar", .. } => {
            "a mapping or a list is no name of a field; put a text that begins with `{` or `[` in quotes"
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "`<<` merges mappings only; give it an alias of one",
        Error::NonFiniteFloat { value, .. } => {
            return Some(format!("`{value}` is no number in JSON; write a number, or put it in quotes"));
        }
        Error::UnsupportedTag { tag, .. } => {
            return Some(format!("the tag `{tag}` means nothing to Kubernetes; remove it"));
        }
        Error::Eof { .. } => "the document ends too early",
        Error::ContainerEndMismatch { .. } => "a bracket closes nothing",
        _ => return None,
    };
    Some(words.to_owned())
}
