//! Kong, Contour, APISIX, Skipper and Ambassador: they program their proxies by an API, and not by text.
//!
//! Not listed though documented: what is a route or a filter in itself (`zalando.org/skipper-predicate` and its like),
//! what takes Services of other namespaces, and Kong's `override`, which is a whole route.

use super::table::Family;
use super::table::Takes::{Controllers, Hosts, Namespace, Pattern, Plain, Plugins, Ranges, Text, Word};

pub(super) const KONG: Family = Family {
    prefixes: &["konghq.com", "configuration.konghq.com", "plugins.konghq.com"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "connect-timeout",
                "headers-separator",
                "headers.*",
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
};

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

pub(super) const APISIX: Family = Family {
    prefixes: &["k8s.apisix.apache.org"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "auth-type",
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
    ],
};

pub(super) const SKIPPER: Family = Family {
    prefixes: &["zalando.org"],
    within: &[],
    keys: &[
        (
            Word,
            &[
                "aws-load-balancer-http2",
                "aws-load-balancer-scheme",
                "aws-load-balancer-ssl-policy",
                "aws-load-balancer-type",
                "skipper-backend-protocol",
                "skipper-ingress-path-mode",
                "skipper-loadbalancer",
            ],
        ),
        (Text, &["backend-weights"]),
    ],
};

pub(super) const AMBASSADOR: Family = Family {
    prefixes: &["getambassador.io"],
    within: &[],
    keys: &[(Word, &["ambassador-id", "resource-changed"])],
};

/// Controllers of whose annotations none is on a list.
pub(super) const OTHERS: Family = Family {
    prefixes: &[
        "ako.vmware.com",
        "aviinfrasetting.ako.vmware.com",
        "bfe.ingress.kubernetes.io",
        "caddy.ingress.kubernetes.io",
        "cis.f5.com",
        "easegress.ingress.kubernetes.io",
        "eip.openelb.kubesphere.io",
        "higress.io",
        "ingress.appscode.com",
        "ingress.cilium.io",
        "ingress.citrix.com",
        "ingress.pomerium.io",
        "inlets.dev",
        "k8s.ngrok.com",
        "lb.kubesphere.io",
        "loxilb.io",
        "mse.ingress.kubernetes.io",
        "projectcalico.org",
        "service.antrea.io",
        "tailscale.com",
        "tyk.io",
        "virtual-server.f5.com",
    ],
    within: &[],
    keys: &[],
};
