//! Compiles the patterns of hosts among the domains of tenants.

use rustc_hash::{FxHashMap, FxHashSet};

use super::domains::Claim;
use super::namespaces::NamespaceOwners;
use crate::hosts::{Domain, HostPattern, OwnedPattern, parents};
use crate::tenancy::NamespaceOwner;

/// Holds a pattern that a tenant claims.
pub(super) struct PatternClaim {
    /// The tenant's index.
    pub(super) tenant: usize,
    /// The pattern's index in the tenant's domains.
    pub(super) position: usize,
    pub(super) pattern: HostPattern,
}

/// Tells what is wrong with a claim: the tenant, the index in its domains, and why.
pub(super) struct Overlap<'c> {
    pub(super) tenant: usize,
    pub(super) position: usize,
    pub(super) other: Other<'c>,
}

/// Names what a claim conflicts with.
pub(super) enum Other<'c> {
    /// Another pattern below the same domain.
    Shape(&'c PatternClaim),
    /// A domain of another tenant.
    Domain(&'c Claim),
    /// A pattern of another tenant.
    Pattern(&'c PatternClaim),
}

/// Returns the patterns and domains that conflict.
pub(super) fn overlaps<'c>(
    patterns: &'c [PatternClaim],
    domains: &'c [Claim],
    owners: &NamespaceOwners,
) -> Vec<Overlap<'c>> {
    let mut found = Vec::new();
    if patterns.is_empty() {
        return found;
    }
    let mut firsts: FxHashMap<&str, &PatternClaim> = FxHashMap::default();
    let mut of_tenants: FxHashMap<(&str, usize), &PatternClaim> = FxHashMap::default();
    for claim in patterns {
        let first = *firsts.entry(claim.pattern.base()).or_insert(claim);
        if first.pattern != claim.pattern {
            let PatternClaim { tenant, position, .. } = *claim;
            found.push(Overlap { tenant, position, other: Other::Shape(first) });
        }
        of_tenants.entry((claim.pattern.base(), claim.tenant)).or_insert(claim);
    }
    let (mut one_below, mut any_below) = (FxHashMap::default(), FxHashMap::default());
    for claim in domains {
        match &claim.domain {
            Domain::Exact(host) => {
                let Some((label, base)) = host.split_once('.') else { continue };
                let Some(first) = firsts.get(base) else { continue };
                let owner = first.pattern.namespaces(label).find_map(|namespace| owners.get(namespace));
                let other = match owner {
                    Some(NamespaceOwner::Tenant(owner)) if owner != claim.tenant => {
                        of_tenants.get(&(base, owner))
                    }
                    _ => None,
                };
                if let Some(other) = other {
                    let Claim { tenant, position, .. } = *claim;
                    found.push(Overlap { tenant, position, other: Other::Pattern(other) });
                }
            }
            Domain::OneBelow(base) => drop(one_below.entry(&**base).or_insert(claim)),
            Domain::AnyBelow(base) => drop(any_below.entry(&**base).or_insert(claim)),
        }
    }
    for claim in patterns {
        let base = claim.pattern.base();
        let wider = one_below.get(base).into_iter();
        let mut wider =
            wider.chain(std::iter::once(base).chain(parents(base)).filter_map(|base| any_below.get(base)));
        if let Some(other) = wider.find(|other: &&&Claim| other.tenant != claim.tenant) {
            let PatternClaim { tenant, position, .. } = *claim;
            found.push(Overlap { tenant, position, other: Other::Domain(other) });
        }
    }
    found
}

/// Returns the patterns with the hosts that are each tenant's, by the tenant's index.
pub(super) fn owned(patterns: Vec<PatternClaim>, owners: &NamespaceOwners) -> Vec<(usize, OwnedPattern)> {
    // Patterns mostly differ in their domain alone, and then have the same rivals.
    let mut shapes: Vec<(HostPattern, Rivals)> = Vec::new();
    let own = if patterns.is_empty() { FxHashMap::default() } else { namespaces_of_tenants(owners) };
    let own = |tenant: usize| own.get(&tenant).cloned().unwrap_or_default();
    let owned = patterns.into_iter().map(|PatternClaim { tenant, pattern, .. }| {
        let known = shapes.iter().position(|(shape, _)| shape.is_like(&pattern));
        let place = known.unwrap_or_else(|| {
            shapes.push((pattern.clone(), rivals(&pattern, owners)));
            shapes.len() - 1
        });
        let rivals =
            shapes.get(place).and_then(|(_, rivals)| rivals.get(&tenant)).cloned().unwrap_or_default();
        (tenant, OwnedPattern { pattern, own: own(tenant), rivals })
    });
    owned.collect()
}

/// Maps tenants to the namespaces of others that own hosts which could be the tenant's.
type Rivals = FxHashMap<usize, FxHashSet<Box<str>>>;

fn namespaces_of_tenants(owners: &NamespaceOwners) -> FxHashMap<usize, FxHashSet<Box<str>>> {
    let mut own: FxHashMap<usize, FxHashSet<Box<str>>> = FxHashMap::default();
    for (namespace, owner) in owners.iter() {
        if let NamespaceOwner::Tenant(tenant) = owner {
            own.entry(tenant).or_default().insert(namespace.into());
        }
    }
    own
}

fn rivals(pattern: &HostPattern, owners: &NamespaceOwners) -> Rivals {
    let mut rivals = Rivals::default();
    for (namespace, owner) in owners.iter() {
        for shorter in pattern.shorter_than(namespace) {
            if let Some(NamespaceOwner::Tenant(tenant)) = owners.get(shorter)
                && owner != NamespaceOwner::Tenant(tenant)
            {
                rivals.entry(tenant).or_default().insert(namespace.into());
            }
        }
    }
    rivals
}
