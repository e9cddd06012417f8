//! The controllers of Google's load balancers. They take values by an API.
//!
//! Not listed though documented: what names things of the whole account or network, which may be another tenant's
//! (subnets, security groups, addresses by name, buckets for logs, target groups).

use super::table::Family;
use super::table::Takes::{Controllers, Plain, Text, Word};

/// Google's, of Ingresses: its addresses and certificates have names that the whole project shares. And Huawei's, where
/// keys name load balancers that are there already.
pub(super) const GCE_INGRESS: Family = Family {
    prefixes: &["kubernetes.io"],
    within: &["ingress.", "elb."],
    keys: &[(Word, &["ingress.allow-http", "ingress.provider"])],
};

pub(super) const GCP: Family = Family {
    prefixes: &[
        "networking.gke.io",
        "ingress.gcp.kubernetes.io",
        "cloud.google.com",
        "beta.cloud.google.com",
    ],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "internal-load-balancer-allow-global-access",
                "l4-rbs",
                "load-balancer-type",
                "managed-certificates",
                "network-tier",
                "v1beta1.FrontendConfig",
                "weighted-load-balancing",
            ],
        ),
        (Text, &["app-protocols", "backend-config", "neg", "ports"]),
        (Controllers, &["neg-status"]),
    ],
};
