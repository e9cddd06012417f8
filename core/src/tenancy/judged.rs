//! Which kinds a rule is about: those that are known, and those that Settings list.

use super::{ForeignRoute, Snapshot};
use crate::objects::certificate::REQUESTS;
use crate::objects::foreign_apis;
use crate::objects::kinds::{GROUPS, KEPT, Kind, READ_AS_CUSTOM};

/// Whether a rule is about objects of a kind when they are written; that some are only not to be removed does not
/// count.
pub fn is_judged(group: &str, kind: &str, snapshot: &Snapshot) -> bool {
    let is_custom_judged = || {
        READ_AS_CUSTOM.contains(&(group, kind))
            || Kind::is_in_gateway_api(group)
            || REQUESTS.contains(&(group, kind))
            || snapshot.foreign_route(group, kind).is_some()
            || foreign_apis::is_denied(group, kind)
    };
    let known = Kind::of(group, kind);
    known != Kind::Other && (known != Kind::Custom || is_custom_judged())
}

/// Whether a rule is about objects of a kind of this name, in whatever group it is.
pub(crate) fn is_any_judged(kind: &str, foreign_routes: &[ForeignRoute]) -> bool {
    GROUPS.iter().any(|group| !matches!(Kind::of(group, kind), Kind::Other | Kind::Custom))
        || READ_AS_CUSTOM.iter().any(|(_, name)| *name == kind)
        || KEPT.contains(&kind)
        || REQUESTS.iter().any(|(_, name)| *name == kind)
        || foreign_routes.iter().any(|route| *route.kind == *kind)
        || foreign_apis::is_any_denied(kind)
}
