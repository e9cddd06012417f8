//! Knows the annotations of UpCloud's load balancers: their configuration is one JSON, which can name networks,
//! certificates and other hosts. None is listed.

use crate::judging::annotations::Controller;

pub(super) const UPCLOUD: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["upcloud-load-balancer-"],
    source: "https://upcloud.com/docs/products/managed-kubernetes/configuration/load-balancer/",
    ..Controller::EMPTY
};
