//! Load balancers of clouds for Ingresses and Gateways. They take values by an API.
//!
//! Not listed though documented: what names things of the whole account or network, which may be another tenant's
//! (subnets, security groups, addresses by name, buckets for logs, target groups). Certificates by their ARN or id are
//! listed: nobody guesses one, and a load balancer of the tenant's serves its hosts alone.

use super::table::Family;
use super::table::Takes::{Actions, Attributes, Controllers, Group, Pattern, Plain, Ranges, Text, Word};

/// The AWS Load Balancer Controller, of Ingresses.
pub(super) const ALB: Family = Family {
    prefixes: &["alb.ingress.kubernetes.io"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "auth-on-unauthenticated-request",
                "auth-scope",
                "auth-session-cookie",
                "auth-session-timeout",
                "auth-type",
                "backend-protocol",
                "backend-protocol-version",
                "certificate-arn",
                "enable-frontend-nlb",
                "frontend-nlb-healthcheck-*",
                "frontend-nlb-scheme",
                "group.order",
                "healthcheck-interval-seconds",
                "healthcheck-port",
                "healthcheck-protocol",
                "healthcheck-timeout-seconds",
                "healthy-threshold-count",
                "ip-address-type",
                "listener-attributes.*",
                "manage-backend-security-group-rules",
                "scheme",
                "shield-advanced-protection",
                "ssl-policy",
                "ssl-redirect",
                "success-codes",
                "tags",
                "target-group-attributes",
                "target-type",
                "unhealthy-threshold-count",
                "use-regex-path-match",
                "waf-acl-id",
                "wafv2-acl-arn",
                "wafv2-acl-name",
                "web-acl-id",
            ],
        ),
        (Pattern, &["healthcheck-path"]),
        (Ranges, &["inbound-cidrs"]),
        (Text, &["listen-ports"]),
        (Group, &["group.name"]),
        (Actions, &["actions.*"]),
        (Attributes, &["load-balancer-attributes"]),
    ],
};

/// Google's, of Ingresses: its addresses and certificates have names that the whole project shares. And Huawei's, where
/// keys name load balancers that are there already.
pub(super) const GCE_INGRESS: Family = Family {
    prefixes: &["kubernetes.io"],
    within: &["ingress.", "elb."],
    keys: &[(Word, &["ingress.allow-http", "ingress.provider"])],
};

pub(super) const GCP: Family = Family {
    prefixes: &[
        "networking.gke.io",
        "ingress.gcp.kubernetes.io",
        "cloud.google.com",
        "beta.cloud.google.com",
    ],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "internal-load-balancer-allow-global-access",
                "l4-rbs",
                "load-balancer-type",
                "managed-certificates",
                "network-tier",
                "v1beta1.FrontendConfig",
                "weighted-load-balancing",
            ],
        ),
        (Text, &["app-protocols", "backend-config", "neg", "ports"]),
        (Controllers, &["neg-status"]),
    ],
};

pub(super) const APPLICATION_GATEWAY: Family = Family {
    prefixes: &["appgw.ingress.kubernetes.io", "azure.application-gateway.io"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "affinity-cookie-name",
                "backend-hostname",
                "backend-protocol",
                "connection-draining",
                "connection-draining-timeout",
                "cookie-based-affinity",
                "cookie-based-affinity-distinct-name",
                "health-probe-hostname",
                "health-probe-interval",
                "health-probe-port",
                "health-probe-status-codes",
                "health-probe-timeout",
                "health-probe-unhealthy-threshold",
                "request-timeout",
                "rule-priority",
                "ssl-redirect",
                "use-private-ip",
            ],
        ),
        (Pattern, &["backend-path-prefix", "health-probe-path"]),
    ],
};
