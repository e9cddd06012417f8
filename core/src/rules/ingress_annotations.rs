//! `ingress-annotations`: only harmless annotations configure the controllers that tenants share.
//!
//! Controllers of Ingresses, load balancers, DNS names and certificates serve all tenants, and read from annotations
//! what no field may say: raw configuration, hosts, Secrets of other namespaces, addresses to connect to. A list of
//! harmful keys is never complete. So a key with the prefix of a known controller must be on the list of harmless keys,
//! and its value must have the form that the key expects. The domain of a key is that of its controller if it is one of
//! the controller's or below it.
//!
//! A key of a domain that no list has is judged by its words: the rule denies it if it speaks of hosts, DNS, addresses,
//! load balancers, networks, routes, certificates, secrets, volumes or identities, and ignores it otherwise. Settings
//! list the domains that no controller of the cluster reads (`annotationDomains`), a Tenant single keys
//! (`annotations`).
//!
//! The rule judges Ingresses, Services, and the routes and Gateways of the Gateway API and of OpenShift, and what a
//! Gateway has copied to its load balancer (`spec.infrastructure`). It judges writes to their status too, because these
//! can change annotations. Of pods, and of custom kinds such as the routes that Settings list, it judges only the
//! annotations of external-dns; `pod-networks` judges others of pods. On Ingresses `ingress-hosts` and `ingress-class`
//! judge hosts and classes, and `controller-injection` judges values that reach into a configuration.
//!
//! The rule does not see the address that a name resolves to, the contents of an object that an annotation names, or
//! other prefixes that a controller is configured to read. Write those of ingress-nginx into the Settings
//! (`annotationPrefixes`).

mod alibaba;
mod ambassador;
mod antrea;
mod apisix;
mod appliances;
mod aws;
mod aws_controllers;
mod azure_application_gateway;
mod azure_services;
mod bare_metal;
mod brightbox;
mod calico;
mod cert_manager;
mod citrix;
mod civo;
mod cloud_services;
mod cloudflare;
mod consul;
mod contour;
mod equinix;
mod exoscale;
mod external_dns;
mod f5;
mod gardener;
mod google;
mod haproxy_ingress;
mod haproxy_technologies;
mod hetzner;
mod huawei;
mod ibm;
mod ingress_nginx;
mod istio;
mod kong;
mod kube_ovn;
mod kube_router;
mod linode;
mod nginx_inc;
mod openshift;
mod others;
mod ovh;
mod ovn_kubernetes;
mod scaleway;
mod skipper;
mod stackit;
mod tailscale;
mod tencent;
mod traefik;
mod upcloud;
mod vmware;
mod vultr;
mod yandex;

use crate::json::{Escaped, Pairs};
use crate::judging::annotations::{
    AllowedValue, AnnotationCheck, Controller, EVERYDAY, Index, Problem, domains, speaks_of_shared_things,
};
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
    // Before those that take all names of the domains that they share.
    &alibaba::ALIBABA,
    &antrea::ANTREA,
    &appliances::APPLIANCES,
    &aws_controllers::AWS_CONTROLLERS,
    &azure_services::AZURE_SERVICES,
    &brightbox::BRIGHTBOX,
    &calico::CALICO,
    &citrix::CITRIX,
    &civo::CIVO,
    &cloudflare::CLOUDFLARE,
    &consul::CONSUL,
    &equinix::EQUINIX,
    &exoscale::EXOSCALE,
    &f5::F5,
    &huawei::HUAWEI,
    &ibm::IBM,
    &ibm::IBM_INGRESS,
    &istio::ISTIO,
    &kube_ovn::KUBE_OVN,
    &kube_router::KUBE_ROUTER,
    &linode::LINODE,
    &ovh::OVH,
    &ovh::OVH_SERVICES,
    &ovn_kubernetes::OVN_KUBERNETES,
    &scaleway::SCALEWAY,
    &stackit::STACKIT,
    &tailscale::TAILSCALE,
    &tencent::TENCENT,
    &tencent::TENCENT_TKE,
    &upcloud::UPCLOUD,
    &vmware::AVI,
    &vmware::NSX,
    &vultr::VULTR,
    &yandex::YANDEX,
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
    &openshift::OTHER_PARTS,
    &EVERYDAY,
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
    let is_custom =
        matches!(subject.object, Object::Unstructured(_) | Object::Status(_) | Object::PodStatus(_))
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
    path: &'r str,
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
        found.filter(|controller| controller.is_read_of_all_kinds)
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
        if names_class(key) || self.subject.snapshot.is_of_unread_domain(key) {
            return;
        }
        let is_listed = || self.tenant.annotations.contains(key);
        let Some(controller) = controller else {
            let is_judged = self.is_route && self.concern == Concern::Claims;
            if is_judged && speaks_of_shared_things(key) && !is_listed() {
                self.report(claims, &Problem::Words, (key, value));
            }
            return;
        };
        let allowed_value = controller.allowed_value(name);
        // The tenant's list of annotations allows keys, but no hosts.
        if allowed_value != Some(AllowedValue::Hosts) && is_listed() {
            return;
        }
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
            Some(allowed_value) => self.values().problem(allowed_value, (key, value)),
            None => Some(Problem::Unknown),
        };
        let is_own = |problem: &Problem<'_>| problem.is_injection() == (self.concern == Concern::Injection);
        if let Some(problem) = problem.filter(is_own) {
            self.report(claims, &problem, annotation);
        }
    }

    const fn values(&self) -> AnnotationCheck<'_, '_> {
        AnnotationCheck { subject: self.subject, tenant: self.tenant, annotations: self.annotations }
    }

    fn report(&self, claims: &mut HostClaims<'_, '_>, problem: &Problem<'_>, (key, value): (&str, &str)) {
        let field = format_args!("{}.annotations[{}]", self.path, Escaped(key));
        let message = format_args!(
            "{problem} remove the annotation, or ask the platform team to list its key in the tenant's `annotations`"
        );
        claims.findings.add_whole(&field, &message, &self.values().identity(key, value));
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
                INDEX.iter().filter(|(other, one)| other == domain && one.prefixes != controller.prefixes);
            for (_, other) in others {
                assert!(controller.within != other.within, "{domain}");
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
                let allowed = controller.allowed_value(name);
                assert!(matches!(allowed, None | Some(AllowedValue::Any)), "{prefix}/{name}");
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
