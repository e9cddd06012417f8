//! What is read of an old pod to see where it was.

use std::marker::PhantomData;

use serde_json::value::RawValue;

use crate::json::{Text, reader, record};

record! {
    /// A pod of which only its node is read.
    struct Placed<'a> {
        /// What is asked for.
        spec: PlacedSpec<'a> = "spec",
    }
}

record! {
    /// A spec of which only the node is read.
    struct PlacedSpec<'a> {
        /// The node's name.
        node_name: Text<'a> = "nodeName",
    }
}

/// The node that the raw JSON of a pod names; nothing if it names none or does not decode. It takes less than to decode
/// the pod.
pub fn node_of(pod: &RawValue) -> Option<Text<'_>> {
    let placed = reader::from_str(PhantomData::<Placed<'_>>, pod.get()).ok()?;
    Some(placed.spec.node_name).filter(|node| !node.is_empty())
}
