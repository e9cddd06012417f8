//! Lists the annotations of Brightbox' load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const BRIGHTBOX: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["brightbox-load-balancer-"],
    keys: &[(
        Plain,
        &[
            "brightbox-load-balancer-healthcheck-interval",
            "brightbox-load-balancer-healthcheck-protocol",
            "brightbox-load-balancer-healthcheck-request",
            "brightbox-load-balancer-healthcheck-threshold-down",
            "brightbox-load-balancer-healthcheck-threshold-up",
            "brightbox-load-balancer-healthcheck-timeout",
            "brightbox-load-balancer-listener-idle-timeout",
            "brightbox-load-balancer-listener-protocol",
            "brightbox-load-balancer-listener-proxy-protocol",
            "brightbox-load-balancer-policy",
            "brightbox-load-balancer-ssl-minimum-version",
        ],
    )],
    source: "https://github.com/brightbox/brightbox-cloud-controller-manager",
    ..Controller::EMPTY
};
