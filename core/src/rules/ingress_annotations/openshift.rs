//! Lists the annotations of OpenShift's router, which writes values into HAProxy's configuration file.
//!
//! The documented keys that are not listed are of the same kind as in [`super::haproxy_ingress`].

use super::table::AllowedValue::{Parts, Pattern, Plain, Ranges, Word};
use super::table::Controller;

pub(super) const OPENSHIFT: Controller = Controller {
    prefixes: &["haproxy.router.openshift.io", "router.openshift.io", "route.openshift.io"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "balance",
                "cookie-same-site",
                "cookie_name",
                "disable_cookies",
                "h1-adjust-case",
                "haproxy.health.check.interval",
                "pod-concurrent-connections",
                "rate-limit-connections",
                "rate-limit-connections.*",
                "set-forwarded-headers",
                "termination",
                "timeout",
                "timeout-tunnel",
            ],
        ),
        (Parts, &["hsts_header"]),
        (Pattern, &["rewrite-target"]),
        (Ranges, &["ip_allowlist", "ip_whitelist"]),
        (Word, &["destination-ca-certificate-secret"]),
    ],
};
