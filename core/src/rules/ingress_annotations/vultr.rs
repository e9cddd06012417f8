//! Lists the annotations of Vultr's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const VULTR: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["vultr-loadbalancer-"],
    keys: &[(
        Plain,
        &[
            "vultr-loadbalancer-algorithm",
            "vultr-loadbalancer-backend-protocol",
            "vultr-loadbalancer-healthcheck-check-interval",
            "vultr-loadbalancer-healthcheck-healthy-threshold",
            "vultr-loadbalancer-healthcheck-path",
            "vultr-loadbalancer-healthcheck-port",
            "vultr-loadbalancer-healthcheck-protocol",
            "vultr-loadbalancer-healthcheck-response-timeout",
            "vultr-loadbalancer-healthcheck-unhealthy-threshold",
            "vultr-loadbalancer-https-ports",
            "vultr-loadbalancer-node-count",
            "vultr-loadbalancer-protocol",
            "vultr-loadbalancer-proxy-protocol",
            "vultr-loadbalancer-ssl-redirect",
            "vultr-loadbalancer-sticky-session-cookie-name",
            "vultr-loadbalancer-sticky-session-enabled",
            "vultr-loadbalancer-timeout",
        ],
    )],
    source: "https://github.com/vultr/vultr-cloud-controller-manager/blob/master/docs/load-balancers.md",
    ..Controller::EMPTY
};
