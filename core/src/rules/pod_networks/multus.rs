//! Lists the annotations of Multus, which attach a pod to further networks.
//!
//! A network in a namespace of the tenant is the tenant's own.

use crate::judging::annotations::AllowedValue::{Any, Networks};
use crate::judging::annotations::Controller;

pub(super) const MULTUS: Controller = Controller {
    prefixes: &["k8s.v1.cni.cncf.io", "v1.multus-cni.io", "cni.cncf.io"],
    keys: &[(Networks, &["networks"]), (Any, &["network-status", "networks-status", "resource-map"])],
    source: "https://github.com/k8snetworkplumbingwg/multus-cni/blob/master/docs/how-to-use.md",
    ..Controller::EMPTY
};
