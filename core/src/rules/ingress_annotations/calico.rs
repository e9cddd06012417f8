//! Knows the annotations of Calico on Services: they choose addresses and pools. None is listed.

use crate::judging::annotations::Controller;

pub(super) const CALICO: Controller = Controller {
    prefixes: &["projectcalico.org", "tigera.io"],
    source: "https://docs.tigera.io/calico/latest/networking/ipam/",
    ..Controller::EMPTY
};
