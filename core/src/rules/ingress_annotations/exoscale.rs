//! Lists the annotations of Exoscale's network load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const EXOSCALE: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["exoscale-loadbalancer-"],
    keys: &[(
        Plain,
        &[
            "exoscale-loadbalancer-description",
            "exoscale-loadbalancer-service-healthcheck-interval",
            "exoscale-loadbalancer-service-healthcheck-mode",
            "exoscale-loadbalancer-service-healthcheck-port",
            "exoscale-loadbalancer-service-healthcheck-retries",
            "exoscale-loadbalancer-service-healthcheck-timeout",
            "exoscale-loadbalancer-service-healthcheck-uri",
            "exoscale-loadbalancer-service-strategy",
        ],
    )],
    source: "https://github.com/exoscale/exoscale-cloud-controller-manager/blob/master/docs/service-loadbalancer.md",
    ..Controller::EMPTY
};
