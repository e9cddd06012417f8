//! Finds the mistakes that only follow from flaws of structure.
//!
//! An object is compiled without the fields that have flaws. A mistake about a field that is missing for this reason is
//! not reported, since the flaw is.

use partywall_core::api::Mistake;

use crate::manifests::{Flaw, FlawKind};

/// Returns whether `mistake` only follows from one of the `flaws` of the same object.
pub(super) fn is_consequence(mistake: &Mistake, flaws: &[Flaw]) -> bool {
    flaws.iter().any(|flaw| {
        is_at_or_below(&flaw.path, &mistake.path)
            || is_missing_beside(mistake, flaw)
            || is_about_pools(mistake, flaw)
    })
}

/// Returns whether `path` is `above` or below it.
fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A missing field may be the one that has the flaw beside it.
fn is_missing_beside(mistake: &Mistake, flaw: &Flaw) -> bool {
    mistake.value.is_empty() && parent(&mistake.path) == parent(&flaw.path)
}

/// Returns whether a toleration may be foreign only because `nodePools` has a flaw, or is misspelt as an unknown field.
pub(super) fn is_about_pools(mistake: &Mistake, flaw: &Flaw) -> bool {
    let is_unknown_field = parent(&flaw.path) == "spec" && flaw.kind == FlawKind::UnknownField;
    let is_foreign = is_at_or_below(&mistake.path, "spec.tolerations") && mistake.path.ends_with(']');
    is_foreign && (is_unknown_field || is_at_or_below(&flaw.path, "spec.nodePools"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}
