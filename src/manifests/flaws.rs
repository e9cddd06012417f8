//! What is wrong with the structure of a document, in words.

use partywall_core::tenancy::did_you_mean;
use serde_json::Value;

/// A mistake of structure: path, value as JSON, message.
pub(crate) type Flaw = (String, String, String);

/// The JSON of a value, cut to what fits a line.
pub(crate) fn excerpt(value: &Value) -> String {
    const LONGEST: usize = 120;
    let json = value.to_string();
    match json.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json,
    }
}

/// `unknown field`, with the name that was likely meant.
pub(crate) fn unknown_field(name: &str, known: &[&str]) -> String {
    let meant = did_you_mean(name, known.iter().copied());
    if meant.is_empty() {
        let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        format!("unknown field `{name}`; the fields here are {list}")
    } else {
        format!("unknown field `{name}`{meant}")
    }
}

/// What is wrong with a value of another type than `expected`.
pub(crate) fn mismatch(expected: &str, value: &Value) -> String {
    match (expected, value) {
        // Not the value itself: it need not be what was written, as `no` and `0755` are not.
        ("string", Value::Number(_) | Value::Bool(_)) => {
            format!("must be a string, and YAML reads this as {}; put it in quotes", named(type_name(value)))
        }
        _ => format!("must be {}, not {}", named(expected), named(type_name(value))),
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

/// A JSON type as people who write YAML call it.
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
