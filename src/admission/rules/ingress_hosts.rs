//! `ingress-hosts`: every host an Ingress claims is its tenant's.
//!
//! Who owns a host is written down by the operator and does not depend on who came first. A rule without a
//! host, and a default backend, claim every host there is. A certificate is a claim as well, and so are the
//! annotations by which controllers take further hosts. What controllers do by other annotations is not this
//! rule's matter.

use super::{Concern, Finding, Findings, Subject};
use crate::admission::network::Ingress;
use crate::admission::record::Cut;
use crate::admission::review::Object;
use crate::admission::tenancy::{Domains, Host, HostError};

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let mut claims = Claims { domains: &tenant.domains, findings };
    // A write to the status keeps the spec as it was, but takes the annotations.
    if &*subject.request.subresource != "status" {
        claims.of_spec(ingress);
    }
    claims.of_annotations(ingress);
}

struct Claims<'c, 'f> {
    domains: &'c Domains,
    findings: &'c mut Findings<'f>,
}

impl Claims<'_, '_> {
    fn of_spec(&mut self, ingress: &Ingress<'_>) {
        for (index, rule) in ingress.spec.rules.iter().enumerate() {
            self.host(|| format!("spec.rules[{index}].host"), "host", &rule.host);
        }
        for (index, tls) in ingress.spec.tls.iter().enumerate() {
            if tls.hosts.is_empty() {
                let message = self.advise("a certificate without hosts is for every host");
                self.found(format!("spec.tls[{index}].hosts"), message, "tls=".to_owned());
            }
            for (nth, host) in tls.hosts.iter().enumerate() {
                self.host(|| format!("spec.tls[{index}].hosts[{nth}]"), "tls", host);
            }
        }
        let backends =
            [("defaultBackend", &ingress.spec.default_backend), ("backend", &ingress.spec.backend)];
        for (field, _) in backends.iter().filter(|(_, backend)| backend.is_some()) {
            let message = "a default backend takes the requests for every host that nobody else claims; write rules with hosts instead";
            self.found(format!("spec.{field}"), message.to_owned(), "default-backend".to_owned());
        }
    }

    fn of_annotations(&mut self, ingress: &Ingress<'_>) {
        for (key, value) in ingress.metadata.annotations.iter() {
            let field = || format!("metadata.annotations[{}]", Cut(key));
            match Bears::of(key) {
                Bears::Nothing => {}
                Bears::Hosts => {
                    for host in value.split([',', ' ', '\t', '\n', '\r']).filter(|host| !host.is_empty()) {
                        self.host(field, key, host);
                    }
                }
                Bears::Conditions => self.conditions(field, key, value),
                Bears::Patterns => {
                    let message = "a pattern of hosts cannot be held to the tenant's domains; list the hosts in the rules".to_owned();
                    self.found(field(), message, format!("{key}={value}"));
                }
                Bears::Www => self.www(field, key, value, ingress),
            }
        }
    }

    /// The conditions of an AWS load balancer: JSON, with host headers in it.
    fn conditions(&mut self, field: impl Fn() -> String + Copy, key: &str, value: &str) {
        let Ok(conditions) = serde_json::from_str::<Vec<Condition<'_>>>(value) else {
            let message =
                "these conditions cannot be read, so their hosts cannot be checked; correct the JSON"
                    .to_owned();
            return self.found(field(), message, format!("{key}={value}"));
        };
        for condition in &conditions {
            for host in condition.host_header_config.iter().flat_map(|config| &config.values) {
                self.host(field, key, host);
            }
            if condition.host_header_config.as_ref().is_some_and(|config| !config.regex_values.is_empty()) {
                let message =
                    "a pattern of hosts cannot be held to the tenant's domains; list the hosts".to_owned();
                self.found(field(), message, format!("{key}={value}"));
            }
        }
    }

    /// ingress-nginx answers for `www.` of each host, or for each host without it.
    fn www(&mut self, field: impl Fn() -> String + Copy, key: &str, value: &str, ingress: &Ingress<'_>) {
        if value == "false" {
            return;
        }
        for rule in ingress.spec.rules.iter().filter(|rule| !rule.host.is_empty()) {
            match rule.host.strip_prefix("www.") {
                Some(bare) => self.host(field, key, bare),
                None => self.host(field, key, &format!("www.{}", &*rule.host)),
            }
        }
    }

    fn host(&mut self, field: impl Fn() -> String, source: &str, host: &str) {
        let problem = match Host::parse(host) {
            Ok(parsed) if self.domains.owns(&parsed) => return,
            Ok(_) => format!("`{}` is not the tenant's", Cut(host)),
            Err(error @ HostError::Empty) => error.to_string(),
            Err(error) => format!("`{}`: {error}", Cut(host)),
        };
        let message = self.advise(&problem);
        self.found(field(), message, format!("{source}={host}"));
    }

    fn advise(&self, problem: &str) -> String {
        /// How many domains a message lists.
        const LISTED: usize = 5;
        let domains = self.domains.list();
        if domains.is_empty() {
            return format!("{problem}; the tenant has no domains, ask the platform team for one");
        }
        let listed: Vec<_> = domains.iter().take(LISTED).map(|domain| format!("`{domain}`")).collect();
        let more = if domains.len() > LISTED { " and more" } else { "" };
        format!("{problem}; use a host of its domains: {}{more}", listed.join(", "))
    }

    fn found(&mut self, field: String, message: String, identity: String) {
        self.findings.add(Finding { control: None, field, message, identity, concern: Concern::Whole });
    }
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
    /// The rules' hosts with and without `www.`.
    Www,
}

impl Bears {
    /// By the end of the key where controllers can be told to use another prefix than their own.
    fn of(key: &str) -> Self {
        let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
        match (prefix, name) {
            (_, "server-alias") | (_, "host-aliases" | "hostname-extension") => Self::Hosts,
            (
                "external-dns.alpha.kubernetes.io" | "external-dns.kubernetes.io",
                "hostname" | "internal-hostname",
            ) => Self::Hosts,
            ("cert-manager.io", "common-name" | "alt-names") => Self::Hosts,
            (_, name) if name.starts_with("router.tls.domains") => Self::Hosts,
            (_, "server-alias-regex") => Self::Patterns,
            (_, "from-to-www-redirect") => Self::Www,
            ("alb.ingress.kubernetes.io", name) if name.starts_with("conditions.") => Self::Conditions,
            _ => Self::Nothing,
        }
    }
}

/// A condition of an AWS load balancer.
#[derive(serde::Deserialize)]
struct Condition<'c> {
    #[serde(borrow, rename = "hostHeaderConfig")]
    host_header_config: Option<HostHeaderConfig<'c>>,
}

#[derive(serde::Deserialize)]
struct HostHeaderConfig<'c> {
    #[serde(borrow, default)]
    values: Vec<crate::admission::record::Text<'c>>,
    #[serde(borrow, default, rename = "regexValues")]
    regex_values: Vec<crate::admission::record::Text<'c>>,
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
        assert_eq!(Bears::of("nginx.ingress.kubernetes.io/rewrite-target"), Bears::Nothing);
        assert_eq!(Bears::of("hostname"), Bears::Nothing);
    }
}
