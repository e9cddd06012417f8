//! Lists the annotations of OpenShift's router, which writes values into HAProxy's configuration file.
//!
//! The documented keys that are not listed are of the same kind as in [`super::haproxy_ingress`].

use crate::judging::annotations::AllowedValue::{
    Any, Duration, HaproxyText, Number, Parts, Pattern, Ranges, Word,
};
use crate::judging::annotations::Controller;

pub(super) const OPENSHIFT: Controller = Controller {
    prefixes: &["haproxy.router.openshift.io", "router.openshift.io", "route.openshift.io"],
    keys: &[
        (
            Word,
            &[
                "balance",
                "cookie-same-site",
                "cookie_name",
                "disable_cookies",
                "h1-adjust-case",
                "set-forwarded-headers",
                "termination",
            ],
        ),
        (Number(999_999_999), &["pod-concurrent-connections"]),
        (Duration, &["haproxy.health.check.interval", "timeout", "timeout-tunnel"]),
        (HaproxyText, &["rate-limit-connections"]),
        (Parts, &["hsts_header"]),
        (Pattern, &["rewrite-target"]),
        (Ranges, &["ip_allowlist", "ip_whitelist"]),
        (Word, &["destination-ca-certificate-secret"]),
    ],
    beginnings: &[(HaproxyText, &["rate-limit-connections."])],
    source: "https://docs.openshift.com/container-platform/latest/networking/routes/route-configuration.html",
    ..Controller::EMPTY
};

/// The annotations that other parts of OpenShift read: certificates for a Service's own name, sources of objects.
pub(super) const OTHER_PARTS: Controller = Controller {
    prefixes: &["openshift.io"],
    beginnings: &[(Any, &[""])],
    source: "https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/security_and_compliance",
    ..Controller::EMPTY
};
