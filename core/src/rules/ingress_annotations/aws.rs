//! Lists the annotations of the AWS Load Balancer Controller on Ingresses.
//!
//! It passes values to an API. Documented but not listed: keys that name objects of the whole account or network, which
//! may be another tenant's (subnets, security groups, addresses by name, buckets for logs, target groups). Certificates
//! by their ARN are listed: a tenant cannot guess another's ARN, and its load balancer serves only its own hosts.

use crate::judging::annotations::AllowedValue::{
    Actions, Attributes, Group, LoginProvider, Pattern, Plain, Ranges, Text,
};
use crate::judging::annotations::Controller;

pub(super) const ALB: Controller = Controller {
    prefixes: &["alb.ingress.kubernetes.io"],
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
                "frontend-nlb-scheme",
                "group.order",
                "healthcheck-interval-seconds",
                "healthcheck-port",
                "healthcheck-protocol",
                "healthcheck-timeout-seconds",
                "healthy-threshold-count",
                "ip-address-type",
                "manage-backend-security-group-rules",
                "minimum-load-balancer-capacity",
                "multi-cluster-target-group",
                "scheme",
                "shield-advanced-protection",
                "ssl-policy",
                "ssl-redirect",
                "success-codes",
                "tags",
                "target-group-attributes",
                "target-node-labels",
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
        (Attributes, &["load-balancer-attributes"]),
        (LoginProvider, &["auth-idp-oidc"]),
    ],
    beginnings: &[(Plain, &["frontend-nlb-healthcheck-", "listener-attributes."]), (Actions, &["actions."])],
    source: "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/",
    ..Controller::EMPTY
};
