//! Paths in a JSON tree, as JSON pointers.

use serde_json::{Value, json};

use crate::dice::Dice;

/// A path to somewhere in the objects of a review, or now and then in the rest of it.
pub(super) fn pick_path(review: &Value, dice: &mut Dice) -> String {
    let mut path = match dice.below(8) {
        0 => "/request".to_owned(),
        1 | 2 => "/request/oldObject".to_owned(),
        _ => "/request/object".to_owned(),
    };
    // Most of metadata decides nothing, so it is entered one time in four.
    if review.pointer(&path).is_some_and(|object| object["spec"].is_object()) && !dice.one_in(4) {
        path.push_str("/spec");
    }
    let mut here = review.pointer(&path).unwrap_or(&Value::Null);
    for _ in 0..16 {
        let (key, child) = match here {
            Value::Object(fields) if !fields.is_empty() => {
                let Some((key, child)) = fields.iter().nth(dice.below(fields.len())) else { break };
                (key.replace('~', "~0").replace('/', "~1"), child)
            }
            Value::Array(items) if !items.is_empty() => {
                let index = dice.below(items.len());
                (index.to_string(), &items[index])
            }
            _ => break,
        };
        path.push('/');
        path.push_str(&key);
        here = child;
        if dice.one_in(8) {
            break;
        }
    }
    path
}

/// Puts a value at a path, and what is missing above it.
pub(super) fn set(tree: &mut Value, path: &str, value: Value) {
    let mut here = tree;
    for token in path.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let is_index = here.is_array();
        here = if let (true, Ok(index)) = (is_index, token.parse::<usize>()) {
            let Some(items) = here.as_array_mut() else { return };
            let index = index.min(items.len());
            if index == items.len() {
                items.push(Value::Null);
            }
            &mut items[index]
        } else {
            if here.is_null() && token == "0" {
                *here = json!([null]);
                let Some(first) = here.get_mut(0) else { return };
                first
            } else {
                if !here.is_object() {
                    *here = json!({});
                }
                &mut here[token]
            }
        };
    }
    *here = value;
}

/// Takes away what is at a path.
pub(super) fn remove(tree: &mut Value, path: &str) {
    let Some((parent, token)) = path.rsplit_once('/') else { return };
    match tree.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&token.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Some(index) = token.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
