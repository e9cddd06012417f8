//! The metadata of an object of ours: its name, and what the API server and kubectl write beside it.

use serde_json::{Map, Value};

use crate::manifests::{Flaw, excerpt, mismatch, unknown_field};

/// What `kubectl get -o yaml` shows may be written again.
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

/// The name of the object, and all that is wrong with its metadata.
pub(super) fn name(metadata: Option<&Value>, flaws: &mut Vec<Flaw>) -> Option<String> {
    let mut flaw = |path: &str, value, message| flaws.push((path.to_owned(), value, message));
    let none = Map::new();
    let fields = match metadata {
        Some(Value::Object(fields)) => fields,
        Some(other) => {
            flaw("metadata", excerpt(other), mismatch("object", other));
            return None;
        }
        None => &none,
    };
    for (field, value) in fields.iter().filter(|(field, _)| !FIELDS.contains(&field.as_str())) {
        let message = if field == "namespace" {
            "this object is the cluster's and is in no namespace; remove the field".to_owned()
        } else {
            unknown_field(field, &FIELDS)
        };
        flaw(&format!("metadata.{field}"), excerpt(value), message);
    }
    match fields.get("name") {
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => {
            flaw("metadata.name", excerpt(other), mismatch("string", other));
            None
        }
        None => {
            flaw("metadata.name", String::new(), "missing field `metadata.name`".to_owned());
            None
        }
    }
}
