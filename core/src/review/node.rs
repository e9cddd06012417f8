//! Decodes the node and the gates of an old pod.

use std::marker::PhantomData;

use serde_json::value::RawValue;

use crate::json::{List, Text, borrowed, reader};
use crate::objects::pod::SchedulingGate;

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

borrowed! {
    /// Holds only the gates of a pod.
    struct PodWithGates<'a> {
        /// The spec.
        spec: SpecWithGates<'a> = "spec",
    }
}

borrowed! {
    /// Holds only the gates of a spec.
    struct SpecWithGates<'a> {
        /// The gates.
        scheduling_gates: List<SchedulingGate<'a>> = "schedulingGates",
    }
}

/// Returns whether the raw JSON of a pod has scheduling gates.
///
/// Returns `false` if the pod does not decode. The function costs less than decoding the pod.
pub(crate) fn is_gated(raw: &RawValue) -> bool {
    let pod = reader::from_str(PhantomData::<PodWithGates<'_>>, raw.get());
    pod.is_ok_and(|pod| !pod.spec.scheduling_gates.is_empty())
}

/// Returns the node that the raw JSON of a pod names.
///
/// Returns `None` if the pod names no node or does not decode. The function costs less than decoding the pod.
pub fn node_of(raw: &RawValue) -> Option<Text<'_>> {
    let pod = reader::from_str(PhantomData::<PodWithNode<'_>>, raw.get()).ok()?;
    Some(pod.spec.node_name).filter(|node| !node.is_empty())
}
