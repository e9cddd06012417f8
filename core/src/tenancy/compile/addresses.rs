//! Checks that no address of a Service belongs to two tenants, and warns where hand-written Endpoints share some.

use std::net::IpAddr;

use ipnet::IpNet;

use super::mistakes::{At, Mistakes};
use super::objects::Named;
use crate::api::TenantSpec;

/// Holds a range that a tenant lists.
struct Claim<'o> {
    range: IpNet,
    tenant: usize,
    at: &'o At,
    path: String,
    text: &'o str,
}

/// Adds a mistake for each range that shares an address with another tenant's, and warnings for ranges of all
/// addresses.
pub(super) fn check(
    objects: &[Named<TenantSpec>],
    describe: impl Fn(usize) -> String,
    mistakes: &mut Mistakes,
) {
    let of_services = objects.iter().enumerate().flat_map(of_services).collect();
    overlaps(of_services, mistakes, |claim, other, mistakes| {
        let message = format!(
            "these addresses overlap with `{}` of {}; an address has one tenant",
            other.text,
            describe(other.tenant)
        );
        mistakes.relation(claim.at, claim.path.as_str(), claim.text, message);
    });
    // Two tenants may use one server outside the cluster.
    let of_endpoints = objects.iter().enumerate().flat_map(of_endpoints).collect();
    overlaps(of_endpoints, mistakes, |claim, other, mistakes| {
        let message = format!(
            "these addresses overlap with `{}` of {}, so that each of the two reaches pods of the other there past its \
             NetworkPolicies; list addresses of the tenant's own pods, or of servers outside the cluster",
            other.text,
            describe(other.tenant)
        );
        mistakes.warn(claim.at, claim.path.as_str(), claim.text, message);
    });
}

/// Calls `report` with each range that shares an address with another tenant's, and with that range.
///
/// Two ranges share an address only if one contains the other. Sorted, a range follows those that contain it, so one
/// pass finds them, whose number at a time is at most the number of bits of an address.
fn overlaps<'o>(
    mut claims: Vec<Claim<'o>>,
    mistakes: &mut Mistakes,
    report: impl Fn(&Claim<'o>, &Claim<'o>, &mut Mistakes),
) {
    claims.sort_by_key(|claim| (claim.range.network(), claim.range.prefix_len(), claim.tenant));
    let mut around: Vec<&Claim<'o>> = Vec::new();
    for claim in &claims {
        if claim.range.prefix_len() == 0 {
            let message = "this is every address, those of other tenants and of the cluster among them; list the \
                 tenant's";
            mistakes.warn(claim.at, claim.path.as_str(), claim.text, message);
        }
        while around.last().is_some_and(|outer| !outer.range.contains(&claim.range)) {
            around.pop();
        }
        if let Some(other) = around.iter().rev().find(|outer| outer.tenant != claim.tenant) {
            // The later tenant has the mistake, as with domains.
            let (claim, other) = if claim.tenant < other.tenant { (*other, claim) } else { (claim, *other) };
            report(claim, other, mistakes);
        }
        // Of equal ranges one is enough for each tenant.
        if around.last().is_none_or(|outer| outer.range != claim.range || outer.tenant != claim.tenant) {
            around.push(claim);
        }
    }
}

fn of_endpoints((tenant, object): (usize, &Named<TenantSpec>)) -> impl Iterator<Item = Claim<'_>> {
    let texts = object.spec.endpoints.iter().flat_map(|endpoints| &endpoints.addresses);
    texts.enumerate().filter_map(move |(index, text)| {
        let range = parse_range(text)?.trunc();
        let path = format!("spec.endpoints.addresses[{index}]");
        Some(Claim { range, tenant, at: &object.at, path, text })
    })
}

fn of_services((tenant, object): (usize, &Named<TenantSpec>)) -> impl Iterator<Item = Claim<'_>> {
    let services = object.spec.services.as_ref();
    let lists = [
        ("externalIPs", services.map_or(&[][..], |services| &services.external_ips)),
        ("loadBalancerIPs", services.map_or(&[][..], |services| &services.load_balancer_ips)),
    ];
    lists.into_iter().flat_map(move |(field, texts)| {
        texts.iter().enumerate().filter_map(move |(index, text)| {
            let range = parse_range(text)?.trunc();
            let path = format!("spec.services.{field}[{index}]");
            Some(Claim { range, tenant, at: &object.at, path, text })
        })
    })
}

/// Parses a range, or an address as a range of one.
pub(super) fn parse_range(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
