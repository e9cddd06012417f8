//! Lists the annotations of Linode's NodeBalancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::{Plain, Text};
use crate::judging::annotations::Controller;

pub(super) const LINODE: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["linode-loadbalancer-"],
    keys: &[
        (
            Plain,
            &[
                "linode-loadbalancer-algorithm",
                "linode-loadbalancer-check-attempts",
                "linode-loadbalancer-check-body",
                "linode-loadbalancer-check-interval",
                "linode-loadbalancer-check-passive",
                "linode-loadbalancer-check-path",
                "linode-loadbalancer-check-timeout",
                "linode-loadbalancer-check-type",
                "linode-loadbalancer-default-protocol",
                "linode-loadbalancer-default-proxy-protocol",
                "linode-loadbalancer-enable-ipv6-ingress",
                "linode-loadbalancer-nodebalancer-type",
                "linode-loadbalancer-preserve",
                "linode-loadbalancer-proxy-protocol",
                "linode-loadbalancer-stickiness",
                "linode-loadbalancer-tags",
                "linode-loadbalancer-throttle",
                "linode-loadbalancer-udp-check-port",
            ],
        ),
        (Text, &["linode-loadbalancer-port"]),
    ],
    beginnings: &[(Text, &["linode-loadbalancer-port-"])],
    source: "https://linode.github.io/linode-cloud-controller-manager/configuration/annotations.html",
    ..Controller::EMPTY
};
