//! Lists the annotations of APISIX, which configures its proxy by an API and not by text.
//!
//! Documented but not listed: keys that name Services of other namespaces.

use crate::judging::annotations::AllowedValue::{LoginUrl, Namespace, Pattern, Plain, Ranges, Word};
use crate::judging::annotations::Controller;

pub(super) const APISIX: Controller = Controller {
    prefixes: &["k8s.apisix.apache.org"],
    keys: &[
        (
            Plain,
            &[
                "auth-client-headers",
                "auth-request-headers",
                "auth-ssl-verify",
                "auth-type",
                "auth-upstream-headers",
                "cors-allow-headers",
                "cors-allow-methods",
                "cors-allow-origin",
                "csrf-key",
                "enable-cors",
                "enable-csrf",
                "enable-websocket",
                "http-allow-methods",
                "http-block-methods",
                "http-redirect-code",
                "http-to-https",
                "timeout.connect",
                "timeout.read",
                "timeout.send",
                "upstream-retries",
                "upstream-scheme",
                "use-regex",
            ],
        ),
        (
            Pattern,
            &["http-redirect", "rewrite-target", "rewrite-target-regex", "rewrite-target-regex-template"],
        ),
        (Ranges, &["allowlist-source-range", "blocklist-source-range"]),
        (Word, &["plugin-config-name"]),
        (Namespace, &["svc-namespace"]),
        (LoginUrl, &["auth-uri"]),
    ],
    source: "https://apisix.apache.org/docs/ingress-controller/concepts/annotations/",
    ..Controller::EMPTY
};
