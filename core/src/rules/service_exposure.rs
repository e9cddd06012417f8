//! `service-exposure`: Services have only the types, addresses and aliases that the tenant may use.
//!
//! The rule judges `externalIPs` for every type, because each node accepts traffic for them (CVE-2020-8554). It also
//! judges the addresses in a load balancer's status, which have the same effect, and those in an Ingress' status, which
//! external-dns publishes. If the tenant may not use NodePort, a Service of type LoadBalancer may have the node ports
//! that the API server gives it, but choose none. Where `services.loadBalancerNodePorts` of the Tenant is false, it
//! must have none, including the one for health checks. Its class and its address must be in the tenant's lists, or
//! left to the cluster to choose. The rule `ingress-annotations` judges the annotations that configure load balancers.
//!
//! An alias leads a shared proxy, such as an ingress controller, past NetworkPolicies to whatever it names. So the
//! names are listed, those of Services inside the cluster one by one, and controllers that write aliases are listed in
//! the Settings (`controllers.services`).
//!
//! The rule does not see who chose the node port of a load balancer that gets its ports from the API server: the object
//! that is judged has all of them.

use std::fmt;

use crate::api::ServiceType;
use crate::hosts::Host;
use crate::json::Escaped;
use crate::judging::trusted_users::{is_of_cluster, is_outside_tenants};
use crate::judging::{Findings, OneOf, Subject};
use crate::objects::object::Object;
use crate::objects::service::{LoadBalancerIngress, Service, ServiceSpec, ServiceStatus};
use crate::review::User;
use crate::tenancy::{Services, Snapshot};

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    let Subject { request, snapshot, .. } = *subject;
    let (allowed, is_status) = (&tenant.services, &*request.subresource == "status");
    if let Object::Service(service) = subject.object {
        if !is_status {
            spec(subject, service, allowed, findings);
        } else if !may_write_status(&request.user, allowed, snapshot) {
            status(&service.status, allowed, "every node would accept traffic for", findings);
        }
    }
    // external-dns publishes the addresses in an Ingress' status.
    if let Object::Ingress(ingress) = subject.object
        && is_status
        && !is_outside_tenants(&request.user, snapshot)
    {
        status(&ingress.status, allowed, "its hosts would be published as", findings);
    }
}

/// Returns whether a user may write the status of a Service.
///
/// If the tenant may have no load balancers, only the cluster itself may write the addresses of old ones.
fn may_write_status(user: &User<'_>, allowed: &Services, snapshot: &Snapshot) -> bool {
    if allowed.types.contains(&ServiceType::LoadBalancer) {
        return is_outside_tenants(user, snapshot);
    }
    is_of_cluster(user, snapshot)
}

fn spec(subject: &Subject<'_, '_>, service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    // The other fields matter only if the type is allowed.
    if !type_(subject, service, allowed, findings) {
        node_ports(service, allowed, findings);
        load_balancer(subject, service, allowed, findings);
    }
    external_ips(service, allowed, findings);
}

/// Judges the type and the alias; returns whether one is refused.
fn type_(
    subject: &Subject<'_, '_>,
    service: &Service<'_>,
    allowed: &Services,
    findings: &mut Findings<'_>,
) -> bool {
    let user = &subject.request.user;
    let wanted = match &*service.spec.type_ {
        "" | "ClusterIP" => Some(ServiceType::ClusterIP),
        "NodePort" => Some(ServiceType::NodePort),
        "LoadBalancer" => Some(ServiceType::LoadBalancer),
        "ExternalName" if subject.snapshot.controllers.services.contains(&user.username) => return false,
        // Listed names allow aliases to them, so the type itself needs no entry.
        "ExternalName" if !allowed.external_names.is_empty() => {
            return external_name(subject, service, allowed, findings);
        }
        // No list contains an unknown type.
        _ => None,
    };
    if wanted.is_some_and(|wanted| allowed.types.contains(&wanted)) {
        return false;
    }
    let ServiceSpec { type_, external_name, .. } = &service.spec;
    let message = fmt::from_fn(|f| {
        write!(f, "type `{}` is not allowed; use ", Escaped(type_))?;
        match allowed.types.as_slice() {
            [] => f.write_str("an Ingress or a route")?,
            [first, rest @ ..] => {
                write!(f, "`{first:?}`")?;
                rest.iter().try_for_each(|type_| write!(f, " or `{type_:?}`"))?;
            }
        }
        let is_alias = &**type_ == "ExternalName";
        let setting = if is_alias { "externalNames" } else { "types" };
        write!(f, ", or ask the platform team to extend the tenant's `services.{setting}`")?;
        if is_alias { write!(f, "{}", controller(subject)) } else { Ok(()) }
    });
    // An alias for another name is another violation.
    findings.add_whole(&"spec.type", &message, &format_args!("type={type_} {external_name}"))
}

/// Formats the setting by which a controller may write aliases, if the user may be one.
fn controller(subject: &Subject<'_, '_>) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let user = &subject.request.user;
        if !is_outside_tenants(user, subject.snapshot) {
            return Ok(());
        }
        write!(
            f,
            ", or, if `{}` is a controller of the platform, to list it in the Settings (`controllers.services`)",
            Escaped(&user.username)
        )
    })
}

fn external_name(
    subject: &Subject<'_, '_>,
    service: &Service<'_>,
    allowed: &Services,
    findings: &mut Findings<'_>,
) -> bool {
    let name = &service.spec.external_name;
    let listed = Host::parse(name)
        .is_ok_and(|host| matches!(host, Host::Name(_)) && allowed.external_names.owns(&host));
    if listed {
        return false;
    }
    let message = fmt::from_fn(|f| {
        write!(f, "`{}` is not in the tenant's `services.externalNames`; use ", Escaped(name))?;
        let names = allowed.external_names.first();
        names.iter().enumerate().try_for_each(|(index, name)| {
            let or = if index == 0 { "" } else { " or " };
            write!(f, "{or}`{name}`")
        })?;
        match allowed.external_names.len().saturating_sub(names.len()) {
            0 => Ok(()),
            more => write!(f, " or one of {more} more"),
        }?;
        f.write_str(", or ask the platform team to list the name there")?;
        write!(f, "{}", controller(subject))
    });
    findings.add_whole(&"spec.externalName", &message, &format_args!("name={name}"))
}

/// Reports node ports, which a load balancer allocates too unless its spec says otherwise.
///
/// Allocated ports are one violation; a requested port, or one that an old Service gains, is a violation of its own.
fn node_ports(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    const WHY: &str = "opens a port on every node, and type `NodePort` is not allowed";
    const GRANT: &str =
        "or ask the platform team to set the tenant's `services.loadBalancerNodePorts` to true";
    let spec = &service.spec;
    if allowed.types.contains(&ServiceType::NodePort) {
        return;
    }
    let is_balancer = &*spec.type_ == "LoadBalancer";
    let is_allocated = is_balancer && spec.allocate_load_balancer_node_ports != Some(false);
    // A load balancer that the tenant may not have is an old one, and gains nothing.
    let is_granted = allowed.types.contains(&ServiceType::LoadBalancer);
    let may_have_ports = is_balancer && is_granted && allowed.load_balancer_node_ports;
    // A Service that stops getting ports keeps those that it has, so those of an old one count.
    if may_have_ports && is_allocated && !findings.is_old_object() {
        return;
    }
    if is_allocated && !may_have_ports {
        let field = "spec.allocateLoadBalancerNodePorts";
        let message = format_args!("{WHY}; set it to false, {GRANT}");
        if findings.add_whole(&field, &message, &"allocate-node-ports") {
            return;
        }
    }
    let advice = match (may_have_ports, is_allocated) {
        (true, _) => {
            "remove `nodePort`; unless `allocateLoadBalancerNodePorts` is false, Kubernetes gives the Service a port"
        }
        (false, true) => "set `allocateLoadBalancerNodePorts` to false",
        (false, false) => "remove it",
    };
    for (index, port) in spec.ports.iter().enumerate().filter(|(_, port)| port.node_port != 0) {
        findings.add_whole(
            &format_args!("spec.ports[{index}].nodePort"),
            &format_args!("{WHY}; {advice}"),
            &format_args!("node-port={}", port.node_port),
        );
    }
    // `externalTrafficPolicy: Local` allocates this port, and the object does not show who chose it.
    let port = spec.health_check_node_port;
    if port != 0 && !may_have_ports {
        findings.add_whole(
            &"spec.healthCheckNodePort",
            &format_args!("{WHY}; remove it, and set `externalTrafficPolicy` to `Cluster`, {GRANT}"),
            &format_args!("node-port={port}"),
        );
    }
}

fn external_ips(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    for (index, address) in service.spec.external_ips.iter().enumerate() {
        if !allowed.external_ips.contain(address) {
            findings.add_whole(&format_args!("spec.externalIPs[{index}]"),
                &format_args!(
                    "every node would accept traffic for `{}`; remove the address, or ask the platform team to list it \
                     in the tenant's `services.externalIPs`",
                    Escaped(address)
                ),
                &format_args!("ip={address}"),
            );
        }
    }
}

/// Judges the class and the address of a load balancer; the cluster may write what it allocated.
fn load_balancer(
    subject: &Subject<'_, '_>,
    service: &Service<'_>,
    allowed: &Services,
    findings: &mut Findings<'_>,
) {
    let ServiceSpec { load_balancer_ip, load_balancer_class, .. } = &service.spec;
    let is_listed = load_balancer_ip.is_empty() || allowed.load_balancer_ips.contain(load_balancer_ip);
    if !is_listed && !is_of_cluster(&subject.request.user, subject.snapshot) {
        let message = format_args!(
            "`{}` is not in the tenant's `services.loadBalancerIPs`; remove it, or ask the platform team to list it \
             there",
            Escaped(load_balancer_ip)
        );
        let identity = format_args!("load-balancer-ip={load_balancer_ip}");
        findings.add_whole(&"spec.loadBalancerIP", &message, &identity);
    }
    let is_listed = allowed.load_balancer_classes.contains(load_balancer_class);
    if !load_balancer_class.is_empty() && !is_listed {
        let message = fmt::from_fn(|f| {
            write!(
                f,
                "`{}` is not in the tenant's `services.loadBalancerClasses`; ",
                Escaped(load_balancer_class)
            )?;
            match &*allowed.load_balancer_classes {
                [] => f.write_str("remove it, or ask the platform team to list it there"),
                classes => write!(f, "use {}", OneOf(classes)),
            }
        });
        let identity = format_args!("load-balancer-class={load_balancer_class}");
        findings.add_whole(&"spec.loadBalancerClass", &message, &identity);
    }
}

/// Judges the addresses in a status that an untrusted user writes.
fn status(status: &ServiceStatus<'_>, allowed: &Services, effect: &str, findings: &mut Findings<'_>) {
    for (index, LoadBalancerIngress { ip, hostname }) in status.load_balancer.ingress.iter().enumerate() {
        if !ip.is_empty() && !allowed.external_ips.contain(ip) {
            findings.add_whole(
                &format_args!("status.loadBalancer.ingress[{index}].ip"),
                &format_args!("{effect} `{}`; {ONLY_CONTROLLERS}", Escaped(ip)),
                &format_args!("ip={ip}"),
            );
        }
        if !hostname.is_empty() {
            findings.add_whole(
                &format_args!("status.loadBalancer.ingress[{index}].hostname"),
                &format_args!("its hosts would be published as `{}`; {ONLY_CONTROLLERS}", Escaped(hostname)),
                &format_args!("hostname={hostname}"),
            );
        }
    }
}

const ONLY_CONTROLLERS: &str = "leave it out, since only the cluster's controllers may set it";
