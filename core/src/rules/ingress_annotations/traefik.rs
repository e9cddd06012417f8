//! Lists the annotations of Traefik.
//!
//! Traefik makes rules from values, and finds middlewares, options and transports of all namespaces by name.

use crate::judging::annotations::AllowedValue::{Object, Plain, Provided, Ranges, Word};
use crate::judging::annotations::Controller;

pub(super) const TRAEFIK: Controller = Controller {
    prefixes: &["traefik.ingress.kubernetes.io", "traefik.io", "traefik.containo.us"],
    keys: &[
        (
            Word,
            &[
                "router.pathmatcher",
                "router.priority",
                "router.rulesyntax",
                "router.tls",
                "router.tls.certresolver",
                "service.nativelb",
                "service.nodeportlb",
                "service.passhostheader",
                "service.serversscheme",
                "service.sticky",
            ],
        ),
        (Plain, &["router.entrypoints", "service.sticky.cookie"]),
        // Keys of its first version.
        (
            Word,
            &[
                "affinity",
                "load-balancer-method",
                "pass-host-header",
                "preserve-host",
                "priority",
                "protocol",
                "redirect-entry-point",
                "redirect-permanent",
                "rule-type",
                "session-cookie-name",
            ],
        ),
        (Plain, &["frontend-entry-points"]),
        (Ranges, &["whitelist-source-range"]),
        (Object, &["auth-secret"]),
        (Provided, &["router.middlewares", "router.tls.options", "service.serverstransport"]),
    ],
    beginnings: &[(Word, &["router.observability."]), (Plain, &["service.sticky.cookie."])],
    source: "https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/",
    ..Controller::EMPTY
};
