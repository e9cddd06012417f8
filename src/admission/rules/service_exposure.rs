//! `service-exposure`: a Service opens nothing to the world, takes nobody's traffic and points at nobody else.
//!
//! `externalIPs` are looked at whatever the type is, since every node takes traffic for them (CVE-2020-8554);
//! so is the address in a load balancer's status, which is the other half of the same hole. A LoadBalancer
//! where NodePort is not allowed must do without node ports.

use std::net::IpAddr;

use super::{Concern, Finding, Findings, Subject};
use crate::admission::network::Service;
use crate::admission::record::Cut;
use crate::admission::review::Object;
use crate::admission::tenancy::{Host, Services};
use crate::api::ServiceType;

/// Who writes addresses of load balancers into Services that were there before partywall was.
const CONTROLLERS: [&str; 2] = ["system:cloud-controller-manager", "system:kube-controller-manager"];
/// The group of the control plane's own ServiceAccounts.
const CONTROLLER_GROUP: &str = "system:serviceaccounts:kube-system";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Service(service), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let allowed = &tenant.services;
    if &*subject.request.subresource == "status" {
        let user = &subject.request.user;
        let is_controller = CONTROLLERS.contains(&&*user.username)
            || user.groups.iter().any(|group| &**group == CONTROLLER_GROUP);
        if !is_controller {
            status(service, allowed, findings);
        }
        return;
    }
    type_(service, allowed, findings);
    external_ips(service, allowed, findings);
}

fn found(findings: &mut Findings<'_>, field: String, message: String, identity: String) {
    findings.add(Finding { control: None, field, message, identity, concern: Concern::Whole });
}

fn type_(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    let spec = &service.spec;
    let wanted = match &*spec.type_ {
        "" | "ClusterIP" => ServiceType::ClusterIP,
        "NodePort" => ServiceType::NodePort,
        "LoadBalancer" => ServiceType::LoadBalancer,
        "ExternalName" => return external_name(service, allowed, findings),
        // A type that nobody here has heard of is not on anybody's list.
        _ => return refuse_type(service, allowed, findings),
    };
    if !allowed.types.contains(&wanted) {
        return refuse_type(service, allowed, findings);
    }
    let takes_node_ports = spec.allocate_load_balancer_node_ports != Some(false)
        || spec.ports.iter().any(|port| port.node_port != 0);
    if wanted == ServiceType::LoadBalancer
        && takes_node_ports
        && !allowed.types.contains(&ServiceType::NodePort)
    {
        let message = "the load balancer opens node ports too, and type `NodePort` is not allowed; set it to false and leave `nodePort` out of the ports";
        found(
            findings,
            "spec.allocateLoadBalancerNodePorts".to_owned(),
            message.to_owned(),
            "node-ports".to_owned(),
        );
    }
}

fn refuse_type(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    let listed: Vec<_> = allowed.types.iter().map(|type_| format!("`{type_:?}`")).collect();
    let message = format!(
        "type `{}` is not allowed; use {}",
        Cut(&service.spec.type_),
        if listed.is_empty() { "another way in".to_owned() } else { listed.join(" or ") }
    );
    found(findings, "spec.type".to_owned(), message, format!("type={}", service.spec.type_));
}

/// An alias is allowed if its name is listed; that a name is listed says that aliases are allowed.
fn external_name(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    if allowed.external_names.is_empty() {
        return refuse_type(service, allowed, findings);
    }
    let name = &service.spec.external_name;
    let listed = Host::parse(name)
        .is_ok_and(|host| matches!(host, Host::Name(_)) && allowed.external_names.owns(&host));
    if !listed {
        let names: Vec<_> = allowed.external_names.list().iter().map(|d| format!("`{d}`")).collect();
        let message =
            format!("`{}` is not a name that aliases may point to; use {}", Cut(name), names.join(" or "));
        found(findings, "spec.externalName".to_owned(), message, format!("name={name}"));
    }
}

fn external_ips(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    for (index, address) in service.spec.external_ips.iter().enumerate() {
        if !is_listed(address, allowed) {
            let message = format!(
                "every node would take the traffic for `{}`; remove the address, or ask the platform team to list it for the tenant",
                Cut(address)
            );
            found(findings, format!("spec.externalIPs[{index}]"), message, format!("ip={address}"));
        }
    }
}

/// The addresses in the status, where the tenant may not have a load balancer anyway.
fn status(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    if allowed.types.contains(&ServiceType::LoadBalancer) {
        return;
    }
    for (index, ingress) in service.status.load_balancer.ingress.iter().enumerate() {
        if !ingress.ip.is_empty() && !is_listed(&ingress.ip, allowed) {
            let message = format!(
                "every node would take the traffic for `{}`; only the cluster's own controllers may set it",
                Cut(&ingress.ip)
            );
            let field = format!("status.loadBalancer.ingress[{index}].ip");
            found(findings, field, message, format!("ip={}", ingress.ip));
        }
    }
}

fn is_listed(address: &str, allowed: &Services) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    // `::ffff:10.0.0.1` is 10.0.0.1 to the node.
    let address = address.to_canonical();
    allowed.external_ips.iter().any(|range| range.contains(&address))
}
