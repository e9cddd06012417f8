//! Lists the annotations of NGINX Inc.'s controller and of App Protect, its firewall.
//!
//! The controller writes values into nginx's configuration file. The documented keys that are not listed are of the
//! same kind as in [`super::ingress_nginx`].

use super::ingress_nginx::UPSTREAM_FAILURES;
use crate::judging::annotations::AllowedValue::{
    Buffers, Ciphers, Duration, Headers, LoginUrl, Number, Object, Parts, Plain, Rewrite, Size, SomeOf,
    VariableWords, Variables, Word, Words,
};
use crate::judging::annotations::Controller;

pub(super) const NGINX_INC: Controller = Controller {
    prefixes: &["nginx.org", "nginx.com", "nsm.nginx.com"],
    keys: &[
        (Variables, &["app-root"]),
        (Rewrite, &["rewrite-target"]),
        (Words, &["grpc-services", "ssl-services", "websocket-services"]),
        (
            Word,
            &[
                "health-checks",
                "health-checks-mandatory",
                "hsts",
                "hsts-behind-proxy",
                "hsts-include-subdomains",
                "internal-route",
                "limit-req-dry-run",
                "limit-req-log-level",
                "limit-req-no-delay",
                "limit-req-rate",
                "limit-req-scale",
                "mergeable-ingress-type",
                "path-regex",
                "proxy-buffering",
                "redirect-to-https",
                "server-tokens",
                "ssl-prefer-server-ciphers",
                "ssl-redirect",
                "use-cluster-ip",
            ],
        ),
        (Ciphers, &["ssl-ciphers"]),
        (Headers, &["proxy-hide-headers", "proxy-pass-headers"]),
        (Number(599), &["http-redirect-code", "limit-req-reject-code"]),
        (
            Number(999_999_999),
            &[
                "hsts-max-age",
                "keepalive",
                "limit-req-burst",
                "limit-req-delay",
                "max-conns",
                "max-fails",
                "proxy-next-upstream-tries",
            ],
        ),
        (
            Duration,
            &[
                "fail-timeout",
                "health-checks-mandatory-queue",
                "proxy-connect-timeout",
                "proxy-next-upstream-timeout",
                "proxy-read-timeout",
                "proxy-send-timeout",
                "slow-start",
            ],
        ),
        (Buffers, &["proxy-buffers"]),
        (Size(1 << 16), &["client-body-buffer-size", "proxy-buffer-size", "proxy-busy-buffers-size"]),
        (
            Size(1 << 30),
            &[
                "client-max-body-size",
                "limit-req-zone-size",
                "proxy-max-temp-file-size",
                "upstream-zone-size",
            ],
        ),
        (Plain, &["basic-auth-realm", "jwt-realm"]),
        (SomeOf(UPSTREAM_FAILURES), &["proxy-next-upstream"]),
        (Parts, &["rewrites", "sticky-cookie-services"]),
        (VariableWords, &["lb-method"]),
        (Object, &["basic-auth-secret", "jwt-key"]),
        (LoginUrl, &["jwt-login-url"]),
    ],
    source: "https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/",
    ..Controller::EMPTY
};

pub(super) const APP_PROTECT: Controller = Controller {
    prefixes: &["appprotect.f5.com", "appprotectdos.f5.com"],
    keys: &[
        (Word, &["app-protect-enable", "app-protect-security-log-enable"]),
        (Object, &["app-protect-dos-resource", "app-protect-policy", "app-protect-security-log"]),
    ],
    source: "https://docs.nginx.com/nginx-ingress-controller/integrations/app-protect-waf/configuration/",
    ..Controller::EMPTY
};
