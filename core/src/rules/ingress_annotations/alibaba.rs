//! Lists the annotations of Alibaba Cloud's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const ALIBABA: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["alibaba-cloud-loadbalancer-", "alicloud-loadbalancer-"],
    keys: &[(
        Plain,
        &[
            "alibaba-cloud-loadbalancer-acl-status",
            "alibaba-cloud-loadbalancer-acl-type",
            "alibaba-cloud-loadbalancer-address-type",
            "alibaba-cloud-loadbalancer-bandwidth",
            "alibaba-cloud-loadbalancer-charge-type",
            "alibaba-cloud-loadbalancer-cookie",
            "alibaba-cloud-loadbalancer-cookie-timeout",
            "alibaba-cloud-loadbalancer-delete-protection",
            "alibaba-cloud-loadbalancer-established-timeout",
            "alibaba-cloud-loadbalancer-forward-port",
            "alibaba-cloud-loadbalancer-health-check-connect-port",
            "alibaba-cloud-loadbalancer-health-check-connect-timeout",
            "alibaba-cloud-loadbalancer-health-check-flag",
            "alibaba-cloud-loadbalancer-health-check-httpcode",
            "alibaba-cloud-loadbalancer-health-check-interval",
            "alibaba-cloud-loadbalancer-health-check-timeout",
            "alibaba-cloud-loadbalancer-health-check-type",
            "alibaba-cloud-loadbalancer-health-check-uri",
            "alibaba-cloud-loadbalancer-healthy-threshold",
            "alibaba-cloud-loadbalancer-http2-enabled",
            "alibaba-cloud-loadbalancer-idle-timeout",
            "alibaba-cloud-loadbalancer-instance-charge-type",
            "alibaba-cloud-loadbalancer-ip-version",
            "alibaba-cloud-loadbalancer-modification-protection",
            "alibaba-cloud-loadbalancer-persistence-timeout",
            "alibaba-cloud-loadbalancer-protocol-port",
            "alibaba-cloud-loadbalancer-proxy-protocol",
            "alibaba-cloud-loadbalancer-region",
            "alibaba-cloud-loadbalancer-request-timeout",
            "alibaba-cloud-loadbalancer-scheduler",
            "alibaba-cloud-loadbalancer-spec",
            "alibaba-cloud-loadbalancer-sticky-session",
            "alibaba-cloud-loadbalancer-sticky-session-type",
            "alibaba-cloud-loadbalancer-tls-cipher-policy",
            "alibaba-cloud-loadbalancer-unhealthy-threshold",
            "alibaba-cloud-loadbalancer-xforwardedfor-protocol",
        ],
    )],
    source: "https://github.com/kubernetes/cloud-provider-alibaba-cloud/blob/master/docs/usage.md",
    ..Controller::EMPTY
};
