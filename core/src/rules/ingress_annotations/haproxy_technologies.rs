//! Lists the annotations of HAProxy Technologies' controller.
//!
//! It writes values into HAProxy's configuration file. The documented keys that are not listed are of the same kind as
//! in [`super::haproxy_ingress`].

use super::table::AllowedValue::{Object, Pattern, Patterns, Plain, Ranges};
use super::table::Controller;

pub(super) const HAPROXY_TECH: Controller = Controller {
    prefixes: &["haproxy.org", "haproxy.com"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "abortonclose",
                "auth-realm",
                "auth-type",
                "check",
                "check-http",
                "check-interval",
                "cookie-persistence",
                "cookie-persistence-no-dynamic",
                "cors-allow-credentials",
                "cors-allow-headers",
                "cors-allow-methods",
                "cors-allow-origin",
                "cors-enable",
                "cors-max-age",
                "cors-respond-to-options",
                "forwarded-for",
                "hsts",
                "load-balance",
                "maxconn",
                "pod-maxconn",
                "rate-limit-period",
                "rate-limit-requests",
                "rate-limit-size",
                "rate-limit-status-code",
                "request-redirect-code",
                "response-set-header",
                "scale-server-slots",
                "send-proxy-protocol",
                "server-proto",
                "server-slots",
                "server-ssl",
                "set-host",
                "src-ip-header",
                "ssl-passthrough",
                "ssl-redirect",
                "ssl-redirect-code",
                "ssl-redirect-port",
                "timeout-*",
            ],
        ),
        (Pattern, &["request-redirect"]),
        (Patterns, &["path-rewrite"]),
        (Ranges, &["allow-list", "blacklist", "deny-list", "rate-limit-whitelist", "whitelist"]),
        (Object, &["auth-secret", "server-ca", "server-crt"]),
    ],
};
