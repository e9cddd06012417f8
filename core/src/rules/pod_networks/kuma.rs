//! Lists the annotations of Kuma on pods.
//!
//! Documented but not listed: the mesh, gateways, and what the proxy does not see.

use crate::judging::annotations::AllowedValue::Word;
use crate::judging::annotations::Controller;

pub(super) const KUMA: Controller = Controller {
    prefixes: &["kuma.io"],
    keys: &[(
        Word,
        &["envoy-admin-port", "sidecar-env-vars", "sidecar-injected", "sidecar-injection", "sidecar-uid"],
    )],
    source: "https://kuma.io/docs/latest/reference/kubernetes-annotations/",
    ..Controller::EMPTY
};
