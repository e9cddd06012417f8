//! MetalLB, kube-vip, Cilium and others that hand out addresses of Services where there is no cloud.
//!
//! What is not listed though documented is the same as in [`super::cloud_services`].

use super::table::Family;
use super::table::Takes::{Addresses, Plain};

/// What hands out addresses where there is no cloud. Pools have no owner, so none may be named.
pub(super) const BARE_METAL: Family = Family {
    prefixes: &[
        "metallb.universe.tf",
        "metallb.io",
        "kube-vip.io",
        "io.cilium",
        "lbipam.cilium.io",
        "service.cilium.io",
        "purelb.io",
        // It has pods in the system's namespace tolerate what a Service says.
        "svccontroller.k3s.cattle.io",
    ],
    within: &[],
    keys: &[
        (Addresses, &["addresses", "ips", "lb-ipam-ips", "loadbalancerIPs", "loadBalancerIPs"]),
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
};
