//! `ingress-hosts`: a tenant owns every host that its Ingresses claim.
//!
//! The Tenants say who owns a host; the order in which Ingresses are created does not matter. A rule without a host
//! claims every host, and so does a default backend. The hosts under `tls` count too, and so do annotations from which
//! controllers take further hosts, or configuration that may name any host. The rule also denies paths with characters
//! that could change a controller's configuration, since they could claim any host, and backends other than Services,
//! whose targets it does not know. The rule `ingress-annotations` judges all other annotations.

use crate::json::Escaped;
use crate::judging::hosts::{HostAnnotation, HostClaims, PUNCTUATION, is_pattern};
use crate::judging::{Findings, Subject};
use crate::objects::ingress::{Ingress, IngressPath, IngressRule};
use crate::objects::object::Object;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let mut claims = HostClaims::on(&tenant.domains, findings);
    // A write to the status cannot change the spec, but it can change annotations.
    if &*subject.request.subresource != "status" {
        claims.of_spec(ingress);
        claims.of_paths(ingress);
    }
    claims.of_annotations(ingress);
}

impl HostClaims<'_, '_> {
    fn of_spec(&mut self, ingress: &Ingress<'_>) {
        for (index, rule) in ingress.spec.rules.iter().enumerate() {
            self.host(&format_args!("spec.rules[{index}].host"), &"host", &rule.host);
        }
        for (index, tls) in ingress.spec.tls.iter().enumerate() {
            if tls.hosts.is_empty() {
                let field = format_args!("spec.tls[{index}].hosts");
                self.report(&field, &"a certificate without hosts is used for every host", &"tls=");
            }
            // Some controllers read another namespace from it.
            if tls.secret_name.contains('/') {
                let field = format_args!("spec.tls[{index}].secretName");
                let message = "the Secret must be in the Ingress' own namespace; write only its name";
                self.findings.add_whole(&field, &message, &format_args!("secret={}", tls.secret_name));
            }
            for (nth, host) in tls.hosts.iter().enumerate() {
                self.host(&format_args!("spec.tls[{index}].hosts[{nth}]"), &"tls", host);
            }
        }
        if ingress.spec.default_backend.is_some() {
            let message = "a default backend receives the requests for every host without a rule; write rules with \
                           hosts instead";
            self.findings.add_whole(&"spec.defaultBackend", &message, &"default-backend");
        }
    }

    fn of_annotations(&mut self, ingress: &Ingress<'_>) {
        let mut www = None;
        for (key, value) in ingress.metadata.annotations.iter() {
            let field = format_args!("metadata.annotations[{}]", Escaped(key));
            match HostAnnotation::of(key) {
                HostAnnotation::Nothing => {}
                HostAnnotation::Www if is_false(value) => {}
                HostAnnotation::Www => www = www.or(Some(key)),
                kind @ (HostAnnotation::Hosts
                | HostAnnotation::Conditions
                | HostAnnotation::Patterns
                | HostAnnotation::Snippet) => {
                    self.of_annotation(kind, &field, (key, value));
                }
            }
        }
        // One report suffices: all these annotations claim the same hosts.
        if let Some(key) = www {
            self.www(key, ingress);
        }
    }

    /// Judges paths, which controllers copy into their configuration.
    ///
    /// A line break or a brace starts another directive there (CVE-2021-25748).
    fn of_paths(&mut self, ingress: &Ingress<'_>) {
        for (rule, IngressRule { http, .. }) in ingress.spec.rules.iter().enumerate() {
            for (index, IngressPath { path, backend }) in http.paths.iter().enumerate() {
                if backend.resource.is_some() {
                    let field = format_args!("spec.rules[{rule}].http.paths[{index}].backend.resource");
                    let message = "the hosts behind this backend are not known here; name a Service";
                    self.findings.add_whole(&field, &message, &format_args!("resource of {path}"));
                }
                if !is_pattern(path) {
                    let field = format_args!("spec.rules[{rule}].http.paths[{index}].path");
                    let message = format_args!(
                        "`{}` has characters that could change a controller's configuration; write only letters, \
                         digits and `{PUNCTUATION}`, without `\\` at the end",
                        Escaped(path)
                    );
                    self.findings.add_whole(&field, &message, &format_args!("path={path}"));
                }
            }
        }
    }

    /// Judges the hosts that ingress-nginx adds: each host with `www.`, or without it.
    fn www(&mut self, key: &str, ingress: &Ingress<'_>) {
        let field = format_args!("metadata.annotations[{}]", Escaped(key));
        for rule in ingress.spec.rules.iter().filter(|rule| !rule.host.is_empty()) {
            match rule.host.strip_prefix("www.") {
                Some(bare) => self.host(&field, &"www", bare),
                None => self.host(&field, &"www", &format!("www.{}", &*rule.host)),
            }
        }
    }
}

/// Returns whether controllers written in Go read `value` as false.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "False" | "FALSE")
}
