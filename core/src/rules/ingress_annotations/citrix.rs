//! Knows the annotations of Citrix' (NetScaler's) controller, which configures one appliance for all tenants. None is
//! listed: they name addresses, policies and profiles of the appliance.

use crate::judging::annotations::Controller;

pub(super) const CITRIX: Controller = Controller {
    prefixes: &[
        "ingress.citrix.com",
        "service.citrix.com",
        "route.citrix.com",
        "citrix.com",
        "netscaler.com",
    ],
    source: "https://docs.netscaler.com/en-us/netscaler-k8s-ingress-controller/configure/annotations",
    ..Controller::EMPTY
};
