//! `ingress-annotations`: only harmless annotations configure the controllers that tenants share.
//!
//! Controllers of Ingresses, load balancers, DNS names and certificates serve all tenants, and annotations tell them
//! what the fields of an object cannot: raw configuration, hosts, Secrets of other namespaces, addresses to connect to.
//! A list of harmful keys would never be complete. So a key with the prefix of a known controller must be on a list of
//! harmless keys, and its value must have the form that the key expects. The rule ignores keys with other prefixes, and
//! on Ingresses the keys that `ingress-hosts` and `ingress-class` judge.
//!
//! The rule judges Ingresses, Services, and the routes and Gateways of the Gateway API and of OpenShift. It judges
//! writes to their status too, because these can change annotations. On pods and custom kinds, such as the routes that
//! the Settings list, it judges only the annotations of external-dns.
//!
//! The rule does not see the address that a name resolves to, the contents of an object that an annotation names, or
//! other prefixes that a controller is configured to read. Write those of ingress-nginx into the Settings
//! (`annotationPrefixes`).

mod actions;
mod ambassador;
mod apisix;
mod aws;
mod azure_application_gateway;
mod bare_metal;
mod cert_manager;
mod cloud_services;
mod contour;
mod external_dns;
mod gardener;
mod google;
mod haproxy_ingress;
mod haproxy_technologies;
mod hetzner;
mod ingress_nginx;
mod kong;
mod nginx_inc;
mod openshift;
mod others;
mod problem;
mod skipper;
mod table;
mod traefik;
mod values;

use std::fmt;

use self::problem::Problem;
use self::table::{AllowedValue, Controller, Index, domains};
use self::values::AnnotationCheck;
use crate::json::{Escaped, Pairs};
use crate::judging::hosts::{HostAnnotation, HostClaims, hosts};
use crate::judging::{Digest, Findings, Subject};
use crate::objects::ingress::names_class;
use crate::objects::kinds::Shape;
use crate::objects::object::Object;
use crate::tenancy::Tenant;

/// The controllers whose annotations on Ingresses, Services, routes and Gateways are known.
///
/// Of two controllers that share a domain, the first that takes a name judges it.
const CONTROLLERS: &[&Controller] = &[
    &ingress_nginx::INGRESS_NGINX,
    &nginx_inc::NGINX_INC,
    &nginx_inc::APP_PROTECT,
    &haproxy_ingress::HAPROXY_INGRESS,
    &haproxy_technologies::HAPROXY_TECH,
    &openshift::OPENSHIFT,
    &traefik::TRAEFIK,
    &kong::KONG,
    &contour::CONTOUR,
    &apisix::APISIX,
    &skipper::SKIPPER,
    &ambassador::AMBASSADOR,
    &others::OTHERS,
    &aws::ALB,
    &cloud_services::PREFIX_OF_SERVICES,
    &google::GCE_INGRESS,
    &google::GCP,
    &azure_application_gateway::APPLICATION_GATEWAY,
    &cloud_services::PROVIDERS,
    &hetzner::HETZNER,
    &bare_metal::BARE_METAL,
    &external_dns::EXTERNAL_DNS,
    &cert_manager::CERT_MANAGER,
    &gardener::GARDENER,
];

/// The same controllers by domain.
static INDEX: Index<{ domains(CONTROLLERS) }> = Index::of(CONTROLLERS);

/// Names what is judged of an annotation; another rule judges the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Concern {
    /// The rule `ingress-annotations`: what the annotation claims or reaches.
    Claims,
    /// The rule `controller-injection`: what it writes into a configuration.
    Injection,
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    judge(subject, findings, Concern::Claims);
}

/// Judges what annotations write into the configuration of a shared controller, for `controller-injection`.
pub(super) fn injection(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    judge(subject, findings, Concern::Injection);
}

fn judge(subject: &Subject<'_, '_>, findings: &mut Findings<'_>, concern: Concern) {
    let Some(tenant) = subject.tenant() else { return };
    let is_route = matches!(
        subject.object,
        Object::Ingress(_)
            | Object::Service(_)
            | Object::Route(_)
            | Object::Gateway(_)
            | Object::OpenShiftRoute(_)
    );
    let is_custom = matches!(subject.object, Object::Unstructured(_) | Object::PodStatus(_))
        && subject.request.shape != Shape::Namespace;
    if let Some(pod) = subject.pod() {
        let annotations = &pod.metadata.annotations;
        let rule = Rule { subject, tenant, path: pod.metadata_path, annotations, is_route: false, concern };
        rule.all(findings);
    } else if let Some(metadata) = subject.object.metadata().filter(|_| is_route || is_custom) {
        let annotations = &metadata.annotations;
        Rule { subject, tenant, path: "metadata", annotations, is_route, concern }.all(findings);
    }
    // The controller copies these to the Service of the load balancer.
    if let Object::Gateway(gateway) = subject.object {
        let annotations = &gateway.spec.infrastructure.annotations;
        let path = "spec.infrastructure";
        Rule { subject, tenant, path, annotations, is_route: true, concern }.all(findings);
    }
}

/// Judges the annotations of one object.
struct Rule<'r, 'a> {
    subject: &'r Subject<'r, 'a>,
    tenant: &'r Tenant,
    path: &'static str,
    annotations: &'r Pairs<'a>,
    /// True if all controllers read the annotations, false if only external-dns does.
    is_route: bool,
    concern: Concern,
}

impl Rule<'_, '_> {
    fn all(&self, findings: &mut Findings<'_>) {
        let mut claims = HostClaims::on(&self.tenant.domains, findings);
        for (key, value) in self.annotations.iter() {
            // Some old keys have a prefix and no name.
            let (prefix, name) = key.split_once('/').unwrap_or((key, ""));
            self.one(&mut claims, self.controller(prefix, name), name, (key, value));
        }
    }

    fn controller(&self, prefix: &str, name: &str) -> Option<&'static Controller> {
        // Settings list the prefixes that ingress-nginx reads besides its own.
        let prefixes = &self.subject.snapshot.annotation_prefixes;
        if self.is_route && prefixes.iter().any(|own| own.eq_ignore_ascii_case(prefix)) {
            return Some(&ingress_nginx::INGRESS_NGINX);
        }
        let found = INDEX.find(prefix, name);
        if self.is_route {
            return found;
        }
        found.filter(|controller| std::ptr::eq(*controller, &external_dns::EXTERNAL_DNS))
    }

    fn one(
        &self,
        claims: &mut HostClaims<'_, '_>,
        controller: Option<&Controller>,
        name: &str,
        annotation @ (key, value): (&str, &str),
    ) {
        let field = format_args!("{}.annotations[{}]", self.path, Escaped(key));
        let is_ingress = matches!(self.subject.object, Object::Ingress(_));
        match HostAnnotation::of(key) {
            HostAnnotation::Snippet if self.is_route => {
                if self.concern == Concern::Injection {
                    claims.of_annotation(HostAnnotation::Snippet, &field, annotation);
                }
                return;
            }
            // `ingress-hosts` judges these.
            HostAnnotation::Hosts
            | HostAnnotation::HostsAndBelow
            | HostAnnotation::Conditions
            | HostAnnotation::Patterns
            | HostAnnotation::Www
                if is_ingress =>
            {
                return;
            }
            kind @ (HostAnnotation::Hosts
            | HostAnnotation::HostsAndBelow
            | HostAnnotation::Conditions
            | HostAnnotation::Patterns)
                if controller.is_some() =>
            {
                if self.concern == Concern::Claims {
                    claims.of_annotation(kind, &field, annotation);
                }
                return;
            }
            HostAnnotation::Nothing
            | HostAnnotation::Www
            | HostAnnotation::Hosts
            | HostAnnotation::HostsAndBelow
            | HostAnnotation::Conditions
            | HostAnnotation::Patterns
            | HostAnnotation::Snippet => {}
        }
        let Some(controller) = controller else { return };
        let allowed_value = controller.allowed_value(name);
        let is_listed = || self.tenant.annotations.contains(key);
        // The tenant's list of annotations allows keys, but no hosts.
        if names_class(key) || (allowed_value != Some(AllowedValue::Hosts) && is_listed()) {
            return;
        }
        let judge =
            AnnotationCheck { subject: self.subject, tenant: self.tenant, annotations: self.annotations };
        let problem = match allowed_value {
            Some(AllowedValue::Hosts) => {
                if self.concern == Concern::Claims {
                    let source = Digest::of(&key);
                    for host in hosts(value) {
                        claims.host(&field, &source, host);
                    }
                }
                return;
            }
            Some(allowed_value) => judge.problem(allowed_value, (key, value)),
            None => Some(Problem::Unknown),
        };
        let is_own = |problem: &Problem<'_>| problem.is_injection() == (self.concern == Concern::Injection);
        if let Some(problem) = problem.filter(is_own) {
            let message = fmt::from_fn(|f| {
                write!(
                    f,
                    "{problem} remove the annotation, or ask the platform team to list its key in the tenant's \
                     `annotations`"
                )
            });
            claims.findings.add_whole(&field, &message, &judge.identity(key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_controllers_share_a_key() {
        let mut last = "";
        for (domain, controller) in INDEX.iter() {
            assert_eq!(**domain, domain.to_ascii_lowercase());
            assert!(last <= *domain, "{domain}");
            last = domain;
            let others =
                INDEX.iter().filter(|(other, one)| other == domain && !std::ptr::eq(*one, *controller));
            for (_, other) in others {
                assert!(controller.within != other.within || controller.within.is_empty(), "{domain}");
            }
        }
        for controller in CONTROLLERS {
            let mut keys: Vec<&str> = controller.keys.iter().flat_map(|(_, keys)| *keys).copied().collect();
            keys.sort_unstable();
            assert!(keys.array_windows().all(|[a, b]| a != b), "{:?}", controller.prefixes);
        }
    }

    #[test]
    fn every_list_is_in_order_and_has_a_source() {
        for controller in CONTROLLERS {
            for (_, names) in controller.keys {
                let misplaced = names.array_windows().find(|[a, b]| a >= b);
                assert_eq!(misplaced, None, "{:?}", controller.prefixes);
            }
            assert!(controller.source.starts_with("https://"), "{:?}", controller.prefixes);
        }
    }

    #[test]
    fn g7_nothing_that_passes_configuration_on_is_on_a_list() {
        for (prefix, controller) in INDEX.iter().filter(|(_, controller)| controller.within.is_empty()) {
            for (_, names) in controller.keys {
                for name in *names {
                    assert_eq!(
                        HostAnnotation::of(&format!("{prefix}/{name}")),
                        HostAnnotation::Nothing,
                        "{prefix}/{name}"
                    );
                }
            }
            for name in ["configuration-snippet", "config-backend", "route-acl", "mirror-target", "", "*"] {
                assert_eq!(controller.allowed_value(name), None, "{prefix}/{name}");
            }
        }
    }

    #[test]
    fn f12_keys_are_taken_by_their_domain_or_one_above_it() {
        let find = |domain: &str, name: &str| INDEX.find(domain, name).map(|controller| controller.prefixes);
        let names = &external_dns::EXTERNAL_DNS;
        assert_eq!(find("external-dns.alpha.kubernetes.io", "ttl"), Some(names.prefixes));
        assert_eq!(
            find("External-DNS.alpha.kubernetes.io", "ttl"),
            Some(names.prefixes),
            "G16: in any letters"
        );
        assert_eq!(find("my.external-dns.alpha.kubernetes.io", "ttl"), Some(names.prefixes));
        assert_eq!(find("my-external-dns.alpha.kubernetes.io", "ttl"), None);
        assert_eq!(names.allowed_value("ttl"), Some(AllowedValue::Plain));
        assert_eq!(names.allowed_value("ttl-2"), None);
        assert_eq!(names.allowed_value("TTL"), None);
        assert_eq!(aws::ALB.allowed_value("actions.web"), Some(AllowedValue::Actions));
        assert_eq!(aws::ALB.allowed_value("actions."), None);
        // Kong's old key is a prefix alone.
        assert_eq!(find("configuration.konghq.com", ""), Some(kong::KONG.prefixes));
        assert_eq!(kong::KONG.allowed_value(""), None);
        // Other keys of this prefix are not the controller's.
        assert_eq!(find("kubernetes.io", "change-cause"), None);
        assert_eq!(google::GCE_INGRESS.allowed_value("ingress.global-static-ip-name"), None);
    }
}
