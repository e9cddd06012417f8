//! Flaws in the structure of a document, as an operator reads them.

use partywall_core::api::{Mistake, Place, Source};
use partywall_core::tenancy::did_you_mean;
use serde_json::Value;

use super::locations::Location;
use super::yaml::SyntaxError;

/// A flaw in the structure of a document.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// The path of the field.
    pub(crate) path: String,
    /// The JSON of its value, cut to what fits a line; empty if the value is missing.
    pub(crate) value: String,
    pub(crate) message: String,
    pub(crate) kind: FlawKind,
    /// The place of an error of syntax, which has no path.
    pub(crate) at: Option<Location>,
}

/// The kinds of flaws that other mistakes may follow from in their own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlawKind {
    /// A field that doesn't exist: it may be a misspelt one.
    UnknownField,
    Other,
}

impl Flaw {
    /// Creates the flaw of a value.
    pub(crate) fn new(path: impl Into<String>, value: &Value, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        Self { path, value: excerpt(value), message, kind: FlawKind::Other, at: None }
    }

    /// Creates a flaw that has no value to show, such as a missing field.
    pub(crate) fn without_value(path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        Self { path, value: String::new(), message, kind: FlawKind::Other, at: None }
    }

    /// Creates the flaw of a document that doesn't parse.
    pub(super) fn of_syntax(SyntaxError { at, message }: SyntaxError) -> Self {
        Self { at: Some(at), ..Self::without_value("", message) }
    }

    /// Creates the flaw of a field that is none of the `known` ones, with the one that was probably meant.
    pub(crate) fn unknown_field(path: impl Into<String>, value: &Value, name: &str, known: &[&str]) -> Self {
        let meant = did_you_mean(name, known.iter().copied());
        let message = if meant.is_empty() {
            let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("unknown field `{name}`; the fields here are {list}")
        } else {
            format!("unknown field `{name}`{meant}")
        };
        Self { kind: FlawKind::UnknownField, ..Self::new(path, value, message) }
    }

    /// Creates the flaw of a value that has another type than `expected`.
    pub(crate) fn mismatch(path: impl Into<String>, value: &Value, expected: &str) -> Self {
        let message = match (expected, value) {
            // The message doesn't quote the value, which may differ from the text in the file, as with `no` and `0755`.
            ("string", Value::Number(_) | Value::Bool(_)) => {
                let read_as = named(type_name(value));
                format!("must be a string, and YAML reads this as {read_as}; put it in quotes")
            }
            _ => format!("must be {}, not {}", named(expected), named(type_name(value))),
        };
        Self::new(path, value, message)
    }

    /// Returns the flaw as a mistake in an object of a source.
    pub(crate) fn in_object(self, source: Source, object: String) -> Mistake {
        let Self { path, value, message, kind: _, at } = self;
        let place = at.map(|Location { line, column }| Place { line, column });
        Mistake { source, object, place, path, value, message }
    }
}

/// Returns the JSON of a value, cut to what fits a line.
fn excerpt(value: &Value) -> String {
    const LONGEST: usize = 120;
    let json = value.to_string();
    match json.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Returns a JSON type in the words of people who write YAML.
fn named(kind: &str) -> &str {
    match kind {
        "null" => "empty",
        "boolean" => "a boolean",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "a string",
        "array" => "a list",
        "object" => "a map of fields",
        other => other,
    }
}
