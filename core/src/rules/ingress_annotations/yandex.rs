//! Lists the annotations of Yandex Cloud's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const YANDEX: Controller = Controller {
    prefixes: &["yandex.cloud", "yandex.cpi.flant.com", "ingress.alb.yc.io"],
    keys: &[(
        Plain,
        &[
            "load-balancer-healthcheck-healthy-threshold",
            "load-balancer-healthcheck-interval",
            "load-balancer-healthcheck-port",
            "load-balancer-healthcheck-timeout",
            "load-balancer-healthcheck-unhealthy-threshold",
            "load-balancer-type",
        ],
    )],
    source: "https://yandex.cloud/en/docs/managed-kubernetes/operations/create-load-balancer",
    ..Controller::EMPTY
};
