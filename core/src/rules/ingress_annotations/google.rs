//! Lists the annotations of Google's load balancer controllers, which pass values to an API.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (subnets, security groups, addresses by name, buckets for logs, target groups).

use crate::judging::annotations::AllowedValue::{Controllers, Plain, Text, Word};
use crate::judging::annotations::Controller;

/// Google's and Huawei's keys on Ingresses.
///
/// The whole project shares the names of Google's addresses and certificates. Huawei's keys name existing load
/// balancers.
pub(super) const GCE_INGRESS: Controller = Controller {
    prefixes: &["kubernetes.io"],
    within: &["ingress.", "elb."],
    keys: &[(Word, &["ingress.allow-http", "ingress.provider"])],
    source: "https://cloud.google.com/kubernetes-engine/docs/how-to/load-balance-ingress",
    ..Controller::EMPTY
};

pub(super) const GCP: Controller = Controller {
    prefixes: &[
        "networking.gke.io",
        "ingress.gcp.kubernetes.io",
        "cloud.google.com",
        "beta.cloud.google.com",
    ],
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
    source: "https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters",
    ..Controller::EMPTY
};
