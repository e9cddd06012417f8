//! Checks the metadata of an object of partywall.

use serde_json::{Map, Value};

use crate::manifests::Flaw;

/// All fields that `kubectl get -o yaml` prints are accepted.
const FIELDS: [&str; 14] = [
    "name",
    "generateName",
    "labels",
    "annotations",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "finalizers",
    "ownerReferences",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Returns the name of the object, and notes all flaws of its metadata.
pub(super) fn name(metadata: Option<&Value>, flaws: &mut Vec<Flaw>) -> Option<String> {
    let none = Map::new();
    let fields = match metadata {
        Some(Value::Object(fields)) => fields,
        Some(other) => {
            flaws.push(Flaw::mismatch("metadata", other, "object"));
            return None;
        }
        None => &none,
    };
    for (field, value) in fields.iter().filter(|(field, _)| !FIELDS.contains(&field.as_str())) {
        let path = format!("metadata.{field}");
        flaws.push(if field == "namespace" {
            Flaw::new(path, value, "this object is the cluster's and is in no namespace; remove the field")
        } else {
            Flaw::unknown_field(path, value, field, &FIELDS)
        });
    }
    match fields.get("name") {
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => {
            flaws.push(Flaw::mismatch("metadata.name", other, "string"));
            None
        }
        None => {
            flaws.push(Flaw::without_value("metadata.name", "missing field `metadata.name`"));
            None
        }
    }
}
