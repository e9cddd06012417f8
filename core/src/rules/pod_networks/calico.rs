//! Lists the annotations of Calico on pods. The network plugin overwrites those that are listed.
//!
//! Documented but not listed: keys that choose addresses, pools and sources.

use crate::judging::annotations::AllowedValue::Any;
use crate::judging::annotations::Controller;

pub(super) const CALICO: Controller = Controller {
    prefixes: &["projectcalico.org", "tigera.io"],
    keys: &[(Any, &["containerID", "podIP", "podIPs"])],
    source: "https://docs.tigera.io/calico/latest/reference/configure-cni-plugins",
    ..Controller::EMPTY
};
