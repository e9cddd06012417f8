//! Ambassador. It programs Envoy by an API, and not by text.
//!
//! Not listed though documented: `config`, which holds whole routes.

use super::table::Family;
use super::table::Takes::Word;

pub(super) const AMBASSADOR: Family = Family {
    prefixes: &["getambassador.io"],
    within: &[],
    keys: &[(Word, &["ambassador-id", "resource-changed"])],
};
