//! A `List` of v1, as `kubectl get -o yaml` writes it → its items.

use serde_json::Value;

use super::flaws::{self, Flaw};

/// Whether the document says that it is a List.
pub(crate) fn is_list(document: &Value) -> bool {
    document.get("kind").and_then(Value::as_str) == Some("List")
}

/// The items of a List, and all that is wrong with what is around them.
pub(crate) fn items(document: Value, flaws: &mut Vec<Flaw>) -> Vec<Value> {
    const FIELDS: [&str; 4] = ["apiVersion", "kind", "metadata", "items"];
    let mut flaw = |path: &str, value: &Value, message| {
        flaws.push((path.to_owned(), flaws::excerpt(value), message));
    };
    let Value::Object(mut fields) = document else { return Vec::new() };
    for (field, value) in fields.iter().filter(|(field, _)| !FIELDS.contains(&field.as_str())) {
        flaw(field, value, flaws::unknown_field(field, &FIELDS));
    }
    if let Some(version) = fields.get("apiVersion").filter(|version| *version != "v1") {
        flaw("apiVersion", version, "a List is an object of Kubernetes; write `apiVersion: v1`".to_owned());
    }
    match fields.remove("items") {
        Some(Value::Array(items)) if !items.is_empty() => items,
        Some(empty @ (Value::Array(_) | Value::Null)) => {
            flaw("items", &empty, "this List holds no object; delete it or fill it".to_owned());
            Vec::new()
        }
        Some(other) => {
            flaw("items", &other, flaws::mismatch("array", &other));
            Vec::new()
        }
        None => {
            flaws.push(("items".to_owned(), String::new(), "missing field `items`".to_owned()));
            Vec::new()
        }
    }
}
