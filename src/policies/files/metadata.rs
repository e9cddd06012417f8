//! Checks the metadata of an object of partywall.

use partywall_core::api::ACKNOWLEDGE;
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

/// Returns the paths of the warnings that the object acknowledges, and notes a value that is no string.
pub(super) fn acknowledged(metadata: Option<&Value>, flaws: &mut Vec<Flaw>) -> Vec<String> {
    match metadata.and_then(|metadata| metadata.get("annotations")?.get(ACKNOWLEDGE)) {
        Some(Value::String(paths)) => {
            paths.split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect()
        }
        Some(other) => {
            flaws.push(Flaw::mismatch(format!("metadata.annotations[{ACKNOWLEDGE}]"), other, "string"));
            Vec::new()
        }
        None => Vec::new(),
    }
}
