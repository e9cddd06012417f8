//! What the rules read of an object's metadata.

use serde_json::value::RawValue;

use crate::json::{Annotations, List, Text, record};

record! {
    /// What is read of an object's metadata.
    pub struct Metadata<'a> {
        /// The name; empty for a generated one that is not generated yet.
        name: Text<'a> = "name",
        /// What a generated name begins with.
        generate_name: Text<'a> = "generateName",
        /// The annotations.
        annotations: Annotations<'a> = "annotations",
        /// The labels, unread: of hardly any object do they matter.
        labels: Option<&'a RawValue> = "labels",
        /// Who owns the object; the tenant may write what it likes here.
        owner_references: List<OwnerReference<'a>> = "ownerReferences",
    }
}

record! {
    /// An owner of an object.
    pub struct OwnerReference<'a> {
        /// The group and version of its kind.
        api_version: Text<'a> = "apiVersion",
        /// Its kind.
        kind: Text<'a> = "kind",
        /// Its name.
        name: Text<'a> = "name",
        /// Which of that name.
        uid: Text<'a> = "uid",
        /// Whether it is the one controller.
        controller: bool = "controller",
    }
}
