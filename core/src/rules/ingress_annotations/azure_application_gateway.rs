//! Lists the annotations of Azure's Application Gateway, whose controllers pass values to an API.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (subnets, security groups, addresses by name, buckets for logs, target groups).

use crate::judging::annotations::AllowedValue::{Pattern, Plain};
use crate::judging::annotations::Controller;

pub(super) const APPLICATION_GATEWAY: Controller = Controller {
    prefixes: &["appgw.ingress.kubernetes.io", "azure.application-gateway.io"],
    keys: &[
        (
            Plain,
            &[
                "affinity-cookie-name",
                "backend-hostname",
                "backend-protocol",
                "connection-draining",
                "connection-draining-timeout",
                "cookie-based-affinity",
                "cookie-based-affinity-distinct-name",
                "health-probe-hostname",
                "health-probe-interval",
                "health-probe-port",
                "health-probe-status-codes",
                "health-probe-timeout",
                "health-probe-unhealthy-threshold",
                "request-timeout",
                "rule-priority",
                "ssl-redirect",
                "use-private-ip",
            ],
        ),
        (Pattern, &["backend-path-prefix", "health-probe-path"]),
    ],
    source: "https://azure.github.io/application-gateway-kubernetes-ingress/annotations/",
    ..Controller::EMPTY
};
