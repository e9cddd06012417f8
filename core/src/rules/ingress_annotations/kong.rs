//! Lists the annotations of Kong, which configures its proxy by an API and not by text.
//!
//! Documented but not listed: `override`, which is a whole route.

use crate::judging::annotations::AllowedValue::{Controllers, Hosts, Pattern, Plain, Plugins, Word};
use crate::judging::annotations::Controller;

pub(super) const KONG: Controller = Controller {
    prefixes: &["konghq.com", "configuration.konghq.com", "plugins.konghq.com"],
    keys: &[
        (
            Plain,
            &[
                "connect-timeout",
                "headers-separator",
                "host-header",
                "https-redirect-status-code",
                "methods",
                "path-handling",
                "preserve-host",
                "protocol",
                "protocols",
                "read-timeout",
                "regex-prefix",
                "regex-priority",
                "request-buffering",
                "response-buffering",
                "retries",
                "strip-path",
                "tags",
                "tls-verify",
                "tls-verify-depth",
                "write-timeout",
            ],
        ),
        (Pattern, &["path", "rewrite"]),
        (Word, &["ca-certificates-secrets", "client-cert", "upstream-policy"]),
        (Plugins, &["plugins"]),
        (Hosts, &["snis"]),
        (Controllers, &["gatewayclass-unmanaged", "publish-service"]),
    ],
    beginnings: &[(Plain, &["headers."])],
    source: "https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/",
    ..Controller::EMPTY
};
