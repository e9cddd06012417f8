//! Knows the annotations of controllers of hardware and virtual load balancers that no other file has. None is
//! listed.

use crate::judging::annotations::Controller;

pub(super) const APPLIANCES: Controller = Controller {
    prefixes: &[
        "nutanix.com",
        "a10networks.com",
        "radware.com",
        "fortinet.com",
        "paloaltonetworks.com",
        "barracuda.com",
        "kemptechnologies.com",
        "loadbalancer.org",
    ],
    source: "https://kubernetes.io/docs/concepts/services-networking/ingress-controllers/",
    ..Controller::EMPTY
};
