//! Lists the annotations of ingress-nginx, which writes values into nginx's configuration file.
//!
//! Documented but not listed: keys that hold configuration or refer to it (snippets, `modsecurity-transaction-id`),
//! that make the proxy connect to other servers (`mirror-target`, `influxdb-host`), that copy headers from ConfigMaps
//! into the configuration of all tenants (`custom-headers`, `auth-proxy-set-headers`, `fastcgi-params-configmap`), and
//! that gave access to the configuration before (`auth-tls-match-cn`, CVE-2025-1097).
//!
//! Since CVE-2025-1974 the controller does not test the configuration at admission, and nginx refuses to load all of
//! it for one wrong value. So values that reach the file are judged by the grammar that nginx reads. The controller
//! itself parses the booleans and numbers for its own code, and ignores wrong ones.

use crate::judging::annotations::AllowedValue::{
    CacheTimes, Ciphers, Codes, Duration, Header, Headers, KeptAlive, LoginUrl, NginxPattern, NginxPatterns,
    Number, Object, ObjectWithNamespace, OneOf, Origins, Plain, ProxyBuffers, Ranges, Regex, Rewrite, Size,
    SomeOf, Url, Variables, Word,
};
use crate::judging::annotations::Controller;

const ON_OFF: &[&str] = &["on", "off"];

/// Lists the values that nginx knows for `proxy_next_upstream`.
pub(super) const UPSTREAM_FAILURES: &[&str] = &[
    "error",
    "http_403",
    "http_404",
    "http_429",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "invalid_header",
    "non_idempotent",
    "off",
    "timeout",
];

pub(super) const INGRESS_NGINX: Controller = Controller {
    prefixes: &["nginx.ingress.kubernetes.io"],
    keys: &[
        (
            Word,
            &[
                "add-base-url",
                "affinity",
                "affinity-canary-behavior",
                "affinity-mode",
                "auth-always-set-cookie",
                "auth-keepalive-share-vars",
                "auth-method",
                "auth-secret-type",
                "auth-signin-redirect-param",
                "auth-tls-pass-certificate-to-upstream",
                "auth-tls-verify-client",
                "auth-type",
                "backend-protocol",
                "base-url-scheme",
                "canary",
                "canary-by-cookie",
                "cors-allow-credentials",
                "default-backend",
                "disable-proxy-intercept-errors",
                "enable-access-log",
                "enable-cors",
                "enable-global-auth",
                "enable-modsecurity",
                "enable-opentelemetry",
                "enable-opentracing",
                "enable-owasp-core-rules",
                "enable-rewrite-log",
                "force-ssl-redirect",
                "grpc-backend",
                "hsts",
                "hsts-include-subdomains",
                "hsts-preload",
                "http2-push-preload",
                "load-balance",
                "mirror-request-body",
                "opentelemetry-trust-incoming-span",
                "opentracing-trust-incoming-span",
                "preserve-trailing-slash",
                "proxy-add-original-uri-header",
                "proxy-protocol",
                "relative-redirects",
                "secure-backends",
                "server-tokens",
                "service-upstream",
                "session-cookie-change-on-failure",
                "session-cookie-conditional-samesite-none",
                "session-cookie-domain",
                "session-cookie-hash",
                "session-cookie-name",
                "session-cookie-partitioned",
                "session-cookie-samesite",
                "session-cookie-secure",
                "ssl-passthrough",
                "ssl-prefer-server-ciphers",
                "ssl-redirect",
                "upstream-hash-by-subset",
                "use-http2",
                "use-port-in-redirects",
                "use-proxy-protocol",
                "use-regex",
            ],
        ),
        (
            Plain,
            &[
                "auth-realm",
                "canary-by-header-value",
                "connection-proxy-header",
                "fastcgi-index",
                "global-rate-limit",
                "global-rate-limit-window",
                "opentelemetry-operation-name",
                "proxy-ssl-name",
                "service-match",
                "session-cookie-path",
                "websocket-services",
            ],
        ),
        (
            Number(999_999_999),
            &[
                "auth-keepalive-requests",
                "canary-weight",
                "canary-weight-total",
                "cors-max-age",
                "hsts-max-age",
                "limit-burst-multiplier",
                "limit-rate",
                "limit-rate-after",
                "limit-rpm",
                "limit-rps",
                "proxy-next-upstream-tries",
                "session-cookie-expires",
                "session-cookie-max-age",
                "upstream-hash-by-subset-size",
                "upstream-max-fails",
            ],
        ),
        (
            Duration,
            &[
                "auth-keepalive-timeout",
                "proxy-connect-timeout",
                "proxy-next-upstream-timeout",
                "proxy-read-timeout",
                "proxy-send-timeout",
                "upstream-fail-timeout",
            ],
        ),
        // nginx counts connections in 16 bits.
        (Number(65_535), &["limit-connections"]),
        (Number(599), &["limit-req-status-code", "permanent-redirect-code", "temporal-redirect-code"]),
        (Number(100), &["auth-tls-verify-depth", "proxy-ssl-verify-depth"]),
        // What each request may send, and what nginx may write to the disk for it: one TiB.
        (Size(1 << 30), &["client-max-body-size", "proxy-body-size", "proxy-max-temp-file-size"]),
        // What nginx allocates for each request: 64 MiB.
        (Size(1 << 16), &["client-body-buffer-size"]),
        (ProxyBuffers, &["proxy-buffer-size", "proxy-buffers-number", "proxy-busy-buffers-size"]),
        (CacheTimes, &["auth-cache-duration"]),
        (Codes, &["custom-http-errors"]),
        (Header, &["canary-by-header"]),
        (
            Headers,
            &["auth-response-headers", "cors-allow-headers", "cors-expose-headers", "proxy-pass-headers"],
        ),
        (Origins, &["cors-allow-origin"]),
        (
            SomeOf(&["*", "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]),
            &["cors-allow-methods"],
        ),
        (Ciphers, &["proxy-ssl-ciphers", "ssl-ciphers"]),
        (SomeOf(&["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]), &["proxy-ssl-protocols"]),
        (
            OneOf(ON_OFF),
            &["proxy-buffering", "proxy-request-buffering", "proxy-ssl-server-name", "proxy-ssl-verify"],
        ),
        (OneOf(&["1.0", "1.1"]), &["proxy-http-version"]),
        (OneOf(&["any", "all"]), &["satisfy"]),
        (SomeOf(UPSTREAM_FAILURES), &["proxy-next-upstream"]),
        (
            Variables,
            &[
                "app-root",
                "auth-cache-key",
                "auth-request-redirect",
                "global-rate-limit-key",
                "permanent-redirect",
                "temporal-redirect",
                "upstream-hash-by",
                "upstream-vhost",
                "x-forwarded-prefix",
            ],
        ),
        (Rewrite, &["rewrite-target"]),
        (NginxPattern, &["proxy-redirect-from", "proxy-redirect-to"]),
        (NginxPatterns, &["proxy-cookie-domain", "proxy-cookie-path"]),
        (Regex, &["canary-by-header-pattern"]),
        (
            Ranges,
            &[
                "allowlist-source-range",
                "denylist-source-range",
                "global-rate-limit-ignored-cidrs",
                "limit-allowlist",
                "limit-whitelist",
                "whitelist-source-range",
            ],
        ),
        (Object, &["auth-secret"]),
        // It does not find these Secrets by their names alone.
        (ObjectWithNamespace, &["auth-tls-secret", "proxy-ssl-secret"]),
        (LoginUrl, &["auth-signin", "auth-url"]),
        (Url, &["auth-tls-error-page"]),
        // https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/annotations/authreq/main.go
        (KeptAlive, &["auth-keepalive"]),
    ],
    source: "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/",
    ..Controller::EMPTY
};
