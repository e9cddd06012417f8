//! Which mistakes only follow from others.
//!
//! An object with flaws is looked at without what was flawed, and what is then missing in it is no mistake of
//! its own: the flaw is told already.

use partywall_core::api::Mistake;

use crate::manifests::{Flaw, FlawKind};

/// Whether `mistake`, found in what the `flaws` of the same object have left, only follows from one of them.
pub(super) fn is_consequence(mistake: &Mistake, flaws: &[Flaw]) -> bool {
    flaws.iter().any(|flaw| {
        is_at_or_below(&flaw.path, &mistake.path)
            || is_missing_beside(mistake, flaw)
            || is_about_pools(mistake, flaw)
    })
}

/// Whether `path` is `above` or in it.
fn is_at_or_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What is missing may be what the flaw was meant to be.
fn is_missing_beside(mistake: &Mistake, flaw: &Flaw) -> bool {
    mistake.value.is_empty() && parent(&mistake.path) == parent(&flaw.path)
}

/// Which tolerations are foreign follows from `nodePools`, which an unknown field may have been meant to be.
fn is_about_pools(mistake: &Mistake, flaw: &Flaw) -> bool {
    let is_unknown_field = parent(&flaw.path) == "spec" && flaw.kind == FlawKind::UnknownField;
    let is_foreign = is_at_or_below(&mistake.path, "spec.tolerations") && mistake.path.ends_with(']');
    is_foreign && (is_unknown_field || is_at_or_below(&flaw.path, "spec.nodePools"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}
