//! Knows the annotations of SPIRE, which give a pod an identity. None is listed.

use crate::judging::annotations::Controller;

pub(super) const SPIFFE: Controller = Controller {
    prefixes: &["spiffe.io"],
    source: "https://github.com/spiffe/spire-controller-manager",
    ..Controller::EMPTY
};
