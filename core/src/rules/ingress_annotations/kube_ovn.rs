//! Knows the annotations of Kube-OVN on Services: they choose networks (VPCs, switches) and addresses, and announce
//! these. Its keys have any domain below its own. None is listed.

use crate::judging::annotations::Controller;

pub(super) const KUBE_OVN: Controller = Controller {
    prefixes: &["ovn.kubernetes.io", "kubeovn.io"],
    source: "https://kubeovn.github.io/docs/stable/en/reference/annotation/",
    ..Controller::EMPTY
};
