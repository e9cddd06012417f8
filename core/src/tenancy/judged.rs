//! Tells which kinds rules judge: the built-in ones, and those that Settings list.

use super::{ForeignRoute, Snapshot, WorkloadKind};
use crate::objects::foreign_apis;
use crate::objects::kinds::{KINDS, Shape, row};

/// Returns whether a rule judges objects of a kind.
pub fn is_judged(group: &str, kind: &str, snapshot: &Snapshot) -> bool {
    row(group, kind).is_some()
        || Shape::is_in_gateway_api(group)
        || snapshot.foreign_route(group, kind).is_some()
        || snapshot.workload_kind(group, kind).is_some_and(|kind| kind.template.is_some())
        || foreign_apis::is_denied(group, kind)
}

/// Returns the groups in which Kubernetes and its own extensions have a kind of this name.
pub(super) fn groups_of(kind: &str) -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(move |row| row.name == kind).flat_map(|row| row.groups.iter().copied())
}

/// Returns whether objects of a kind are pods or contain the template of one, in any group.
pub(super) fn has_pod(kind: &str) -> bool {
    let has_pod = |shape| {
        use Shape::{CronJob, DaemonSet, Pod, PodTemplate, Workload};
        matches!(shape, Pod | Workload | DaemonSet | CronJob | PodTemplate)
    };
    KINDS.iter().any(|row| row.name == kind && has_pod(row.shape))
}

/// Returns whether a rule judges a kind of this name, in any group.
pub(crate) fn is_any_judged(
    kind: &str,
    foreign_routes: &[ForeignRoute],
    workload_kinds: &[WorkloadKind],
) -> bool {
    KINDS.iter().any(|row| row.name == kind)
        || workload_kinds.iter().any(|listed| *listed.kind == *kind)
        || foreign_routes.iter().any(|route| *route.kind == *kind)
        || foreign_apis::is_any_denied(kind)
}
