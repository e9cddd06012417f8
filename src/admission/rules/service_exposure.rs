//! `service-exposure`: a Service opens nothing to the world, takes nobody's traffic and points at nobody else.
//!
//! `externalIPs` are looked at whatever the type is, since every node takes traffic for them (CVE-2020-8554);
//! so is the address in a load balancer's status, which is the other half of the same hole. A LoadBalancer
//! where NodePort is not allowed must do without node ports.

use std::fmt;
use std::net::IpAddr;

use super::{Findings, Subject};
use crate::admission::network::{Service, ServiceSpec};
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
    // What a Service of a type that is refused takes besides is only worth a word when the type is none.
    if !type_(service, allowed, findings) {
        node_ports(service, allowed, findings);
    }
    external_ips(service, allowed, findings);
}

/// Whether the type, or the alias, is refused.
fn type_(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) -> bool {
    let wanted = match &*service.spec.type_ {
        "" | "ClusterIP" => Some(ServiceType::ClusterIP),
        "NodePort" => Some(ServiceType::NodePort),
        "LoadBalancer" => Some(ServiceType::LoadBalancer),
        // An alias is allowed if its name is listed; that a name is listed says that aliases are allowed.
        "ExternalName" if !allowed.external_names.is_empty() => {
            return external_name(service, allowed, findings);
        }
        // A type that nobody here has heard of is not on anybody's list.
        _ => None,
    };
    if wanted.is_some_and(|wanted| allowed.types.contains(&wanted)) {
        return false;
    }
    let ServiceSpec { type_, external_name, .. } = &service.spec;
    let message = fmt::from_fn(|f| {
        write!(f, "type `{}` is not allowed; use ", Cut(type_))?;
        match allowed.types.as_slice() {
            [] => f.write_str("another way in"),
            [first, rest @ ..] => {
                write!(f, "`{first:?}`")?;
                rest.iter().try_for_each(|type_| write!(f, " or `{type_:?}`"))
            }
        }
    });
    // An alias for another name is another alias.
    findings.add_whole(&"spec.type", &message, &format_args!("type={type_} {external_name}"))
}

fn external_name(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) -> bool {
    let name = &service.spec.external_name;
    let listed = Host::parse(name)
        .is_ok_and(|host| matches!(host, Host::Name(_)) && allowed.external_names.owns(&host));
    if listed {
        return false;
    }
    let message = fmt::from_fn(|f| {
        write!(f, "`{}` is not a name that aliases may point to; use ", Cut(name))?;
        let names = allowed.external_names.list();
        names.iter().enumerate().try_for_each(|(index, name)| {
            let or = if index == 0 { "" } else { " or " };
            write!(f, "{or}`{name}`")
        })
    });
    findings.add_whole(&"spec.externalName", &message, &format_args!("name={name}"))
}

/// Node ports by the back door: a load balancer takes them too, if nobody stops it. Those that are allocated for
/// it are told of once; one that is asked for, or that an old Service gains, is a violation of its own.
fn node_ports(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    const WHY: &str = "opens a port on every node, and type `NodePort` is not allowed";
    let spec = &service.spec;
    if allowed.types.contains(&ServiceType::NodePort) {
        return;
    }
    let is_allocated =
        &*spec.type_ == "LoadBalancer" && spec.allocate_load_balancer_node_ports != Some(false);
    if is_allocated {
        let field = "spec.allocateLoadBalancerNodePorts";
        let message = format_args!("{WHY}; set it to false");
        if findings.add_whole(&field, &message, &"allocate-node-ports") {
            return;
        }
    }
    let advice = if is_allocated { "set `allocateLoadBalancerNodePorts` to false" } else { "remove it" };
    for (index, port) in spec.ports.iter().enumerate().filter(|(_, port)| port.node_port != 0) {
        findings.add_whole(
            &format_args!("spec.ports[{index}].nodePort"),
            &format_args!("{WHY}; {advice}"),
            &format_args!("node-port={}", port.node_port),
        );
    }
}

fn external_ips(service: &Service<'_>, allowed: &Services, findings: &mut Findings<'_>) {
    for (index, address) in service.spec.external_ips.iter().enumerate() {
        if !is_listed(address, allowed) {
            findings.add_whole(&format_args!("spec.externalIPs[{index}]"),
                &format_args!(
                    "every node would take the traffic for `{}`; remove the address, or ask the platform team to list it for the tenant",
                    Cut(address)
                ),
                &format_args!("ip={address}"),
            );
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
            findings.add_whole(&format_args!("status.loadBalancer.ingress[{index}].ip"),
                &format_args!(
                    "every node would take the traffic for `{}`; only the cluster's own controllers may set it",
                    Cut(&ingress.ip)
                ),
                &format_args!("ip={}", ingress.ip),
            );
        }
    }
}

fn is_listed(address: &str, allowed: &Services) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    // `::ffff:10.0.0.1` is 10.0.0.1 to the node.
    let address = address.to_canonical();
    allowed.external_ips.iter().any(|range| range.contains(&address))
}
