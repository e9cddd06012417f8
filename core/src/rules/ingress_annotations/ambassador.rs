//! Lists the annotations of Ambassador, which configures Envoy by an API and not by text.
//!
//! Documented but not listed: `config`, which holds whole routes.

use crate::judging::annotations::AllowedValue::Word;
use crate::judging::annotations::Controller;

pub(super) const AMBASSADOR: Controller = Controller {
    prefixes: &["getambassador.io"],
    keys: &[(Word, &["ambassador-id", "resource-changed"])],
    source: "https://www.getambassador.io/docs/emissary/latest/topics/running/ambassador-annotations",
    ..Controller::EMPTY
};
