//! Lists the annotations of OVHcloud's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const OVH: Controller = Controller {
    prefixes: &["loadbalancer.ovhcloud.com"],
    keys: &[(Plain, &["flavor"])],
    source: "https://support.us.ovhcloud.com/hc/en-us/articles/35187062037907",
    ..Controller::EMPTY
};

pub(super) const OVH_SERVICES: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["ovh-loadbalancer-"],
    keys: &[(Plain, &["ovh-loadbalancer-balance", "ovh-loadbalancer-proxy-protocol"])],
    source: "https://docs.ovh.com/gb/en/kubernetes/using-lb/",
    ..Controller::EMPTY
};
