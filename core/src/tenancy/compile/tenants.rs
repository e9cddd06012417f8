//! Compiles tenants: their namespaces, pools, domains and permissions.

mod endpoints;
mod listed;
mod pod_security;
mod services;
mod storage;

use super::classes::Lacking;
use super::defaults::{ClusterDefaults, warn_of_open_pools};
use super::domains::{Claim, overlaps};
use super::host_patterns::{self, Other, Overlap, PatternClaim};
use super::mistakes::{At, Mistakes, refuse_empty};
use super::names;
use super::namespaces::NamespaceOwners;
use super::objects::Named;
use super::pools::{Found, Pools};
use super::{addresses, suffixes, tolerations};
use crate::api::{NamespaceSelection, NodePools, TenantSpec};
use crate::hosts::{Domain, Domains, HostPattern};
use crate::rule_id::Modes;
use crate::tenancy::{PoolId, PoolSet, PoolTable, Tenant};

/// Compiles the tenants; of those in `lacking` some fields are unknown.
pub(super) fn compile(
    objects: &[Named<TenantSpec>],
    lacking: &Lacking,
    base: &ClusterDefaults,
    pools: &Pools<'_>,
    owners: &mut NamespaceOwners,
    mistakes: &mut Mistakes,
) -> Vec<Tenant> {
    let mut tenants = Vec::with_capacity(objects.len());
    let (mut claims, mut patterns) = (Vec::new(), Vec::new());
    for (index, object) in objects.iter().enumerate() {
        let Named { at, name, .. } = object;
        if names::is_subdomain(name) && !names::is_label_value(name) {
            let message =
                "namespaces are labelled with the tenant's name, and a label takes at most 63 letters";
            mistakes.error(at, "metadata.name", name, message);
        }
        claim_namespaces(objects, index, object, owners, mistakes);
        claim_domains(index, object, (&mut claims, &mut patterns), mistakes);
        let reach = if lacking.contains(&index) { Reach::Unknown } else { Reach::OwnPools };
        tenants.push(tenant(object, reach, base, pools, mistakes));
    }
    let describe = |index: usize| describe(objects, index);
    addresses::check(objects, describe, mistakes);
    services::warn_of_others(objects, owners, mistakes);
    overlaps(&claims, mistakes, |claim, other, mistakes| {
        let Some(object) = objects.get(claim.tenant) else { return };
        let message = format!(
            "this domain overlaps with `{}` of {}; a host has one tenant",
            other.domain,
            describe(other.tenant)
        );
        let path = format!("spec.domains[{}]", claim.position);
        mistakes.relation(&object.at, path, domain_at(object, claim.position), message);
    });
    refuse_patterns(objects, &host_patterns::overlaps(&patterns, &claims, owners), mistakes);
    give_domains(claims, &mut tenants);
    for (index, pattern) in host_patterns::owned(patterns, owners) {
        if let Some(tenant) = tenants.get_mut(index) {
            tenant.domains.add_pattern(pattern);
        }
    }
    storage::refuse_shared_volumes(objects, describe, mistakes);
    tenants
}

/// Says which taints the listed tolerations of a tenant may reach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those of its own pools, and those that are no pool's.
    OwnPools,
    /// The tenant's pools are not known.
    Unknown,
}

/// Adds the mistakes of a tenant by itself, which has no namespaces and contests nothing.
pub(super) fn inspect(
    object: &Named<TenantSpec>,
    base: &ClusterDefaults,
    pools: &Pools<'_>,
    mistakes: &mut Mistakes,
) {
    let reach = if object.spec.node_pools.is_some() { Reach::OwnPools } else { Reach::Unknown };
    tenant(object, reach, base, pools, mistakes);
    claim_domains(0, object, (&mut Vec::new(), &mut Vec::new()), mistakes);
}

/// Compiles what a tenant has by itself.
fn tenant(
    object: &Named<TenantSpec>,
    reach: Reach,
    base: &ClusterDefaults,
    pools: &Pools<'_>,
    mistakes: &mut Mistakes,
) -> Tenant {
    let Named { at, name, spec } = object;
    let known = (reach == Reach::OwnPools).then_some(&[][..]);
    let own = spec.node_pools.as_ref().map(|named| find_pools(at, named, pools, mistakes));
    let enforcement = spec.enforcement.unwrap_or(base.enforcement);
    let uncapped = modes(object, base, mistakes);
    Tenant {
        name: name.as_str().into(),
        by_label: spec.namespace_selection == Some(NamespaceSelection::Label),
        tolerations: tolerations::of_tenant(
            (at, name),
            spec.tolerations.as_deref().unwrap_or_default(),
            pools,
            own.as_deref().filter(|_| reach == Reach::OwnPools).or(known),
            mistakes,
        ),
        table: own.as_deref().and_then(|own| pool_table(at, own, pools, mistakes)),
        unnamed: spec.node_pools.as_ref().and_then(|named| named.unnamed).unwrap_or_default(),
        pools: own.unwrap_or_default(),
        lacks_pool: None,
        index: None,
        domains: Domains::default(),
        pod_security: pod_security::standard(at, spec.pod_security.as_ref(), mistakes),
        pod_security_values: pod_security::values(at, spec.pod_security.as_ref(), mistakes),
        services: services::compile(at, spec.services.as_ref(), mistakes),
        endpoints: endpoints::compile(object, mistakes),
        topology_keys: listed::topology_keys(at, spec.pod_affinity.as_ref(), mistakes),
        has_own_nodes: false,
        schedulers: listed::schedulers(at, spec.schedulers.as_deref(), &base.controllers, mistakes),
        priority_classes: listed::priority_classes(at, spec.priority_classes.as_deref(), mistakes),
        runtime_classes: listed::runtime_classes(at, spec.runtime_classes.as_ref(), mistakes),
        ingress_classes: listed::ingress_classes(at, spec.ingress_classes.as_deref(), mistakes),
        image_registries: listed::image_registries(at, spec.image_registries.as_deref(), mistakes),
        gateway_classes: listed::gateway_classes(at, spec.gateway_classes.as_deref(), mistakes),
        waypoints: spec.gateway_listeners.as_ref().and_then(|listeners| listeners.waypoints).unwrap_or(false),
        gateways: listed::gateways(at, spec.gateways.as_deref(), mistakes),
        certificate_issuers: listed::certificate_issuers(at, spec.certificate_issuers.as_deref(), mistakes),
        user_names: spec.tls.as_ref().and_then(|tls| tls.user_names).unwrap_or(false),
        storage: storage::compile(at, spec.storage.as_ref(), mistakes),
        annotations: listed::annotations(at, spec.annotations.as_deref().unwrap_or_default(), mistakes),
        enforcement,
        modes: uncapped.under(enforcement),
        uncapped,
        exemptions: Vec::new(),
    }
}

fn describe(objects: &[Named<TenantSpec>], index: usize) -> String {
    objects.get(index).map(|object| format!("tenant `{}` ({})", object.name, object.at)).unwrap_or_default()
}

/// Says why a Tenant by label lists no namespaces.
pub(super) const LISTED_AND_LABELLED: &str = "with `namespaceSelection: Label` the labels of Namespaces say which are \
     the tenant's; remove `namespaces`, or remove `namespaceSelection` and list them all";

fn claim_namespaces(
    objects: &[Named<TenantSpec>],
    index: usize,
    object: &Named<TenantSpec>,
    owners: &mut NamespaceOwners,
    mistakes: &mut Mistakes,
) {
    let Named { at, spec, .. } = object;
    let namespaces = spec.namespaces.as_deref().unwrap_or_default();
    if spec.namespace_selection == Some(NamespaceSelection::Label) {
        match &spec.namespaces {
            // In a cluster these are the namespaces with the label.
            Some(_) if !mistakes.is_of_files() => {}
            Some(listed) => mistakes.error(at, "spec.namespaces", listed, LISTED_AND_LABELLED),
            None => {
                let message = "of files it is not known which Namespaces have the tenant's label, so nothing in this \
                     Tenant holds anywhere; run `serve --cluster`, or list the namespaces in `namespaces`";
                mistakes.warn(at, "spec.namespaceSelection", "Label", message);
            }
        }
    } else if namespaces.is_empty() && !mistakes.is_trimmed() {
        let message = "a tenant without namespaces owns nothing, so that nothing in this Tenant holds anywhere; list \
             the tenant's namespaces by exact name";
        let value = if spec.namespaces.is_some() { "[]" } else { "" };
        mistakes.error_json(at, "spec.namespaces", value, message);
    }
    for (position, namespace) in namespaces.iter().enumerate() {
        let path = format!("spec.namespaces[{position}]");
        owners.claim(namespace, index, (at, path), |other| describe(objects, other), mistakes);
    }
}

/// Adds an error for each pattern or domain that conflicts with another.
fn refuse_patterns(objects: &[Named<TenantSpec>], overlaps: &[Overlap<'_>], mistakes: &mut Mistakes) {
    for Overlap { tenant, position, other } in overlaps {
        let Some(object) = objects.get(*tenant) else { continue };
        let message = match other {
            Other::Shape(first) => format!(
                "`{}` of {} makes hosts below the same domain in another way, so that both could make one host; use \
                 one pattern below a domain",
                first.pattern,
                describe(objects, first.tenant)
            ),
            Other::Domain(domain) => format!(
                "this domain overlaps with `{}` of {}; a host has one tenant",
                domain.domain,
                describe(objects, domain.tenant)
            ),
            Other::Pattern(pattern) => format!(
                "this domain overlaps with `{}` of {}; a host has one tenant",
                pattern.pattern,
                describe(objects, pattern.tenant)
            ),
        };
        let written = domain_at(object, *position);
        let path = format!("spec.domains[{position}]");
        if matches!(other, Other::Shape(first) if first.tenant == *tenant) {
            mistakes.error(&object.at, path, written, message);
        } else {
            mistakes.relation(&object.at, path, written, message);
        }
    }
}

/// Returns a domain as it is written.
fn domain_at(object: &Named<TenantSpec>, position: usize) -> &str {
    object.spec.domains.as_deref().and_then(|domains| domains.get(position)).map_or("", String::as_str)
}

fn claim_domains(
    index: usize,
    object: &Named<TenantSpec>,
    (claims, patterns): (&mut Vec<Claim>, &mut Vec<PatternClaim>),
    mistakes: &mut Mistakes,
) {
    for (position, domain) in object.spec.domains.iter().flatten().enumerate() {
        if domain.contains(['{', '}']) {
            match HostPattern::parse(domain) {
                Ok(pattern) => {
                    let namespaces = object.spec.namespaces.as_deref().unwrap_or_default();
                    let all = Domain::OneBelow(pattern.base().into());
                    if let Some(refusal) = suffixes::refusal(&all, namespaces) {
                        mistakes.error(&object.at, format!("spec.domains[{position}]"), domain, refusal);
                    }
                    patterns.push(PatternClaim { tenant: index, position, pattern });
                }
                Err(error) => {
                    mistakes.error(
                        &object.at,
                        format!("spec.domains[{position}]"),
                        domain,
                        error.to_string(),
                    );
                }
            }
            continue;
        }
        match Domain::parse(domain) {
            Ok(parsed) => {
                let namespaces = object.spec.namespaces.as_deref().unwrap_or_default();
                if let Some(refusal) = suffixes::refusal(&parsed, namespaces) {
                    mistakes.error(&object.at, format!("spec.domains[{position}]"), domain, refusal);
                }
                claims.push(Claim { tenant: index, position, domain: parsed });
            }
            Err(error) => {
                mistakes.error(&object.at, format!("spec.domains[{position}]"), domain, error.to_string());
            }
        }
    }
}

/// Adds the claimed domains to the tenants. The claims are in the order of the tenants.
fn give_domains(claims: Vec<Claim>, tenants: &mut [Tenant]) {
    let mut claims = claims.into_iter().peekable();
    for (index, tenant) in tenants.iter_mut().enumerate() {
        let own = std::iter::from_fn(|| claims.next_if(|claim| claim.tenant == index));
        tenant.domains = own.map(|claim| claim.domain).collect();
    }
}

/// Returns the named pools, the default first, without duplicates.
fn find_pools(at: &At, named: &NodePools, pools: &Pools<'_>, mistakes: &mut Mistakes) -> Vec<PoolId> {
    let mut found = Vec::new();
    let mut find = |path: String, name: &str, mistakes: &mut Mistakes| match pools.find(name) {
        Found::Pool(id) if found.contains(&id) => {}
        Found::Pool(id) => found.push(id),
        Found::Unparsed => {}
        Found::Unknown => {
            let suggestion = mistakes.suggest(name, pools.names());
            mistakes.relation(
                at,
                path,
                name,
                format!("there is no NodePool `{name}`{suggestion}; add one, or name another"),
            );
        }
    };
    find("spec.nodePools.default".to_owned(), &named.default, mistakes);
    if let Some(allowed) = &named.allowed {
        let mend = "name a pool, or leave the field out: then pods go to the default pool only";
        refuse_empty(allowed, at, "spec.nodePools.allowed", mend, mistakes);
        for (position, name) in allowed.iter().enumerate() {
            find(format!("spec.nodePools.allowed[{position}]"), name, mistakes);
        }
    }
    found
}

/// Indexes the labels of a tenant's pools, if it has several.
fn pool_table(at: &At, own: &[PoolId], pools: &Pools<'_>, mistakes: &mut Mistakes) -> Option<Box<PoolTable>> {
    /// Limits how often the stamp copies a term of a pod's affinity, at most once for each set of pools.
    const ALTERNATIVES: usize = 8;
    const PATH: &str = "spec.nodePools.allowed";
    if own.len() > PoolSet::MOST {
        let message =
            format!("a tenant has at most {} pools; divide the tenant, or join pools", PoolSet::MOST);
        mistakes.error(at, PATH, &own.len(), message);
    }
    let own: Vec<_> = own.iter().filter_map(|id| pools.get(*id)).collect();
    let table = PoolTable::of(&own);
    if table.alternatives() > ALTERNATIVES {
        let message = format!(
            "the labels of these pools differ in several keys, so that a pod that may run in all of them needs {} \
             copies of its node affinity, and {ALTERNATIVES} are the most; give the pools a key of their own that each \
             of them has, and otherwise the same labels",
            table.alternatives()
        );
        mistakes.error(at, PATH, &own.len(), message);
    }
    (own.len() > 1).then(|| Box::new(table))
}

fn modes(object: &Named<TenantSpec>, base: &ClusterDefaults, mistakes: &mut Mistakes) -> Modes {
    let mut modes = base.modes;
    let Some(rules) = &object.spec.rules else { return modes };
    warn_of_open_pools(&object.at, rules, mistakes);
    for (rule, mode) in mistakes.modes(&object.at, rules.iter()) {
        modes.set(rule, mode);
    }
    modes
}
