//! Lists the annotations of Scaleway's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const SCALEWAY: Controller = Controller {
    prefixes: &["service.beta.kubernetes.io", "service.alpha.kubernetes.io", "service.kubernetes.io"],
    within: &["scw-loadbalancer-"],
    keys: &[(
        Plain,
        &[
            "scw-loadbalancer-connection-rate-limit",
            "scw-loadbalancer-enable-access-logs",
            "scw-loadbalancer-enable-http3",
            "scw-loadbalancer-forward-port-algorithm",
            "scw-loadbalancer-health-check-delay",
            "scw-loadbalancer-health-check-http-code",
            "scw-loadbalancer-health-check-http-match",
            "scw-loadbalancer-health-check-http-method",
            "scw-loadbalancer-health-check-http-uri",
            "scw-loadbalancer-health-check-https-code",
            "scw-loadbalancer-health-check-https-method",
            "scw-loadbalancer-health-check-https-uri",
            "scw-loadbalancer-health-check-max-retries",
            "scw-loadbalancer-health-check-port",
            "scw-loadbalancer-health-check-send-proxy",
            "scw-loadbalancer-health-check-timeout",
            "scw-loadbalancer-health-check-transient-delay",
            "scw-loadbalancer-health-check-type",
            "scw-loadbalancer-max-connections",
            "scw-loadbalancer-max-retries",
            "scw-loadbalancer-on-marked-down-action",
            "scw-loadbalancer-protocol-http",
            "scw-loadbalancer-proxy-protocol-v1",
            "scw-loadbalancer-proxy-protocol-v2",
            "scw-loadbalancer-redispatch-attempt-count",
            "scw-loadbalancer-send-proxy-v2",
            "scw-loadbalancer-sticky-sessions",
            "scw-loadbalancer-sticky-sessions-cookie-name",
            "scw-loadbalancer-timeout-client",
            "scw-loadbalancer-timeout-connect",
            "scw-loadbalancer-timeout-queue",
            "scw-loadbalancer-timeout-server",
            "scw-loadbalancer-timeout-tunnel",
            "scw-loadbalancer-type",
            "scw-loadbalancer-zone",
        ],
    )],
    source: "https://github.com/scaleway/scaleway-cloud-controller-manager/blob/master/docs",
    ..Controller::EMPTY
};
