//! Knows the annotations of kube-router: none of a pod is harmless.

use crate::judging::annotations::Controller;

pub(super) const KUBE_ROUTER: Controller = Controller {
    prefixes: &["kube-router.io"],
    source: "https://www.kube-router.io/docs/user-guide/",
    ..Controller::EMPTY
};
