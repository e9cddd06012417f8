//! Turns the schema of a Rust type into a structural schema with bounds.

use serde_json::{Map, Value, json};

/// Says whose schema it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Fields that operators write: unknown ones are preserved, so that the webhook refuses them.
    OfSpec,
    /// Fields that partywall writes.
    OfStatus,
}

/// The most items of a list of names. A tenant may own all namespaces of a large cluster.
const MOST_ITEMS: u64 = 10_000;
/// The most items of a list of objects.
const MOST_OBJECTS: u64 = 256;
/// The longest text: that of a path, a host, or a reason.
const LONGEST: u64 = 1024;
/// The longest message of a condition, as Kubernetes bounds it.
const LONGEST_MESSAGE: u64 = 32_768;
/// The most entries of a map.
const MOST_ENTRIES: u64 = 128;

/// Returns the structural schema of a type.
pub(super) fn structural(root: &Value, bounds: Bounds) -> Value {
    Walker { root, bounds }.walk(root)
}

struct Walker<'r> {
    root: &'r Value,
    bounds: Bounds,
}

impl Walker<'_> {
    fn walk(&self, schema: &Value) -> Value {
        let description = schema.get("description").and_then(Value::as_str);
        let inner = self.resolve(schema);
        let mut made = self.bare(inner);
        // What is said of a field counts before what is said of its type.
        let description = description.or_else(|| inner.get("description").and_then(Value::as_str));
        if let Some(text) = description {
            made.insert("description".to_owned(), with_groups(&in_one_line(text)).into());
        }
        Value::Object(made)
    }

    /// Follows references, and the choice between something and null.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let of_reference = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| self.root.pointer(reference.strip_prefix('#')?));
        if let Some(found) = of_reference {
            return self.resolve(found);
        }
        let some = schema
            .get("anyOf")
            .and_then(Value::as_array)
            .and_then(|any| any.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null")));
        some.map_or(schema, |some| self.resolve(some))
    }

    /// Returns the schema without its description.
    fn bare(&self, schema: &Value) -> Map<String, Value> {
        let words = words(schema);
        if !words.is_empty() {
            return object(json!({"type": "string", "enum": words}));
        }
        match type_of(schema) {
            "object" => self.fields(schema),
            "array" => {
                let items = schema.get("items").map(|items| self.walk(items)).unwrap_or_default();
                let is_object = items.get("type").and_then(Value::as_str) == Some("object");
                let most = if is_object { MOST_OBJECTS } else { MOST_ITEMS };
                let mut list = object(json!({"type": "array", "items": items, "maxItems": most}));
                list.insert("x-kubernetes-list-type".to_owned(), "atomic".into());
                list
            }
            "integer" => object(json!({"type": "integer", "format": "int64"})),
            "boolean" => object(json!({"type": "boolean"})),
            _ => {
                let longest = if self.bounds == Bounds::OfSpec { LONGEST } else { LONGEST_MESSAGE };
                object(json!({"type": "string", "maxLength": longest}))
            }
        }
    }

    fn fields(&self, schema: &Value) -> Map<String, Value> {
        let mut made = object(json!({"type": "object"}));
        if let Some(others @ Value::Object(_)) = schema.get("additionalProperties") {
            made.insert("additionalProperties".to_owned(), self.walk(others));
            made.insert("maxProperties".to_owned(), MOST_ENTRIES.into());
            return made;
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten().map(|(name, schema)| (name.clone(), self.walk(schema)));
        made.insert("properties".to_owned(), Value::Object(fields.collect()));
        if let Some(required) = schema.get("required") {
            made.insert("required".to_owned(), required.clone());
        }
        if self.bounds == Bounds::OfSpec {
            made.insert("x-kubernetes-preserve-unknown-fields".to_owned(), true.into());
        }
        made
    }
}

/// Returns the words that are allowed, if the schema is of words.
fn words(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let one_of = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let of_one = one_of.flat_map(|one| {
        let listed = one.get("enum").and_then(Value::as_array).into_iter().flatten();
        listed.chain(one.get("const"))
    });
    listed.chain(of_one).filter_map(Value::as_str).collect()
}

fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ => "",
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

/// Joins the lines of each paragraph, since readers of a schema break lines themselves.
fn in_one_line(text: &str) -> String {
    let paragraphs = text.split("\n\n");
    let join = |paragraph: &str| {
        if paragraph.contains("\n- ") { paragraph.to_owned() } else { paragraph.replace('\n', " ") }
    };
    paragraphs.map(join).collect::<Vec<_>>().join("\n\n")
}

/// Names the group where a text first names one of partywall's kinds, since others have kinds of these names too.
fn with_groups(text: &str) -> String {
    const KINDS: [&str; 4] = ["NodePool", "TenantClass", "Tenant", "Exemption"];
    let mut named = text.to_owned();
    for kind in KINDS {
        let is_inside = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric());
        let found = named.match_indices(kind).find_map(|(start, _)| {
            let (before, rest) = named.split_at_checked(start)?;
            let rest = rest.strip_prefix(kind)?;
            let plural = ["s", "es"].into_iter().find(|plural| {
                rest.strip_prefix(*plural).is_some_and(|rest| !is_inside(rest.chars().next()))
            });
            let end = start + kind.len() + plural.map_or(0, str::len);
            let (_, after) = named.split_at_checked(end)?;
            let is_word = !is_inside(before.chars().next_back()) && !is_inside(after.chars().next());
            (is_word && !after.starts_with(" of partywall.dev") && !before.ends_with('`')).then_some(end)
        });
        if let Some((before, after)) = found.and_then(|end| named.split_at_checked(end)) {
            named = format!("{before} of partywall.dev{after}");
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_kind_of_a_text_gets_its_group() {
        for (text, becomes) in [
            ("The Tenant's pools.", "The Tenant of partywall.dev's pools."),
            ("Names of NodePools, and a NodePool.", "Names of NodePools of partywall.dev, and a NodePool."),
            ("A TenantClass of Tenants.", "A TenantClass of partywall.dev of Tenants of partywall.dev."),
            ("Nothing of a Tenancy.", "Nothing of a Tenancy."),
        ] {
            assert_eq!(with_groups(text), becomes);
        }
    }
}
