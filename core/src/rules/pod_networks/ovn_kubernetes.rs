//! Lists the annotations of OVN-Kubernetes on pods; the network plugin itself writes those that are listed.
//!
//! Documented but not listed: keys that make a pod the gateway of other namespaces (`routing-namespaces`, `routing-
//! network`).

use crate::judging::annotations::AllowedValue::Controllers;
use crate::judging::annotations::Controller;

pub(super) const OVN_KUBERNETES: Controller = Controller {
    prefixes: &["k8s.ovn.org"],
    keys: &[(Controllers, &["l3-gateway-config", "ovn-udn-ips", "pod-networks", "primary-udn-ipamclaim"])],
    source: "https://ovn-kubernetes.io/design/topology/",
    ..Controller::EMPTY
};
