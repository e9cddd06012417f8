//! Lists the annotations of Kube-OVN on pods; its controller writes those that are listed.
//!
//! A second network has keys of the domain `<provider>.ovn.kubernetes.io` and the like.

use crate::judging::annotations::AllowedValue::Controllers;
use crate::judging::annotations::Controller;

pub(super) const KUBE_OVN: Controller = Controller {
    prefixes: &["ovn.kubernetes.io", "kubernetes.io.ovn", "kubeovn.io"],
    keys: &[(
        Controllers,
        &[
            "allocated",
            "cidr",
            "gateway",
            "ip_address",
            "logical_router",
            "logical_switch",
            "mac_address",
            "pod_nic_type",
            "provider_network",
            "routed",
            "vlan_id",
            "vpc",
        ],
    )],
    source: "https://kubeovn.github.io/docs/stable/en/reference/annotation/",
    ..Controller::EMPTY
};
