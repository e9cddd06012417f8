//! Recognizes updates that change nothing which a rule reads.

use std::marker::PhantomData;

use serde_json::value::RawValue;

use super::request::GroupKind;
use crate::json::{Annotations, Text, borrowed, reader};
use crate::objects::kinds::Shape;
use crate::objects::unstructured::Unstructured;

borrowed! {
    /// Holds a review with both objects raw.
    struct RawReview<'a> {
        /// The request.
        request: RawObjects<'a> = "request",
    }
}

borrowed! {
    /// Holds the objects of a request, and the fields that tell how they are read.
    struct RawObjects<'a> {
        /// The kind.
        kind: GroupKind<'a> = "kind",
        /// The subresource.
        subresource: Text<'a> = "subResource",
        /// The operation.
        operation: Text<'a> = "operation",
        /// The new object.
        object: Option<&'a RawValue> = "object",
        /// The old object.
        old: Option<&'a RawValue> = "oldObject",
    }
}

borrowed! {
    /// Holds the metadata and the status of an object.
    struct RawObject<'a> {
        /// The metadata.
        metadata: RawMetadata<'a> = "metadata",
        /// The status.
        status: Option<&'a RawValue> = "status",
    }
}

borrowed! {
    /// Holds the metadata that rules read.
    struct RawMetadata<'a> {
        /// The name.
        name: Text<'a> = "name",
        /// The annotations.
        annotations: Annotations<'a> = "annotations",
        /// The labels.
        labels: Option<&'a RawValue> = "labels",
        /// The owners.
        owner_references: Option<&'a RawValue> = "ownerReferences",
    }
}

/// Returns whether a review is an update of an object of which no field changes that a rule reads.
///
/// Those are all fields but the metadata and the status; of the metadata the name, the annotations, the owners and the
/// labels; and in a write to the status, the status. Rules read no labels of what creates pods. The API
/// server writes equal values as equal text, so that a comparison of the texts finds every change.
pub(crate) fn is_unchanged(body: &[u8]) -> bool {
    let review = reader::from_slice(PhantomData::<RawReview<'_>>, body);
    let Ok(RawReview {
        request: RawObjects { kind, subresource, operation, object: Some(new), old: Some(old) },
    }) = review
    else {
        return false;
    };
    let shape = Shape::of(&kind.group, &kind.kind);
    let reads_no_labels =
        matches!(shape, Shape::Workload | Shape::DaemonSet | Shape::CronJob | Shape::PodTemplate);
    &*operation == "UPDATE"
        && has_equal_content(new, old)
        && has_equal_metadata(new, old, !reads_no_labels, &*subresource == "status")
}

fn has_equal_content(new: &RawValue, old: &RawValue) -> bool {
    let (Some(new), Some(old)) = (content(new), content(old)) else { return false };
    new.len() == old.len()
        && new.iter().zip(&old).all(|((field, new), (other, old))| field == other && new.get() == old.get())
}

fn content(raw: &RawValue) -> Option<Vec<(Text<'_>, &RawValue)>> {
    reader::from_str(PhantomData::<Unstructured<'_>>, raw.get()).ok().map(|object| object.content)
}

fn has_equal_metadata(new: &RawValue, old: &RawValue, labels: bool, status: bool) -> bool {
    let read = |raw| reader::from_str(PhantomData::<RawObject<'_>>, RawValue::get(raw)).ok();
    let (Some(new), Some(old)) = (read(new), read(old)) else { return false };
    let is_equal =
        |new: Option<&RawValue>, old: Option<&RawValue>| new.map(RawValue::get) == old.map(RawValue::get);
    new.metadata.name == old.metadata.name
        && new.metadata.annotations == old.metadata.annotations
        && is_equal(new.metadata.owner_references, old.metadata.owner_references)
        && (!labels || is_equal(new.metadata.labels, old.metadata.labels))
        && (!status || is_equal(new.status, old.status))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn is_unchanged_as(kind: &str, subresource: &str, change: impl Fn(&mut Value)) -> bool {
        let old = json!({
            "kind": kind, "spec": {"a": [1, 2]}, "status": {"phase": "Running"},
            "metadata": {
                "name": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["x"],
                "ownerReferences": [{"kind": "Job", "name": "o"}],
            },
        });
        let mut new = old.clone();
        change(&mut new);
        let group = if kind == "NetworkPolicy" { "networking.k8s.io" } else { "" };
        let request = json!({
            "kind": {"group": group, "kind": kind}, "subResource": subresource, "operation": "UPDATE",
            "object": new, "oldObject": old,
        });
        is_unchanged(json!({"request": request}).to_string().as_bytes())
    }

    #[test]
    fn j10_j11_metadata_that_no_rule_reads_is_no_change() {
        let metadata =
            |field: &'static str, value: Value| move |new: &mut Value| new["metadata"][field] = value.clone();
        for kind in ["Pod", "Service", "NetworkPolicy"] {
            assert!(is_unchanged_as(kind, "", |_| {}), "{kind}");
            assert!(is_unchanged_as(kind, "", metadata("finalizers", json!(null))), "{kind}");
            assert!(
                is_unchanged_as(kind, "", metadata("managedFields", json!([{"manager": "m"}]))),
                "{kind}"
            );
            assert!(is_unchanged_as(kind, "", |new| new["status"]["phase"] = json!("Failed")), "{kind}");
            assert!(!is_unchanged_as(kind, "", metadata("annotations", json!({"c": "e"}))), "{kind}");
            assert!(!is_unchanged_as(kind, "", metadata("ownerReferences", json!([]))), "{kind}");
            assert!(!is_unchanged_as(kind, "", |new| new["spec"]["a"][1] = json!(3)), "{kind}");
            assert!(!is_unchanged_as(kind, "", |new| new["more"] = json!(1)), "{kind}");
        }
        assert!(!is_unchanged_as("Pod", "", metadata("labels", json!({}))));
        assert!(!is_unchanged_as("Service", "", metadata("labels", json!({}))));
        assert!(!is_unchanged_as("NetworkPolicy", "", metadata("labels", json!({}))));
        assert!(!is_unchanged_as("Service", "status", |new| new["status"]["phase"] = json!("Failed")));
        assert!(!is_unchanged_as("Pod", "status", |new| new["status"]["phase"] = json!("Failed")));
    }

    #[test]
    fn what_is_no_update_changes_something() {
        for body in [
            r#"{"request": {"operation": "CREATE", "object": {}, "oldObject": {}}}"#,
            r#"{"request": {"operation": "UPDATE", "object": {}}}"#,
            r#"{"request": {"operation": "UPDATE", "object": 1, "oldObject": 1}}"#,
            "[]",
        ] {
            assert!(!is_unchanged(body.as_bytes()), "{body}");
        }
    }
}
