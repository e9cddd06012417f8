//! Lists the annotations of Tencent Cloud's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const TENCENT: Controller = Controller {
    prefixes: &["service.kubernetes.io", "service.cloud.tencent.com", "kubernetes.io"],
    within: &["loadbalance-", "local-svc-", "qcloud-", "tke-", "service."],
    keys: &[(
        Plain,
        &[
            "loadbalance-type",
            "local-svc-only-bind-node-with-pod",
            "local-svc-weighted-balance",
            "qcloud-loadbalancer-internet-charge-type",
            "qcloud-loadbalancer-internet-max-bandwidth-out",
        ],
    )],
    source: "https://www.tencentcloud.com/document/product/457/38983",
    ..Controller::EMPTY
};

pub(super) const TENCENT_TKE: Controller = Controller {
    prefixes: &["cloud.tencent.com", "networking.cloud.tencent.com"],
    source: "https://www.tencentcloud.com/document/product/457/37014",
    ..Controller::EMPTY
};
