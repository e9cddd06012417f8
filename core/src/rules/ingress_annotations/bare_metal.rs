//! Lists the annotations of MetalLB, kube-vip, Cilium and others that assign addresses without a cloud.
//!
//! The documented keys that are not listed are of the same kind as in [`super::cloud_services`].

use crate::judging::annotations::AllowedValue::{Addresses, Plain};
use crate::judging::annotations::Controller;

/// Controllers that assign addresses without a cloud.
///
/// Their pools have no owner, so no key may name one.
pub(super) const BARE_METAL: Controller = Controller {
    prefixes: &[
        "metallb.universe.tf",
        "metallb.io",
        "kube-vip.io",
        "io.cilium",
        "lbipam.cilium.io",
        "service.cilium.io",
        "purelb.io",
        // It makes pods in the system's namespace tolerate what a Service lists.
        "svccontroller.k3s.cattle.io",
    ],
    keys: &[
        (Addresses, &["addresses", "ips", "lb-ipam-ips", "loadBalancerIPs", "loadbalancerIPs"]),
        (
            Plain,
            &[
                "affinity",
                "allocated-by",
                "allocated-from",
                "forwarding-mode",
                "global",
                "global-service",
                "ip-allocated-from-pool",
                "lb-algorithm",
                "lb-l7",
                "lb-l7-algorithm",
                "service-affinity",
                "shared",
                "shared-service",
                "src-ranges-policy",
                "type",
                "vipHost",
            ],
        ),
    ],
    source: "https://metallb.io/usage/",
    ..Controller::EMPTY
};
