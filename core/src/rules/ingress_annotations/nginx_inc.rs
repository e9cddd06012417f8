//! Lists the annotations of NGINX Inc.'s controller and of App Protect, its firewall.
//!
//! The controller writes values into nginx's configuration file. The documented keys that are not listed are of the
//! same kind as in [`super::ingress_nginx`].

use super::table::AllowedValue::{Object, Parts, Pattern, Patterns, Plain, Word};
use super::table::Controller;

pub(super) const NGINX_INC: Controller = Controller {
    prefixes: &["nginx.org", "nginx.com", "nsm.nginx.com"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "basic-auth-realm",
                "client-body-buffer-size",
                "client-max-body-size",
                "fail-timeout",
                "grpc-services",
                "health-checks",
                "health-checks-mandatory",
                "health-checks-mandatory-queue",
                "hsts",
                "hsts-behind-proxy",
                "hsts-include-subdomains",
                "hsts-max-age",
                "http-redirect-code",
                "internal-route",
                "jwt-realm",
                "keepalive",
                "limit-req-burst",
                "limit-req-delay",
                "limit-req-dry-run",
                "limit-req-log-level",
                "limit-req-no-delay",
                "limit-req-rate",
                "limit-req-reject-code",
                "limit-req-scale",
                "limit-req-zone-size",
                "max-conns",
                "max-fails",
                "mergeable-ingress-type",
                "path-regex",
                "proxy-buffer-size",
                "proxy-buffering",
                "proxy-buffers",
                "proxy-busy-buffers-size",
                "proxy-connect-timeout",
                "proxy-hide-headers",
                "proxy-max-temp-file-size",
                "proxy-next-upstream",
                "proxy-next-upstream-timeout",
                "proxy-next-upstream-tries",
                "proxy-pass-headers",
                "proxy-read-timeout",
                "proxy-send-timeout",
                "redirect-to-https",
                "server-tokens",
                "slow-start",
                "ssl-ciphers",
                "ssl-prefer-server-ciphers",
                "ssl-redirect",
                "ssl-services",
                "upstream-zone-size",
                "use-cluster-ip",
                "websocket-services",
            ],
        ),
        (Parts, &["rewrites", "sticky-cookie-services"]),
        (Pattern, &["app-root", "rewrite-target"]),
        (Patterns, &["lb-method"]),
        (Object, &["basic-auth-secret", "jwt-key"]),
    ],
};

pub(super) const APP_PROTECT: Controller = Controller {
    prefixes: &["appprotect.f5.com", "appprotectdos.f5.com"],
    within: &[],
    keys: &[
        (Word, &["app-protect-enable", "app-protect-security-log-enable"]),
        (Object, &["app-protect-dos-resource", "app-protect-policy", "app-protect-security-log"]),
    ],
};
