//! Lists the annotations of Civo's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const CIVO: Controller = Controller {
    prefixes: &["kubernetes.civo.com"],
    keys: &[(
        Plain,
        &[
            "client-timeout",
            "loadbalancer-algorithm",
            "loadbalancer-enable-proxy-protocol",
            "max-concurrent-requests",
            "server-timeout",
        ],
    )],
    source: "https://www.civo.com/docs/kubernetes/load-balancers",
    ..Controller::EMPTY
};
