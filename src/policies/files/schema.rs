//! Finds all flaws of structure: fields that are unknown, missing, of a wrong type or a wrong value.
//!
//! Serde stops at the first mistake, so this walks a value along the schema of its type. It understands the keywords
//! that `schemars` writes for the types of [`partywall_core::api`]; a test checks that there are no others.
//!
//! Values with flaws are removed, so that the rest can be compiled. A list ends before its first item with a flaw, so
//! that the indices of the remaining items stay right.
//!
//! INVARIANT: serde reads a value that passes, and also the rest of a usable value with flaws.

use partywall_core::tenancy::{did_you_mean, keyed};
use serde_json::{Map, Value};

use crate::manifests::Flaw;

/// The result of a check.
pub(super) struct Checked {
    pub(super) flaws: Vec<Flaw>,
    /// True if all required fields remain.
    pub(super) is_usable: bool,
}

/// Finds all flaws of `value`, whose path is `path`, and removes the values that have them.
///
/// `written` is the same value with the words that YAML takes for booleans.
pub(super) fn check(schema: &Value, path: &str, value: &mut Value, written: Option<&Value>) -> Checked {
    let mut walker = Walker { root: schema, flaws: Vec::new() };
    let is_usable = walker.walk(schema, Location { path, written }, value);
    Checked { flaws: walker.flaws, is_usable }
}

/// Walks values along one schema.
struct Walker<'s> {
    root: &'s Value,
    flaws: Vec<Flaw>,
}

/// The path of a value, and the value as it is written.
#[derive(Clone, Copy)]
struct Location<'p> {
    path: &'p str,
    written: Option<&'p Value>,
}

impl Walker<'_> {
    /// Walks a value; returns whether its rest is usable.
    fn walk(&mut self, schema: &Value, location: Location<'_>, value: &mut Value) -> bool {
        let root = self.root;
        let schema = resolve(root, schema);
        if is_nullable(schema) && value.is_null() {
            return true;
        }
        if let Some(some) = some_of(schema) {
            return self.walk(some, location, value);
        }
        if let Some(words) = words(schema) {
            return self.word(&words, location, value);
        }
        match (type_of(schema), value) {
            (Some("object"), Value::Object(fields)) => self.fields(schema, location, fields),
            (Some("array"), Value::Array(items)) => {
                self.items(schema, location, items);
                true
            }
            (Some("string"), Value::String(_)) | (Some("boolean"), Value::Bool(_)) | (None, _) => true,
            (Some("integer"), Value::Number(number)) if number.is_i64() || number.is_u64() => true,
            (Some("number"), Value::Number(_)) => true,
            (Some(expected), value) => self.flaw(Flaw::mismatch(location.path, value, expected)),
        }
    }

    fn items(&mut self, schema: &Value, location: Location<'_>, items: &mut Vec<Value>) {
        let Some(schema) = schema.get("items") else { return };
        let mut whole = items.len();
        for (index, value) in items.iter_mut().enumerate() {
            let path = format!("{}[{index}]", location.path);
            let written = location.written.and_then(|written| written.get(index));
            let before = self.flaws.len();
            if !self.walk(schema, Location { path: &path, written }, value) || self.flaws.len() > before {
                whole = whole.min(index);
            }
        }
        items.truncate(whole);
    }

    fn fields(&mut self, schema: &Value, location: Location<'_>, fields: &mut Map<String, Value>) -> bool {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let required = || required.clone().filter_map(Value::as_str);
        for name in required().filter(|name| !fields.contains_key(*name)) {
            let meaning = known
                .and_then(|known| known.get(name)?.get("description")?.as_str())
                .map(|text| format!(": {}", sentence(text)))
                .unwrap_or_default();
            let message = format!("missing field `{name}`{meaning}");
            self.flaws.push(Flaw::without_value(keyed(location.path, name), message));
        }
        fields.retain(|name, value| {
            let path = keyed(location.path, name);
            let written = location.written.and_then(|written| written.get(name));
            match (known.and_then(|known| known.get(name)), others) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                    self.walk(schema, Location { path: &path, written }, value)
                }
                (None, Some(Value::Bool(false))) => {
                    let names: Vec<_> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    self.flaw(Flaw::unknown_field(&path, value, name, &names))
                }
                (None, _) => true,
            }
        });
        required().all(|name| fields.contains_key(name))
    }

    fn word(&mut self, words: &[&str], location: Location<'_>, value: &mut Value) -> bool {
        if let (Value::Bool(_), Some(word @ Value::String(_))) = (&*value, location.written) {
            // Users don't think of quoting `off`, so the word counts.
            *value = word.clone();
        }
        let list = || words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match &*value {
            Value::String(word) if words.contains(&word.as_str()) => true,
            Value::String(word) => {
                let meant = did_you_mean(word, words.iter().copied());
                let message = format!("unknown value `{word}`{meant}; write one of {}", list());
                self.flaw(Flaw::new(location.path, value, message))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.flaw(Flaw::new(location.path, value, format!("must be one of {}", list())))
            }
        }
    }

    /// Notes a flaw; returns false, since the value isn't usable.
    fn flaw(&mut self, flaw: Flaw) -> bool {
        self.flaws.push(flaw);
        false
    }
}

/// Returns the first clause of a field's description, in lower case and without a full stop.
fn sentence(text: &str) -> String {
    let text = text.split(['.', ';']).next().unwrap_or(text).trim();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the schema that a `$ref` refers to.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| root.pointer(reference.strip_prefix('#')?))
        .unwrap_or(schema)
}

fn is_null_type(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn is_nullable(schema: &Value) -> bool {
    let types = schema.get("type").and_then(Value::as_array).into_iter().flatten();
    let any = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    types.filter_map(Value::as_str).any(|kind| kind == "null")
        || any.clone().any(is_null_type)
        || schema.get("nullable") == Some(&Value::Bool(true))
}

/// Returns the schema of an optional value that is present.
fn some_of(schema: &Value) -> Option<&Value> {
    schema.get("anyOf")?.as_array()?.iter().find(|schema| !is_null_type(schema))
}

/// Returns the words that are allowed: those of `enum`, or of `oneOf` if each word has a description.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let words = schema.get("oneOf")?.as_array()?.iter().flat_map(|one| {
        let listed = one.get("enum").and_then(Value::as_array).into_iter().flatten();
        listed.chain(one.get("const")).filter_map(Value::as_str)
    });
    Some(words.collect())
}

fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every keyword that the walker understands, or that doesn't concern structure.
    const UNDERSTOOD: [&str; 15] = [
        "$schema",
        "$defs",
        "$ref",
        "title",
        "description",
        "type",
        "properties",
        "required",
        "items",
        "enum",
        "additionalProperties",
        "anyOf",
        "oneOf",
        "const",
        "default",
    ];

    fn keywords(schema: &Value, found: &mut Vec<String>) {
        let Some(fields) = schema.as_object() else { return };
        for (keyword, value) in fields {
            found.push(keyword.clone());
            match keyword.as_str() {
                "properties" | "$defs" => {
                    value.as_object().unwrap().values().for_each(|schema| keywords(schema, found));
                }
                "anyOf" | "oneOf" => {
                    value.as_array().unwrap().iter().for_each(|schema| keywords(schema, found))
                }
                "items" | "additionalProperties" => keywords(value, found),
                _ => {}
            }
        }
    }

    #[test]
    fn the_schemas_hold_no_keyword_that_is_not_understood() {
        for schema in super::super::document::schemas() {
            let mut found = Vec::new();
            keywords(schema, &mut found);
            for keyword in found {
                assert!(UNDERSTOOD.contains(&keyword.as_str()), "{keyword} in {schema:#}");
            }
        }
    }
}
