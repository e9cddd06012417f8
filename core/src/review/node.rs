//! Decodes the node of an old pod.

use std::marker::PhantomData;

use serde_json::value::RawValue;

use crate::json::{Text, borrowed, reader};

borrowed! {
    /// Holds only the node of a pod.
    struct PodWithNode<'a> {
        /// The spec.
        spec: SpecWithNode<'a> = "spec",
    }
}

borrowed! {
    /// Holds only the node of a spec.
    struct SpecWithNode<'a> {
        /// The node's name.
        node_name: Text<'a> = "nodeName",
    }
}

/// Returns the node that the raw JSON of a pod names.
///
/// Returns `None` if the pod names no node or does not decode. The function costs less than decoding the pod.
pub fn node_of(raw: &RawValue) -> Option<Text<'_>> {
    let pod = reader::from_str(PhantomData::<PodWithNode<'_>>, raw.get()).ok()?;
    Some(pod.spec.node_name).filter(|node| !node.is_empty())
}
