//! Lists the annotations of HAProxy Technologies' controller.
//!
//! It writes values into HAProxy's configuration file. The documented keys that are not listed are of the same kind as
//! in [`super::haproxy_ingress`].

use crate::judging::annotations::AllowedValue::{
    Duration, HaproxyText, Number, Object, Pattern, Patterns, Ranges, Word,
};
use crate::judging::annotations::Controller;

pub(super) const HAPROXY_TECH: Controller = Controller {
    prefixes: &["haproxy.org", "haproxy.com"],
    keys: &[
        (
            Word,
            &[
                "abortonclose",
                "auth-type",
                "check",
                "cookie-persistence",
                "cookie-persistence-no-dynamic",
                "cors-allow-credentials",
                "cors-enable",
                "cors-respond-to-options",
                "forwarded-for",
                "send-proxy-protocol",
                "server-proto",
                "server-ssl",
                "src-ip-header",
                "ssl-passthrough",
                "ssl-redirect",
            ],
        ),
        (
            Number(999_999_999),
            &[
                "cors-max-age",
                "maxconn",
                "pod-maxconn",
                "rate-limit-requests",
                "rate-limit-status-code",
                "request-redirect-code",
                "scale-server-slots",
                "server-slots",
                "ssl-redirect-code",
                "ssl-redirect-port",
            ],
        ),
        (Duration, &["check-interval", "rate-limit-period"]),
        (
            HaproxyText,
            &[
                "auth-realm",
                "check-http",
                "cors-allow-headers",
                "cors-allow-methods",
                "cors-allow-origin",
                "hsts",
                "load-balance",
                "rate-limit-size",
                "response-set-header",
                "set-host",
            ],
        ),
        (Pattern, &["request-redirect"]),
        (Patterns, &["path-rewrite"]),
        (Ranges, &["allow-list", "blacklist", "deny-list", "rate-limit-whitelist", "whitelist"]),
        (Object, &["auth-secret", "server-ca", "server-crt"]),
    ],
    beginnings: &[(Duration, &["timeout-"])],
    source: "https://www.haproxy.com/documentation/kubernetes-ingress/community/configuration-reference/ingress/",
    ..Controller::EMPTY
};
