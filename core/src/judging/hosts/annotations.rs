//! Reads annotations that claim hosts or pass on configuration, on objects of any kind.

use std::fmt;

use serde::de::IgnoredAny;

use super::claims::HostClaims;
use crate::json::Text;
use crate::judging::Digest;

/// Classifies an annotation by the hosts that it can claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostAnnotation {
    Nothing,
    /// A list of hosts, separated by commas or whitespace.
    Hosts,
    /// The same, where `*.d` matches hosts at any depth below `d`.
    HostsAndBelow,
    /// The conditions of an AWS load balancer.
    Conditions,
    /// A regular expression that hosts match.
    Patterns,
    /// Configuration that the controller copies into its own.
    Snippet,
    /// A request to serve each host of the rules with and without `www.`.
    Www,
}

impl HostAnnotation {
    /// Classifies a key; by its name alone where controllers can be told to read other prefixes.
    pub(crate) fn of(key: &str) -> Self {
        let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
        match (prefix, name) {
            // nginx and Kong match wildcards at any depth.
            (_, "server-alias" | "host-aliases") => Self::HostsAndBelow,
            (_, "hostname-extension" | "server-redirect") => Self::Hosts,
            (
                "external-dns.alpha.kubernetes.io" | "external-dns.kubernetes.io",
                "hostname" | "internal-hostname",
            ) => Self::Hosts,
            ("cert-manager.io", "common-name" | "alt-names") => Self::Hosts,
            (_, name) if name.starts_with("router.tls.domains") => Self::Hosts,
            (_, "server-alias-regex" | "server-redirect-regex") => Self::Patterns,
            (_, name) if name.ends_with("-snippet") || name.ends_with("-snippets") => Self::Snippet,
            ("zalando.org", "skipper-routes") | ("getambassador.io", "config") => Self::Snippet,
            (_, "from-to-www-redirect") => Self::Www,
            ("alb.ingress.kubernetes.io", name) if name.starts_with("conditions.") => Self::Conditions,
            _ => Self::Nothing,
        }
    }
}

/// Returns the hosts in a list.
pub(crate) fn hosts(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t', '\n', '\r']).filter(|host| !host.is_empty())
}

impl HostClaims<'_, '_> {
    /// Judges the value of an annotation, except [`HostAnnotation::Www`], which depends on the rules.
    pub(crate) fn of_annotation(
        &mut self,
        kind: HostAnnotation,
        field: &dyn fmt::Display,
        (key, value): (&str, &str),
    ) {
        let identity = format_args!("{key}={value}");
        match kind {
            HostAnnotation::Nothing | HostAnnotation::Www => {}
            HostAnnotation::Hosts => {
                let source = Digest::of(&key);
                for host in hosts(value) {
                    self.host(field, &source, host);
                }
            }
            HostAnnotation::HostsAndBelow => {
                let source = Digest::of(&key);
                for host in hosts(value) {
                    self.host_and_below(field, &source, host);
                }
            }
            HostAnnotation::Conditions => self.conditions(field, key, value),
            HostAnnotation::Patterns => {
                self.findings.add_whole(field, &PATTERNS, &identity);
            }
            HostAnnotation::Snippet => {
                self.findings.add_whole(field, &SNIPPET, &identity);
            }
        }
    }

    /// Judges the conditions of an AWS load balancer, which are JSON with host headers.
    fn conditions(&mut self, field: &dyn fmt::Display, key: &str, value: &str) {
        let identity = format_args!("{key}={value}");
        let source = Digest::of(&key);
        let Ok(conditions) = serde_json::from_str::<Vec<Condition<'_>>>(value) else {
            let message = "these conditions do not decode, so their hosts cannot be checked; correct the JSON, with \
                           its keys spelt as in the controller's documentation";
            self.findings.add_whole(field, &message, &identity);
            return;
        };
        for config in conditions.iter().filter_map(|condition| condition.host_header_config.as_ref()) {
            // `*` stands for any text there, dots included.
            for host in &config.values {
                self.host_and_below(field, &source, host);
            }
            // The identity is the pattern and not the whole annotation, which can hold thousands of patterns.
            for pattern in &config.regex_values {
                self.findings.add_whole(field, &PATTERNS, &format_args!("{source} pattern={}", &**pattern));
            }
        }
    }
}

const PATTERNS: &str =
    "a regular expression cannot be checked against the tenant's domains; list the hosts in the rules";
const SNIPPET: &str = "raw configuration can change what the controller does for all tenants; remove the annotation, \
                       and use the object's fields";

/// Holds one condition of an AWS load balancer.
///
/// The controller accepts keys in any letter case. A key in a spelling that neither its documentation nor its code uses
/// is an error, so that no host is overlooked.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Condition<'c> {
    #[serde(borrow, alias = "HostHeaderConfig")]
    host_header_config: Option<HostHeaderConfig<'c>>,
    #[serde(rename = "field", alias = "Field")]
    _field: Option<IgnoredAny>,
    #[serde(rename = "httpHeaderConfig", alias = "HttpHeaderConfig")]
    _http_header_config: Option<IgnoredAny>,
    #[serde(rename = "httpRequestMethodConfig", alias = "HttpRequestMethodConfig")]
    _http_request_method_config: Option<IgnoredAny>,
    #[serde(rename = "pathPatternConfig", alias = "PathPatternConfig")]
    _path_pattern_config: Option<IgnoredAny>,
    #[serde(rename = "queryStringConfig", alias = "QueryStringConfig")]
    _query_string_config: Option<IgnoredAny>,
    #[serde(rename = "sourceIPConfig", alias = "sourceIpConfig", alias = "SourceIpConfig")]
    _source_ip_config: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HostHeaderConfig<'c> {
    #[serde(borrow, default, alias = "Values")]
    values: Vec<Text<'c>>,
    #[serde(borrow, default, alias = "RegexValues")]
    regex_values: Vec<Text<'c>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g7_annotations_that_bear_hosts_are_known_under_any_prefix() {
        for key in
            ["nginx.ingress.kubernetes.io/server-alias", "my.prefix/server-alias", "konghq.com/host-aliases"]
        {
            assert_eq!(HostAnnotation::of(key), HostAnnotation::HostsAndBelow, "{key}");
        }
        assert_eq!(
            HostAnnotation::of("traefik.ingress.kubernetes.io/router.tls.domains.0.sans"),
            HostAnnotation::Hosts
        );
        assert_eq!(
            HostAnnotation::of("alb.ingress.kubernetes.io/conditions.web"),
            HostAnnotation::Conditions
        );
        for key in [
            "nginx.ingress.kubernetes.io/server-snippet",
            "nginx.org/server-snippets",
            "zalando.org/skipper-routes",
        ] {
            assert_eq!(HostAnnotation::of(key), HostAnnotation::Snippet, "G8: {key}");
        }
        assert_eq!(HostAnnotation::of("nginx.ingress.kubernetes.io/rewrite-target"), HostAnnotation::Nothing);
        assert_eq!(HostAnnotation::of("hostname"), HostAnnotation::Nothing);
    }
}
