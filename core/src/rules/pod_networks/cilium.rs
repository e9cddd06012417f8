//! Lists the annotations of Cilium on pods.
//!
//! Documented but not listed: keys that choose pools of addresses and networks.

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const CILIUM: Controller = Controller {
    prefixes: &["cilium.io", "io.cilium"],
    keys: &[(Plain, &["prefer-local-redirect", "proxy-visibility"])],
    source: "https://docs.cilium.io/en/stable/network/concepts/ipam/multi-pool/",
    ..Controller::EMPTY
};
