//! Tells which kinds rules judge: the built-in ones, and those that Settings list.

use super::{ForeignRoute, Snapshot};
use crate::objects::foreign_apis;
use crate::objects::kinds::{KINDS, Shape, Topic, row};

/// Returns whether a rule judges what objects of a kind contain when they are written.
///
/// Kinds of which rules judge only the annotations, or only updates and deletions of managed objects, do not count.
pub fn is_judged(group: &str, kind: &str, snapshot: &Snapshot) -> bool {
    row(group, kind).is_some_and(|row| !matches!(row.topic, Topic::Secrets | Topic::Managed))
        || Shape::is_in_gateway_api(group)
        || snapshot.foreign_route(group, kind).is_some()
        || foreign_apis::is_denied(group, kind)
}

/// Returns whether a rule judges a kind of this name, in any group.
pub(crate) fn is_any_judged(kind: &str, foreign_routes: &[ForeignRoute]) -> bool {
    KINDS.iter().any(|row| row.name == kind)
        || foreign_routes.iter().any(|route| *route.kind == *kind)
        || foreign_apis::is_any_denied(kind)
}
