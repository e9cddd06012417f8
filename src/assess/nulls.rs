//! Reads nulls in maps of strings as the API server does: as empty strings.

use serde_json::Value;

/// The fields that are maps of strings, wherever they are.
const MAPS: [&str; 4] = ["annotations", "labels", "matchLabels", "nodeSelector"];

/// Replaces nulls in an object's maps of strings.
pub(super) fn read_as_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                if let (Value::Object(map), true) = (&mut *value, MAPS.contains(&field.as_str())) {
                    map.values_mut().filter(|value| value.is_null()).for_each(|null| *null = "".into());
                } else {
                    read_as_empty(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(read_as_empty),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_in_maps_of_strings_are_empty_and_others_stay() {
        let mut object = json!({
            "metadata": {"annotations": {"a": null, "b": "c"}, "labels": null, "name": null},
            "spec": {"template": {"metadata": {"labels": {"a": null}}, "spec": {"nodeSelector": {"b": null}}}},
        });
        read_as_empty(&mut object);
        let expected = json!({
            "metadata": {"annotations": {"a": "", "b": "c"}, "labels": null, "name": null},
            "spec": {"template": {"metadata": {"labels": {"a": ""}}, "spec": {"nodeSelector": {"b": ""}}}},
        });
        assert_eq!(object, expected);
    }
}
