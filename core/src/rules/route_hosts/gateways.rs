//! Judges Gateways and ListenerSets.

use std::fmt;

use super::RouteCheck;
use super::references::{Parent, ParentKind};
use crate::api::ServiceType;
use crate::json::{Escaped, Pairs};
use crate::judging::{Digest, OneOf, words_of};
use crate::labels::{NAMESPACE_NAME, TENANT};
use crate::objects::gateway_api::{AllowedRoutes, GatewaySpec, Infrastructure, Listener, Reference};

/// The port on which waypoints of a mesh receive connections.
const HBONE_PORT: i64 = 15_008;

/// Returns whether a class is that of a mesh's waypoints, such as `istio-waypoint`.
fn is_of_waypoints(class: &str) -> bool {
    class.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "waypoint")
}

impl RouteCheck<'_, '_> {
    pub(super) fn gateway(&mut self, spec: &GatewaySpec<'_>) {
        let class = &*spec.gateway_class_name;
        self.class(class);
        self.listeners(&spec.listeners, &format_args!("class {class}"), is_of_waypoints(class));
        self.addresses(spec);
        self.infrastructure(&spec.infrastructure);
        if !matches!(&*spec.default_scope, "" | "None") {
            let message = "accepts routes of other tenants that name no Gateway; remove it";
            self.claims.findings.add_whole(&"spec.defaultScope", &message, &spec.default_scope);
        }
    }

    pub(super) fn listener_set(&mut self, spec: &GatewaySpec<'_>) {
        let absent = Reference::default();
        let parent = Parent::of(spec.parent_ref.as_ref().unwrap_or(&absent), self.namespace);
        if parent.kind() == ParentKind::Gateway {
            self.parent(&"spec.parentRef", parent);
        } else {
            let message = format_args!("{parent:#} has no listeners; name a Gateway");
            self.claims.findings.add_whole(&"spec.parentRef", &message, &format_args!("parent {parent}"));
        }
        self.listeners(&spec.listeners, &parent, false);
    }

    /// Judges the class, whose controller opens a load balancer that no rule judges.
    fn class(&mut self, class: &str) {
        const FIELD: &str = "spec.gatewayClassName";
        let identity = format_args!("class {class}");
        let findings = &mut *self.claims.findings;
        match &self.tenant.gateway_classes {
            Some(classes) if classes.contains(class) => {}
            Some(classes) => {
                let message = format_args!(
                    "`{}` is not in the tenant's `gatewayClasses`; use {}, or ask the platform team to list it there",
                    Escaped(class),
                    OneOf(classes)
                );
                findings.add_whole(&FIELD, &message, &identity);
            }
            // Its controller gives it a Service of type ClusterIP.
            None if self.tenant.waypoints && is_of_waypoints(class) => {}
            None if self.tenant.services.types.contains(&ServiceType::LoadBalancer) => {}
            None => {
                let message = "a Gateway creates a load balancer, and type `LoadBalancer` is not allowed; attach \
                               routes to a Gateway of the platform, or ask the platform team for a class in the \
                               tenant's `gatewayClasses`";
                findings.add_whole(&FIELD, &message, &identity);
            }
        }
    }

    /// Judges listeners; the same listener in another `place` is another claim.
    fn listeners(&mut self, listeners: &[Listener<'_>], place: &dyn fmt::Display, is_waypoint: bool) {
        let place = Digest::of(place);
        for (index, listener) in listeners.iter().enumerate() {
            let Listener { hostname, port, protocol, tls, allowed_routes } = listener;
            let path = format_args!("spec.listeners[{index}]");
            let source = format_args!("listener {protocol}:{port} of {place}");
            let is_hbone = is_waypoint && &**protocol == "HBONE";
            // Only the workloads of the namespaces that choose a waypoint send their connections to it.
            if is_hbone && self.tenant.waypoints && *port == HBONE_PORT && hostname.is_empty() {
                // Connections by other protocols name no host.
            } else if matches!(&**protocol, "HTTP" | "HTTPS" | "TLS") {
                self.claims.host_and_below(&format_args!("{path}.hostname"), &source, hostname);
            } else {
                let message = fmt::from_fn(|f| {
                    write!(
                        f,
                        "a listener for `{}` receives every connection to its port; use `HTTP`, `HTTPS` or `TLS`, with \
                         a hostname",
                        Escaped(protocol)
                    )?;
                    match self.tenant.waypoints {
                        _ if !is_hbone => Ok(()),
                        true => write!(f, ", or port {HBONE_PORT} without a hostname"),
                        false => f.write_str(
                            ", or ask the platform team to set the tenant's `gatewayListeners.waypoints` to true",
                        ),
                    }
                });
                self.claims.findings.add_whole(&format_args!("{path}.protocol"), &message, &source);
            }
            self.tls_options(&path, &tls.options);
            self.allowed_routes(&path, allowed_routes, &format_args!("{source} {hostname}"));
        }
    }

    /// Judges settings of TLS that only the implementation knows: some name certificates by themselves.
    fn tls_options(&mut self, path: &dyn fmt::Display, options: &Pairs<'_>) {
        for (key, value) in options.iter() {
            let is_listed = || self.tenant.annotations.iter().any(|listed| **listed == *key);
            if speaks_of_certificates(key) && !is_listed() {
                let message = "may name certificates or Secrets that are not the tenant's; remove it and use \
                               `certificateRefs`, or ask the platform team to list the key in the tenant's \
                               `annotations`";
                let field = format_args!("{path}.tls.options[{}]", Escaped(key));
                self.claims.findings.add_whole(&field, &message, &format_args!("option {key}={value}"));
            }
        }
    }

    /// Judges the namespaces whose routes a listener admits.
    fn allowed_routes(
        &mut self,
        path: &dyn fmt::Display,
        allowed: &AllowedRoutes<'_>,
        listener: &dyn fmt::Display,
    ) {
        let namespaces = &allowed.namespaces;
        let is_own = match &*namespaces.from {
            "" | "Same" | "None" => true,
            "Selector" => namespaces.selector.as_ref().is_some_and(|selector| self.own.has_all_of(selector)),
            _ => false,
        };
        if !is_own {
            let tenant = &self.tenant.name;
            let message = format_args!(
                "admits routes of namespaces that may not be the tenant's; write `from: Same`, or select namespaces \
                 by `{NAMESPACE_NAME}`, or all of the tenant's by `{TENANT}: {tenant}`"
            );
            let identity = format_args!("{listener} for {} {:?}", namespaces.from, namespaces.selector);
            self.claims.findings.add_whole(
                &format_args!("{path}.allowedRoutes.namespaces"),
                &message,
                &identity,
            );
        }
    }

    /// Judges the requested addresses, which must be allowed for the tenant's load balancers.
    fn addresses(&mut self, spec: &GatewaySpec<'_>) {
        let ranges = &self.tenant.services.load_balancer_ips;
        for (index, address) in spec.addresses.iter().enumerate() {
            let (type_, value) = (&*address.type_, &*address.value);
            let identity = format_args!("address {type_} {value}");
            let field = format_args!("spec.addresses[{index}]");
            if !matches!(type_, "" | "IPAddress") {
                let message = format_args!(
                    "the owner of an address of type `{}` is not known here; use type `IPAddress`",
                    Escaped(type_)
                );
                self.claims.findings.add_whole(&field, &message, &identity);
            // An empty value requests any address.
            } else if !value.is_empty() && !ranges.contain(value) {
                let message = format_args!(
                    "`{}` is not in the tenant's `services.loadBalancerIPs`; remove it, or ask the platform team to \
                     list it there",
                    Escaped(value)
                );
                self.claims.findings.add_whole(&field, &message, &identity);
            }
        }
    }

    /// Judges what the controller copies onto the objects that it creates, often elsewhere.
    ///
    /// `ingress-annotations` and `pod-networks` judge the annotations.
    fn infrastructure(&mut self, infrastructure: &Infrastructure<'_>) {
        const MESSAGE: &str = "the controller copies this to objects that it creates, which may be in another \
                               namespace; remove it, or ask the platform team to list the key in the tenant's \
                               `annotations`";
        let Infrastructure { labels, parameters_ref, .. } = infrastructure;
        for (key, value) in labels.iter() {
            if !self.tenant.annotations.contains(key) {
                let field = format_args!("spec.infrastructure.labels[{}]", Escaped(key));
                self.claims.findings.add_whole(&field, &MESSAGE, &format_args!("labels {key}={value}"));
            }
        }
        if let Some(Reference { group, kind, namespace, name, .. }) = parameters_ref {
            let message = "the effect of these parameters is not known here; remove them, and use a GatewayClass that \
                           has them";
            let group = group.as_deref().unwrap_or_default();
            let identity = format_args!("parameters {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(&"spec.infrastructure.parametersRef", &message, &identity);
        }
    }

    /// Judges references to certificates.
    pub(super) fn certificates(&mut self, spec: &GatewaySpec<'_>) {
        for (index, Listener { tls, .. }) in spec.listeners.iter().enumerate() {
            let path = format_args!("spec.listeners[{index}].tls");
            self.references(&format_args!("{path}.certificateRefs"), &tls.certificate_refs);
            let authorities = &tls.frontend_validation.ca_certificate_refs;
            self.references(&format_args!("{path}.frontendValidation.caCertificateRefs"), authorities);
        }
        let backends = [("tls.backend", &spec.tls.backend), ("backendTLS", &spec.backend_tls)];
        for (field, backend) in backends {
            if let Some(reference) = &backend.client_certificate_ref {
                self.certificate(&format_args!("spec.{field}.clientCertificateRef"), reference);
            }
        }
        let frontend = &spec.tls.frontend;
        let path = "spec.tls.frontend.default.validation.caCertificateRefs";
        self.references(&path, &frontend.default.validation.ca_certificate_refs);
        for (index, port) in frontend.per_port.iter().enumerate() {
            let path = format_args!("spec.tls.frontend.perPort[{index}].tls.validation.caCertificateRefs");
            self.references(&path, &port.tls.validation.ca_certificate_refs);
        }
    }

    fn references(&mut self, path: &dyn fmt::Display, references: &[Reference<'_>]) {
        for (index, reference) in references.iter().enumerate() {
            self.certificate(&format_args!("{path}[{index}]"), reference);
        }
    }
}

/// Returns whether the name in a key speaks of certificates, keys, Secrets or hosts.
///
/// Of the known keys these are `networking.gke.io/pre-shared-certs` and `networking.gke.io/cert-manager-certs`
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/secure-gateway>).
fn speaks_of_certificates(key: &str) -> bool {
    const WORDS: [&str; 15] = [
        "ca",
        "cas",
        "cert",
        "certificate",
        "certificates",
        "certmap",
        "certs",
        "host",
        "hostname",
        "hosts",
        "key",
        "keys",
        "secret",
        "secrets",
        "sni",
    ];
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    words_of(name).any(|word| WORDS.iter().any(|listed| listed.eq_ignore_ascii_case(word)))
}
