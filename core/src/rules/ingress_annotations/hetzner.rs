//! Lists the annotations of Hetzner's load balancers of Services.
//!
//! The documented keys that are not listed are of the same kind as in [`super::cloud_services`].

use crate::judging::annotations::AllowedValue::{Cluster, Hosts, Plain};
use crate::judging::annotations::Controller;

/// No key may name a load balancer: the controller would take an existing one for the Service's.
pub(super) const HETZNER: Controller = Controller {
    prefixes: &["load-balancer.hetzner.cloud"],
    keys: &[
        (
            Plain,
            &[
                "algorithm-type",
                "disable-private-ingress",
                "disable-public-network",
                "http-certificate-type",
                "http-cookie-lifetime",
                "http-cookie-name",
                "http-redirect-http",
                "http-sticky-sessions",
                "ipv6-disabled",
                "location",
                "network-zone",
                "protocol",
                "type",
                "use-private-ip",
                "uses-proxyprotocol",
            ],
        ),
        (Hosts, &["hostname", "http-managed-certificate-domains"]),
        (Cluster, &["id", "ipv4", "ipv4-rdns", "ipv6", "ipv6-rdns"]),
    ],
    beginnings: &[(Plain, &["health-check-"])],
    source: "https://github.com/hetznercloud/hcloud-cloud-controller-manager/blob/main/docs/reference",
    ..Controller::EMPTY
};
