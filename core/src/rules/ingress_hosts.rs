//! `ingress-hosts`: every host an Ingress claims is its tenant's.
//!
//! Who owns a host is written down by the operator and does not depend on who came first. A rule without a
//! host, and a default backend, claim every host there is. A certificate is a claim as well, and so are the
//! annotations by which controllers take further hosts, or configuration that may name any. A path that reaches
//! into a controller's configuration may claim any host too, and what a backend that is no Service reaches is not
//! known. What controllers do by other annotations is the matter
//! of `ingress-annotations`.

use crate::json::Cut;
use crate::judging::hosts::{Bears, Claims, PUNCTUATION, is_pattern};
use crate::judging::{Findings, Subject};
use crate::objects::ingress::{Ingress, IngressPath, IngressRule};
use crate::objects::object::Object;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let mut claims = Claims::on(&tenant.domains, findings);
    // A write to the status keeps the spec as it was, but takes the annotations.
    if &*subject.request.subresource != "status" {
        claims.of_spec(ingress);
        claims.of_paths(ingress);
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
            // Some controllers read another namespace out of it, and older API servers let it through.
            if tls.secret_name.contains('/') {
                let field = format_args!("spec.tls[{index}].secretName");
                let message =
                    "a certificate comes from the Ingress' own namespace; write the Secret's name alone";
                self.findings.add_whole(&field, &message, &format_args!("secret={}", tls.secret_name));
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
            match Bears::of(key) {
                Bears::Nothing => {}
                Bears::Www if is_false(value) => {}
                Bears::Www => www = www.or(Some(key)),
                bears @ (Bears::Hosts | Bears::Conditions | Bears::Patterns | Bears::Snippet) => {
                    self.of_annotation(bears, &field, (key, value));
                }
            }
        }
        // Once, however many annotations ask for it: they all ask for the same hosts.
        if let Some(key) = www {
            self.www(key, ingress);
        }
    }

    /// Paths find their way into the configuration of controllers, where a line break or a brace begins something
    /// else (CVE-2021-25748).
    fn of_paths(&mut self, ingress: &Ingress<'_>) {
        for (rule, IngressRule { http, .. }) in ingress.spec.rules.iter().enumerate() {
            for (index, IngressPath { path, backend }) in http.paths.iter().enumerate() {
                if backend.resource.is_some() {
                    let field = format_args!("spec.rules[{rule}].http.paths[{index}].backend.resource");
                    let message = "where this leads is not known here; name a Service";
                    self.findings.add_whole(&field, &message, &format_args!("resource of {path}"));
                }
                if !is_pattern(path) {
                    let field = format_args!("spec.rules[{rule}].http.paths[{index}].path");
                    let message = format_args!(
                        "`{}` has characters by which a path reaches into a controller's configuration; write \
                         letters, digits and `{PUNCTUATION}`, and no `\\` at the end",
                        Cut(path)
                    );
                    self.findings.add_whole(&field, &message, &format_args!("path={path}"));
                }
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

/// What controllers written in Go take for a no.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "False" | "FALSE")
}
