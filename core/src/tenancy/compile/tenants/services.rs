//! Compiles the limits on a tenant's Services.

use ipnet::IpNet;

use crate::api::{self, ServiceType, TenantSpec};
use crate::hosts::{Domain, Domains, parents};
use crate::tenancy::compile::addresses::parse_range;
use crate::tenancy::compile::mistakes::{At, Mistakes, refuse_empty};
use crate::tenancy::compile::names;
use crate::tenancy::compile::namespaces::NamespaceOwners;
use crate::tenancy::compile::objects::Named;
use crate::tenancy::{AddressRanges, ListedNames, NamespaceOwner, Services};

const CLUSTER: &str = "cluster.local";
/// Ends the names of the cluster's Services.
const SERVICES: &str = ".svc.cluster.local";
/// Ends their names as resolvers in the cluster, which add the rest, take them too.
const SHORT: &str = ".svc";

pub(super) fn compile(at: &At, written: Option<&api::Services>, mistakes: &mut Mistakes) -> Services {
    let Some(written) = written else {
        return Services {
            types: vec![ServiceType::ClusterIP],
            external_ips: AddressRanges::default(),
            external_names: Domains::default(),
            load_balancer_classes: ListedNames::default(),
            load_balancer_ips: AddressRanges::default(),
            load_balancer_node_ports: true,
        };
    };
    if let Some(types) = &written.types {
        let mend = "name a type, or leave the field out: then it is ClusterIP";
        refuse_empty(types, at, "spec.services.types", mend, mistakes);
        if types.contains(&ServiceType::ExternalName) && written.external_names.is_empty() {
            let message = "`ExternalName` is allowed, but no name that it may point to; list them in \
                 `services.externalNames`";
            mistakes.warn(at, "spec.services.types", types, message);
        }
    }
    let has_balancers =
        written.types.as_ref().is_some_and(|types| types.contains(&ServiceType::LoadBalancer));
    if let Some(may_have_ports) = written.load_balancer_node_ports.as_ref().filter(|_| !has_balancers) {
        let message = "this says nothing, since the tenant may have no load balancers; add `LoadBalancer` to \
                       `services.types`, or leave the field out";
        mistakes.warn(at, "spec.services.loadBalancerNodePorts", may_have_ports, message);
    }
    Services {
        types: written.types.clone().unwrap_or_else(|| vec![ServiceType::ClusterIP]),
        external_ips: written
            .external_ips
            .iter()
            .enumerate()
            .filter_map(|(index, text)| range(at, "externalIPs", index, text, mistakes))
            .collect(),
        external_names: written
            .external_names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| external_name(at, index, name, mistakes))
            .collect(),
        load_balancer_classes: classes(at, written.load_balancer_classes.as_deref(), mistakes),
        load_balancer_ips: written
            .load_balancer_ips
            .iter()
            .enumerate()
            .filter_map(|(index, text)| range(at, "loadBalancerIPs", index, text, mistakes))
            .collect(),
        load_balancer_node_ports: written.load_balancer_node_ports.unwrap_or(true),
    }
}

fn classes(at: &At, written: Option<&[String]>, mistakes: &mut Mistakes) -> ListedNames {
    const PATH: &str = "spec.services.loadBalancerClasses";
    let Some(written) = written else { return ListedNames::default() };
    refuse_empty(written, at, PATH, "name a class, or leave the field out: then none may be named", mistakes);
    for (index, class) in written.iter().enumerate() {
        if !names::is_qualified_name(class) {
            mistakes.error(at, format!("{PATH}[{index}]"), class, names::KEY);
        }
    }
    written.iter().collect()
}

fn range(at: &At, field: &str, index: usize, text: &str, mistakes: &mut Mistakes) -> Option<IpNet> {
    let parsed = parse_range(text);
    if parsed.is_none() {
        let message = "this is neither an address nor a range; write `192.0.2.7` or `192.0.2.0/28`";
        mistakes.error(at, format!("spec.services.{field}[{index}]"), text, message);
    }
    parsed
}

fn external_name(at: &At, index: usize, name: &str, mistakes: &mut Mistakes) -> Option<Domain> {
    let path = format!("spec.services.externalNames[{index}]");
    let problem = match Domain::parse(name) {
        Ok(domain) if is_service(&domain) => return Some(domain),
        Ok(domain) if is_in_cluster(&domain) => {
            format!(
                "these are names of the cluster's own, Services of other tenants among them; write the exact name of a \
                 Service, such as `gateway.ingress.svc.{CLUSTER}`"
            )
        }
        Ok(domain) if is_address_like(domain.base()) => {
            "this reads like an IP address; list host names only".to_owned()
        }
        Ok(domain) => return Some(domain),
        Err(error) => error.to_string(),
    };
    mistakes.error(at, path, name, problem);
    None
}

/// Adds a warning for each listed Service in a namespace of another tenant.
pub(super) fn warn_of_others(
    objects: &[Named<TenantSpec>],
    owners: &NamespaceOwners,
    mistakes: &mut Mistakes,
) {
    for (tenant, Named { at, spec, .. }) in objects.iter().enumerate() {
        let names = spec.services.iter().flat_map(|services| &services.external_names);
        for (index, name) in names.enumerate() {
            let Ok(domain) = Domain::parse(name) else { continue };
            let owner = namespace_of(&domain).and_then(|namespace| owners.get(namespace));
            if matches!(owner, Some(NamespaceOwner::Tenant(other)) if other != tenant) {
                let message = "this is a Service of another tenant, and a proxy that follows the alias reaches it past \
                               its NetworkPolicies; list Services of the platform";
                mistakes.warn(at, format!("spec.services.externalNames[{index}]"), name, message);
            }
        }
    }
}

/// Returns the namespace of the Service that an exact name of the cluster's own names.
fn namespace_of(domain: &Domain) -> Option<&str> {
    let Domain::Exact(base) = domain else { return None };
    let inside = base.strip_suffix(SERVICES).or_else(|| base.strip_suffix(SHORT))?;
    let (name, namespace) = inside.rsplit_once('.')?;
    (!name.is_empty() && names::is_dns_label(namespace)).then_some(namespace)
}

fn is_service(domain: &Domain) -> bool {
    namespace_of(domain).is_some()
}

/// Returns whether `domain` matches a name of the cluster's own.
fn is_in_cluster(domain: &Domain) -> bool {
    let base = domain.base();
    let is_below = base == CLUSTER || parents(base).any(|above| above == CLUSTER);
    // `*.local` and `**.local` match `cluster.local`, the latter also all names below it.
    let is_wildcard = !matches!(domain, Domain::Exact(_));
    let is_above = is_wildcard && parents(CLUSTER).any(|above| above == base);
    let is_short = is_wildcard && (base.ends_with(SHORT) || Some(base) == SHORT.get(1..));
    is_below || is_above || is_short
}

/// Returns whether resolvers take a name for an address, as in `127.1` and `0x7f000001`.
///
/// They do so if its last label is a number.
fn is_address_like(base: &str) -> bool {
    let last = base.rsplit('.').next().unwrap_or(base);
    let is_hex =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    is_hex || last.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_cluster_and_of_addresses_are_told_from_others() {
        let domain = |text| Domain::parse(text).unwrap();
        for own in [
            "cluster.local",
            "a.svc.cluster.local",
            "*.svc.Cluster.Local",
            "**.local",
            "*.local",
            "**.svc",
            "*.svc",
            "*.ns.svc",
        ] {
            assert!(is_in_cluster(&domain(own)), "{own}");
        }
        for other in [
            "local",
            "printer.local",
            "cluster.local.example.com",
            "evilcluster.local",
            "**.example.com",
            "**.asvc",
        ] {
            assert!(!is_in_cluster(&domain(other)), "{other}");
        }
        for service in ["web.ns.svc.cluster.local", "db-0.db.ns.svc.Cluster.Local.", "web.ns.svc"] {
            assert_eq!(namespace_of(&domain(service)), Some("ns"), "{service}");
        }
        for other in [
            "ns.svc.cluster.local",
            "svc.cluster.local",
            "*.ns.svc.cluster.local",
            "10-0-0-1.ns.pod.cluster.local",
            "web.ns.svc.cluster.local.example.com",
            "web.n_s.svc.cluster.local",
        ] {
            assert_eq!(namespace_of(&domain(other)), None, "{other}");
        }
        for address in ["127.1", "1", "0x7f000001", "a.0x1"] {
            assert!(is_address_like(address), "{address}");
        }
        for name in ["a.example.com", "1.example.com", "0xample"] {
            assert!(!is_address_like(name), "{name}");
        }
    }
}
