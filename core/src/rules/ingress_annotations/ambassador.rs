//! Lists the annotations of Ambassador, which configures Envoy by an API and not by text.
//!
//! Documented but not listed: `config`, which holds whole routes.

use super::table::Family;
use super::table::Takes::Word;

pub(super) const AMBASSADOR: Family = Family {
    prefixes: &["getambassador.io"],
    within: &[],
    keys: &[(Word, &["ambassador-id", "resource-changed"])],
};
