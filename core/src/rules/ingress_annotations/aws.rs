//! The AWS Load Balancer Controller, of Ingresses. It takes values by an API.
//!
//! Not listed though documented: what names things of the whole account or network, which may be another tenant's
//! (subnets, security groups, addresses by name, buckets for logs, target groups). Certificates by their ARN are
//! listed: nobody guesses one, and a load balancer of the tenant's serves its hosts alone.

use super::table::Family;
use super::table::Takes::{Actions, Attributes, Group, Pattern, Plain, Ranges, Text};

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
