//! `route-hosts`: routes and listeners claim and reach only what is the tenant's.
//!
//! The rule covers all versions of the Gateway API, in both of its groups, and OpenShift's Route. In the Gateway API a
//! missing host claims every host, and `*.d` claims every host below `d`, at any depth, so it needs the domain `**.d`.
//! The rule denies kinds of the Gateway API that it does not know, unless the Settings list them under `foreignRoutes`.
//!
//! The rule permits what reaches only the tenant's own hosts: redirects to any host, a rewritten `Host` on the way to
//! the tenant's own backends, extensions (they are objects of the same namespace, and judged as such), and
//! ReferenceGrants. `controller-injection` judges paths, expressions, values of headers and references to certificates.
//!
//! Waypoints of a mesh are Gateways that receive the connections of the namespaces and workloads that choose them.
//! Where `gatewayListeners.waypoints` of the Tenant is true, it may have such Gateways.
//!
//! The rule also judges the status of Gateways and Routes, from which external-dns takes hosts and addresses: only
//! controllers may write them.
//!
//! The rule does not see whether a Gateway accepts a route that attaches to it, whether a GatewayClass opens a load
//! balancer, or which host a router gives to a Route without one.

mod gateways;
mod openshift;
mod references;
mod routes;

use serde_json::value::RawValue;

use crate::json::Escaped;
use crate::judging::hosts::HostClaims;
use crate::judging::trusted_users::is_outside_tenants;
use crate::judging::{Findings, OwnNamespaces, Subject};
use crate::objects::gateway_api::PolicySpec;
use crate::objects::kinds::Shape;
use crate::objects::object::Object;
use crate::objects::unstructured::Unstructured;
use crate::tenancy::Tenant;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    let namespace = &*subject.request.namespace;
    let mut judge = RouteCheck {
        tenant,
        namespace,
        own: OwnNamespaces::of(subject),
        claims: HostClaims::on(&tenant.domains, findings),
    };
    if &*subject.request.subresource == "status" {
        if !is_outside_tenants(&subject.request.user, subject.snapshot) {
            judge.status(subject.object);
        }
        return;
    }
    match subject.object {
        Object::Route(route) if subject.request.shape == Shape::PortRoute => judge.port_route(&route.spec),
        Object::Route(route) => judge.route(&route.spec),
        Object::Gateway(set) if subject.request.shape == Shape::ListenerSet => judge.listener_set(&set.spec),
        Object::Gateway(gateway) => judge.gateway(&gateway.spec),
        Object::OpenShiftRoute(route) => openshift::check(&route.spec, &mut judge.claims),
        Object::Unstructured(object) => judge.other(subject, object),
        Object::Pod(_)
        | Object::PodStatus(_)
        | Object::TemplateOwner(_)
        | Object::CronJob(_)
        | Object::PodTemplate(_)
        | Object::Service(_)
        | Object::Ingress(_)
        | Object::Binding(_)
        | Object::Endpoints(_)
        | Object::Certificate(_)
        | Object::Status(_)
        | Object::Unread
        | Object::Missing => {}
    }
}

/// Judges the Secrets that Gateways and ListenerSets refer to, for `controller-injection`.
pub(super) fn certificates(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Gateway(gateway), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    if &*subject.request.subresource == "status" {
        return;
    }
    let mut judge = RouteCheck {
        tenant,
        namespace: &subject.request.namespace,
        own: OwnNamespaces::of(subject),
        claims: HostClaims::on(&tenant.domains, findings),
    };
    judge.certificates(&gateway.spec);
}

/// Judges what a tenant wrote in one of its namespaces.
struct RouteCheck<'j, 'f> {
    tenant: &'j Tenant,
    /// The namespace of the object.
    namespace: &'j str,
    own: OwnNamespaces<'j>,
    claims: HostClaims<'j, 'f>,
}

/// Kinds of the Gateway API, other than routes, that claim no hosts.
///
/// They configure connections to the tenant's own Services, or say who may refer to objects in its namespace.
const CLAIM_NOTHING: [&str; 5] =
    ["BackendLBPolicy", "BackendTLSPolicy", "ReferenceGrant", "ReferencePolicy", "XBackendTrafficPolicy"];

impl RouteCheck<'_, '_> {
    /// Judges hosts and addresses in a status that a tenant writes.
    fn status(&mut self, object: &Object<'_>) {
        const ONLY_CONTROLLERS: &str = "leave it out, since only the cluster's controllers may set it";
        if let Object::Gateway(gateway) = object {
            for (index, address) in gateway.status.addresses.iter().enumerate() {
                let message = format_args!(
                    "hosts would be published as `{}`; {ONLY_CONTROLLERS}",
                    Escaped(&address.value)
                );
                let identity = format_args!("status address={}", address.value);
                let field = format_args!("status.addresses[{index}].value");
                self.claims.findings.add_whole(&field, &message, &identity);
            }
        }
        let Object::OpenShiftRoute(route) = object else { return };
        for (index, ingress) in route.status.ingress.iter().enumerate() {
            let path = format_args!("status.ingress[{index}]");
            if !ingress.host.is_empty() {
                self.claims.host(&format_args!("{path}.host"), &"status host", &ingress.host);
            }
            let name = &*ingress.router_canonical_hostname;
            if !name.is_empty() {
                let message =
                    format_args!("its hosts would be published as `{}`; {ONLY_CONTROLLERS}", Escaped(name));
                let field = format_args!("{path}.routerCanonicalHostname");
                self.claims.findings.add_whole(&field, &message, &format_args!("status name={name}"));
            }
        }
    }

    /// Judges an object of any other kind.
    fn other(&mut self, subject: &Subject<'_, '_>, object: &Unstructured<'_>) {
        let request = subject.request;
        let is_listed = || subject.snapshot.foreign_route(&request.group, &request.kind_name).is_some();
        if !Shape::is_in_gateway_api(&request.group) || is_listed() {
            return;
        }
        let spec = object.get("spec").map_or("{}", RawValue::get);
        let policy = Some(&*request.kind_name)
            .filter(|kind| CLAIM_NOTHING.contains(kind))
            .and_then(|_| serde_json::from_str::<PolicySpec<'_>>(spec).ok());
        match policy {
            Some(policy) => {
                if let Some(reference) = &policy.target_ref {
                    self.policy_target(&"spec.targetRef", reference);
                }
                for (index, reference) in policy.target_refs.iter().enumerate() {
                    self.policy_target(&format_args!("spec.targetRefs[{index}]"), reference);
                }
            }
            None => {
                let message = format_args!(
                    "the hosts of a `{}` cannot be checked; use a kind such as HTTPRoute, or ask the platform team to \
                     list the kind in the Settings (`foreignRoutes`)",
                    Escaped(&request.kind_name)
                );
                self.claims.findings.add_whole(&"spec", &message, &object.identity());
            }
        }
    }
}
