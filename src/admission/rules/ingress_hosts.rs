//! `ingress-hosts`: every host an Ingress claims is its tenant's.
//!
//! Who owns a host is written down by the operator and does not depend on who came first. A rule without a
//! host, and a default backend, claim every host there is. A certificate is a claim as well, and so are the
//! annotations by which controllers take further hosts, or configuration that may name any. What controllers do
//! by other annotations is not this rule's matter.

use std::fmt;

use serde::de::IgnoredAny;

use super::claims::Claims;
use super::{Findings, Subject};
use crate::admission::network::Ingress;
use crate::admission::record::{Cut, Text};
use crate::admission::review::Object;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let mut claims = Claims::on(&tenant.domains, findings);
    // A write to the status keeps the spec as it was, but takes the annotations.
    if &*subject.request.subresource != "status" {
        claims.of_spec(ingress);
    }
    claims.of_annotations(ingress);
}

/// What an Ingress claims.
impl Claims<'_, '_> {
    fn of_spec(&mut self, ingress: &Ingress<'_>) {
        for (index, rule) in ingress.spec.rules.iter().enumerate() {
            self.host(&format_args!("spec.rules[{index}].host"), "host", &rule.host);
        }
        for (index, tls) in ingress.spec.tls.iter().enumerate() {
            if tls.hosts.is_empty() {
                let field = format_args!("spec.tls[{index}].hosts");
                self.advise(&field, &"a certificate without hosts is for every host", &"tls=");
            }
            for (nth, host) in tls.hosts.iter().enumerate() {
                self.host(&format_args!("spec.tls[{index}].hosts[{nth}]"), "tls", host);
            }
        }
        let backends =
            [("defaultBackend", &ingress.spec.default_backend), ("backend", &ingress.spec.backend)];
        for (field, _) in backends.iter().filter(|(_, backend)| backend.is_some()) {
            let message = "a default backend takes the requests for every host that nobody else claims; write rules with hosts instead";
            self.findings.add_whole(&format_args!("spec.{field}"), &message, &"default-backend");
        }
    }

    fn of_annotations(&mut self, ingress: &Ingress<'_>) {
        let mut www = None;
        for (key, value) in ingress.metadata.annotations.iter() {
            let field = format_args!("metadata.annotations[{}]", Cut(key));
            let identity = format_args!("{key}={value}");
            match Bears::of(key) {
                Bears::Nothing => {}
                Bears::Hosts => {
                    for host in value.split([',', ' ', '\t', '\n', '\r']).filter(|host| !host.is_empty()) {
                        self.host(&field, key, host);
                    }
                }
                Bears::Conditions => self.conditions(&field, key, value),
                Bears::Patterns => {
                    self.findings.add_whole(&field, &PATTERNS, &identity);
                }
                Bears::Snippet => {
                    self.findings.add_whole(&field, &SNIPPET, &identity);
                }
                Bears::Www if is_false(value) => {}
                Bears::Www => www = www.or(Some(key)),
            }
        }
        // Once, however many annotations ask for it: they all ask for the same hosts.
        if let Some(key) = www {
            self.www(key, ingress);
        }
    }

    /// The conditions of an AWS load balancer: JSON, with host headers in it.
    fn conditions(&mut self, field: &dyn fmt::Display, key: &str, value: &str) {
        let identity = format_args!("{key}={value}");
        let Ok(conditions) = serde_json::from_str::<Vec<Condition<'_>>>(value) else {
            let message = "these conditions cannot be read, so their hosts cannot be checked; correct the JSON, and write its keys as the controller documents them";
            self.findings.add_whole(field, &message, &identity);
            return;
        };
        for config in conditions.iter().filter_map(|condition| condition.host_header_config.as_ref()) {
            for host in &config.values {
                self.host(field, key, host);
            }
            if !config.regex_values.is_empty() {
                self.findings.add_whole(field, &PATTERNS, &identity);
            }
        }
    }

    /// ingress-nginx answers for `www.` of each host, or for each host without it.
    fn www(&mut self, key: &str, ingress: &Ingress<'_>) {
        let field = format_args!("metadata.annotations[{}]", Cut(key));
        for rule in ingress.spec.rules.iter().filter(|rule| !rule.host.is_empty()) {
            match rule.host.strip_prefix("www.") {
                Some(bare) => self.host(&field, "www", bare),
                None => self.host(&field, "www", &format!("www.{}", &*rule.host)),
            }
        }
    }
}

const PATTERNS: &str =
    "a pattern of hosts cannot be held to the tenant's domains; list the hosts in the rules";
const SNIPPET: &str = "configuration that is passed on as it is can claim any host; remove it, and use the fields of the Ingress";

/// What controllers written in Go take for a no.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "False" | "FALSE")
}

/// What an annotation claims.
#[derive(Debug, PartialEq, Eq)]
enum Bears {
    Nothing,
    /// A list of hosts, by commas or spaces.
    Hosts,
    /// An AWS load balancer's conditions.
    Conditions,
    /// A regular expression of hosts.
    Patterns,
    /// Configuration that the controller passes on as it is.
    Snippet,
    /// The rules' hosts with and without `www.`.
    Www,
}

impl Bears {
    /// By the end of the key where controllers can be told to use another prefix than their own.
    fn of(key: &str) -> Self {
        let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
        match (prefix, name) {
            (_, "server-alias" | "host-aliases" | "hostname-extension" | "server-redirect") => Self::Hosts,
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

/// A condition of an AWS load balancer. The controller takes its keys in any letter case, so a key that is not
/// spelt as it is documented is refused rather than overlooked.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Condition<'c> {
    #[serde(borrow)]
    host_header_config: Option<HostHeaderConfig<'c>>,
    #[serde(rename = "field")]
    _field: Option<IgnoredAny>,
    #[serde(rename = "httpHeaderConfig")]
    _http_header_config: Option<IgnoredAny>,
    #[serde(rename = "httpRequestMethodConfig")]
    _http_request_method_config: Option<IgnoredAny>,
    #[serde(rename = "pathPatternConfig")]
    _path_pattern_config: Option<IgnoredAny>,
    #[serde(rename = "queryStringConfig")]
    _query_string_config: Option<IgnoredAny>,
    #[serde(rename = "sourceIPConfig")]
    _source_ip_config: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HostHeaderConfig<'c> {
    #[serde(borrow, default)]
    values: Vec<Text<'c>>,
    #[serde(borrow, default)]
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
            assert_eq!(Bears::of(key), Bears::Hosts, "{key}");
        }
        assert_eq!(Bears::of("traefik.ingress.kubernetes.io/router.tls.domains.0.sans"), Bears::Hosts);
        assert_eq!(Bears::of("alb.ingress.kubernetes.io/conditions.web"), Bears::Conditions);
        for key in [
            "nginx.ingress.kubernetes.io/server-snippet",
            "nginx.org/server-snippets",
            "zalando.org/skipper-routes",
        ] {
            assert_eq!(Bears::of(key), Bears::Snippet, "G8: {key}");
        }
        assert_eq!(Bears::of("nginx.ingress.kubernetes.io/rewrite-target"), Bears::Nothing);
        assert_eq!(Bears::of("hostname"), Bears::Nothing);
    }
}
