//! Declares the fields that rules read of metadata.

use serde_json::value::RawValue;

use crate::json::{Annotations, List, Pairs, Text, borrowed};

borrowed! {
    /// Holds the metadata of an object.
    pub struct Metadata<'a> {
        /// The name; empty if the API server has not generated it yet.
        name: Text<'a> = "name",
        /// The prefix of a generated name.
        generate_name: Text<'a> = "generateName",
        /// The annotations.
        annotations: Annotations<'a> = "annotations",
        /// The labels, not decoded, since they matter for few objects.
        labels: Option<&'a RawValue> = "labels",
        /// The owners of the object. A tenant can write any value here.
        owner_references: List<OwnerReference<'a>> = "ownerReferences",
    }
}

impl<'a> Metadata<'a> {
    /// Decodes the labels; `None` means that they do not decode.
    pub(crate) fn decoded_labels(&self) -> Option<Pairs<'a>> {
        match self.labels {
            Some(raw) => {
                serde_json::from_str::<Option<Pairs<'a>>>(raw.get()).ok().map(Option::unwrap_or_default)
            }
            None => Some(Pairs::default()),
        }
    }
}

borrowed! {
    /// Refers to an owner of an object.
    pub struct OwnerReference<'a> {
        /// The group and version of the kind.
        api_version: Text<'a> = "apiVersion",
        /// The kind.
        kind: Text<'a> = "kind",
        /// The name.
        name: Text<'a> = "name",
        /// The uid.
        uid: Text<'a> = "uid",
        /// True if the owner is the managing controller.
        controller: bool = "controller",
    }
}
