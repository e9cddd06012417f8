//! Lists the annotations of Contour, which configures Envoy by an API and not by text.
//!
//! Documented but not listed: keys that name Services of other namespaces.

use super::table::Family;
use super::table::Takes::{Namespace, Pattern, Plain};

pub(super) const CONTOUR: Family = Family {
    prefixes: &["projectcontour.io", "contour.heptio.com"],
    within: &[],
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
                "upstream-protocol.*",
            ],
        ),
        (Pattern, &["websocket-routes"]),
        (Namespace, &["tls-cert-namespace"]),
    ],
};
