//! Knows the annotations of OVN-Kubernetes on Services and routes: they choose networks and gateways. None is listed.

use crate::judging::annotations::Controller;

pub(super) const OVN_KUBERNETES: Controller =
    Controller { prefixes: &["k8s.ovn.org"], source: "https://ovn-kubernetes.io/", ..Controller::EMPTY };
