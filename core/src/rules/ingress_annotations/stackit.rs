//! Lists the annotations of STACKIT's load balancers.
//!
//! Documented but not listed: keys that name objects of the whole account or network, which may be another tenant's
//! (load balancers, addresses, networks, certificates).

use crate::judging::annotations::AllowedValue::Plain;
use crate::judging::annotations::Controller;

pub(super) const STACKIT: Controller = Controller {
    prefixes: &["lb.stackit.cloud", "yawol.stackit.cloud"],
    keys: &[(
        Plain,
        &[
            "debug",
            "internal-lb",
            "internalLB",
            "ip-mode-proxy",
            "keepFailedReplica",
            "replicas",
            "serverGroupPolicy",
            "service-plan-id",
            "session-persistence-with-source-ip",
            "tcp-idle-timeout",
            "tcp-proxy-protocol",
            "tcp-proxy-protocol-ports-filter",
            "tcpIdleTimeout",
            "tcpProxyProtocol",
            "tcpProxyProtocolPortsFilter",
            "udp-idle-timeout",
            "udpIdleTimeout",
        ],
    )],
    source: "https://github.com/stackitcloud/cloud-provider-stackit/blob/main/docs/load-balancer.md",
    ..Controller::EMPTY
};
