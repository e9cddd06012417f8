//! Takes Lists apart into their items.

use serde_json::Value;

use super::flaws::Flaw;

/// The Lists that are taken apart, and how strictly they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// A `List` of v1 at the top of a document, with all flaws around its items.
    Strict,
    /// A List of any kind, also inside another one, as kubectl accepts them.
    AnyKind,
}

/// The content of a document or of an item.
pub(super) enum Content {
    /// Anything but a List.
    Object(Value),
    /// The items of a List, and the flaws around them.
    Items(Vec<Value>, Vec<Flaw>),
}

/// Takes a document apart if it is a List that counts as one.
pub(super) fn take_apart(document: Value, lists: Lists, is_in_list: bool) -> Content {
    let kind = document.get("kind").and_then(Value::as_str);
    match lists {
        Lists::Strict if kind == Some("List") && !is_in_list => strict(document),
        Lists::Strict => Content::Object(document),
        Lists::AnyKind => match kind.and_then(|kind| kind.strip_suffix("List")).map(str::to_owned) {
            Some(item_kind) => of_kind(document, &item_kind),
            None => Content::Object(document),
        },
    }
}

fn strict(document: Value) -> Content {
    const FIELDS: [&str; 4] = ["apiVersion", "kind", "metadata", "items"];
    let mut flaws = Vec::new();
    let Value::Object(mut fields) = document else { return Content::Object(document) };
    for (field, value) in fields.iter().filter(|(field, _)| !FIELDS.contains(&field.as_str())) {
        flaws.push(Flaw::unknown_field(field, value, field, &FIELDS));
    }
    if let Some(version) = fields.get("apiVersion").filter(|version| *version != "v1") {
        let message = "a List is an object of Kubernetes; write `apiVersion: v1`";
        flaws.push(Flaw::new("apiVersion", version, message));
    }
    let items = match fields.remove("items") {
        Some(Value::Array(items)) if !items.is_empty() => items,
        Some(empty @ (Value::Array(_) | Value::Null)) => {
            flaws.push(Flaw::new("items", &empty, "this List holds no object; delete it or fill it"));
            Vec::new()
        }
        Some(other) => {
            flaws.push(Flaw::mismatch("items", &other, "array"));
            Vec::new()
        }
        None => {
            flaws.push(Flaw::without_value("items", "missing field `items`"));
            Vec::new()
        }
    };
    Content::Items(items, flaws)
}

/// Takes a `List` or a `PodList` apart, in which the items may leave out their kind and apiVersion.
fn of_kind(mut document: Value, item_kind: &str) -> Content {
    let Some(Value::Array(items)) = document.get_mut("items") else {
        if item_kind.is_empty() {
            let flaw = Flaw::without_value("", "a List needs `items`, a list of objects");
            return Content::Items(Vec::new(), vec![flaw]);
        }
        return Content::Object(document);
    };
    let mut items = std::mem::take(items);
    let version = document.get("apiVersion");
    for item in &mut items {
        if let (Value::Object(fields), false) = (item, item_kind.is_empty()) {
            fields.entry("kind").or_insert_with(|| Value::from(item_kind));
            if let Some(version) = version {
                fields.entry("apiVersion").or_insert_with(|| version.clone());
            }
        }
    }
    Content::Items(items, Vec::new())
}
