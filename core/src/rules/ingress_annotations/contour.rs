//! Lists the annotations of Contour, which configures Envoy by an API and not by text.
//!
//! Documented but not listed: keys that name Services of other namespaces.

use crate::judging::annotations::AllowedValue::{Namespace, Pattern, Plain};
use crate::judging::annotations::Controller;

pub(super) const CONTOUR: Controller = Controller {
    prefixes: &["projectcontour.io", "contour.heptio.com"],
    keys: &[
        (
            Plain,
            &[
                "max-connections",
                "max-pending-requests",
                "max-requests",
                "max-retries",
                "num-retries",
                "per-host-max-connections",
                "per-try-timeout",
                "request-timeout",
                "response-timeout",
                "retry-on",
                "tls-maximum-protocol-version",
                "tls-minimum-protocol-version",
            ],
        ),
        (Pattern, &["websocket-routes"]),
        (Namespace, &["tls-cert-namespace"]),
    ],
    beginnings: &[(Plain, &["upstream-protocol."])],
    source: "https://projectcontour.io/docs/main/config/annotations/",
    ..Controller::EMPTY
};
