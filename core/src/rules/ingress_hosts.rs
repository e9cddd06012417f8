//! `ingress-hosts`: a tenant owns every host that its Ingresses claim.
//!
//! The operator's policies say who owns a host; the order in which objects are created does not matter. A rule without
//! a host claims every host, and so does a default backend. Certificates claim hosts too, and so do the annotations
//! from which controllers take further hosts.
//!
//! In an Ingress `*.d` matches one label below `d`, as its API says. The controllers of AWS, Azure, Google, Kong,
//! Istio, Contour and some others match any depth, so an Ingress of such a controller needs the domain `**.d` for it.
//! The rule recognizes the controller by the name of the class and by annotations.
//!
//! `controller-injection` judges paths, snippets and the Secrets of certificates, `ingress-annotations` all other
//! annotations.

use crate::json::Escaped;
use crate::judging::hosts::{HostAnnotation, HostClaims};
use crate::judging::{Findings, Subject};
use crate::objects::ingress::{Ingress, names_class};
use crate::objects::object::Object;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Ingress(ingress), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let mut claims = HostClaims::on(&tenant.domains, findings);
    // A write to the status cannot change the spec, but it can change annotations.
    if &*subject.request.subresource != "status" {
        claims.of_spec(ingress);
    }
    claims.of_annotations(ingress);
}

impl HostClaims<'_, '_> {
    fn of_spec(&mut self, ingress: &Ingress<'_>) {
        for (index, rule) in ingress.spec.rules.iter().enumerate() {
            let field = format_args!("spec.rules[{index}].host");
            if rule.host.starts_with('*') && matches_any_depth(ingress) {
                self.host_and_below(&field, &"host", &rule.host);
            } else {
                self.host(&field, &"host", &rule.host);
            }
        }
        for (index, tls) in ingress.spec.tls.iter().enumerate() {
            if tls.hosts.is_empty() {
                let field = format_args!("spec.tls[{index}].hosts");
                self.report(&field, &"a certificate without hosts is used for every host", &"tls=");
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
                // `controller-injection` judges these.
                HostAnnotation::Snippet => {}
                kind @ (HostAnnotation::Hosts
                | HostAnnotation::HostsAndBelow
                | HostAnnotation::Conditions
                | HostAnnotation::Patterns) => {
                    self.of_annotation(kind, &field, (key, value));
                }
            }
        }
        // One report suffices: all these annotations claim the same hosts.
        if let Some(key) = www {
            self.www(key, ingress);
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

/// Lists words of the classes whose controllers match `*.d` at any depth.
///
/// Sources: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>,
/// <https://cloud.google.com/load-balancing/docs/url-map-concepts>,
/// <https://learn.microsoft.com/azure/application-gateway/multiple-site-overview>,
/// <https://developer.konghq.com/gateway/routing/traditional/>,
/// <https://istio.io/latest/docs/reference/config/networking/virtual-service/>.
const DEEP_CLASSES: [&str; 16] = [
    "alb",
    "ambassador",
    "apisix",
    "application",
    "aws",
    "azure",
    "contour",
    "emissary",
    "gce",
    "gke",
    "gloo",
    "higress",
    "istio",
    "kgateway",
    "kong",
    "tyk",
];

/// Lists domains of annotations that such controllers read.
const DEEP_DOMAINS: [&str; 16] = [
    "alb.ingress.kubernetes.io",
    "appgw.ingress.kubernetes.io",
    "azure.application-gateway.io",
    "cloud.google.com",
    "configuration.konghq.com",
    "contour.heptio.com",
    "getambassador.io",
    "haproxy.org",
    "higress.io",
    "k8s.apisix.apache.org",
    "konghq.com",
    "networking.gke.io",
    "nginx.com",
    "nginx.org",
    "projectcontour.io",
    "tyk.io",
];

/// Returns whether the controller of an Ingress matches `*.d` at any depth, as far as the Ingress tells.
fn matches_any_depth(ingress: &Ingress<'_>) -> bool {
    let is_deep = |class: &str| {
        let mut words = class.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| DEEP_CLASSES.iter().any(|deep| deep.eq_ignore_ascii_case(word)))
    };
    let reads = |key: &str| {
        let domain = key.split_once('/').map_or(key, |(domain, _)| domain);
        DEEP_DOMAINS.iter().any(|deep| deep.eq_ignore_ascii_case(domain))
    };
    is_deep(&ingress.spec.ingress_class_name)
        || (ingress.metadata.annotations.iter())
            .any(|(key, value)| if names_class(key) { is_deep(value) } else { reads(key) })
}

/// Returns whether controllers written in Go read `value` as false.
fn is_false(value: &str) -> bool {
    matches!(value, "0" | "f" | "F" | "false" | "False" | "FALSE")
}
