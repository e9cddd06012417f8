//! Checks that each domain belongs to exactly one tenant.
//!
//! The check puts claims into one map for each form of a domain, and looks up each claim under its parent names: as
//! many look-ups as the claim has labels, independent of the number of claims.

use rustc_hash::FxHashMap;

use super::mistakes::Mistakes;
use crate::hosts::{Domain, parents};

/// Holds a domain that a tenant claims.
pub(super) struct Claim {
    /// The tenant's index.
    pub(super) tenant: usize,
    /// The domain's index in its list.
    pub(super) position: usize,
    pub(super) domain: Domain,
}

/// Calls `report` with each claim that overlaps with another tenant's claim, and with that claim.
pub(super) fn overlaps<'c>(
    claims: &'c [Claim],
    mistakes: &mut Mistakes,
    report: impl Fn(&'c Claim, &'c Claim, &mut Mistakes),
) {
    let mut owners = Owners::default();
    for claim in claims {
        let first = owners.insert(claim);
        if first.tenant != claim.tenant {
            report(claim, first, mistakes);
        }
    }
    for claim in claims {
        if let Some(wider) = owners.wider_than(claim) {
            report(claim, wider, mistakes);
        }
    }
}

/// Holds the first claim of each domain.
#[derive(Default)]
struct Owners<'c> {
    exact: FxHashMap<&'c str, &'c Claim>,
    one_below: FxHashMap<&'c str, &'c Claim>,
    any_below: FxHashMap<&'c str, &'c Claim>,
}

impl<'c> Owners<'c> {
    fn insert(&mut self, claim: &'c Claim) -> &'c Claim {
        let (map, base) = match &claim.domain {
            Domain::Exact(base) => (&mut self.exact, base),
            Domain::OneBelow(base) => (&mut self.one_below, base),
            Domain::AnyBelow(base) => (&mut self.any_below, base),
        };
        map.entry(base).or_insert(claim)
    }

    /// Returns another tenant's claim of another form that contains all or part of `claim`.
    fn wider_than(&self, claim: &Claim) -> Option<&'c Claim> {
        let base = claim.domain.base();
        let one = |base: &str| self.one_below.get(base).copied();
        let any = |base: &str| self.any_below.get(base).copied();
        let foreign = |found: &&Claim| found.tenant != claim.tenant;
        match &claim.domain {
            Domain::Exact(_) => parents(base)
                .next()
                .and_then(one)
                .filter(foreign)
                .or_else(|| parents(base).filter_map(any).find(foreign)),
            Domain::OneBelow(_) => {
                any(base).filter(foreign).or_else(|| parents(base).filter_map(any).find(foreign))
            }
            // The look-up of `*.c` finds its overlap with `**.b`.
            Domain::AnyBelow(_) => parents(base).filter_map(any).find(foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn pairs(domains: &[(usize, &str)]) -> Vec<(String, String)> {
        let claims: Vec<_> = domains
            .iter()
            .enumerate()
            .map(|(position, (tenant, domain))| Claim {
                tenant: *tenant,
                position,
                domain: Domain::parse(domain).unwrap(),
            })
            .collect();
        let found = RefCell::new(Vec::new());
        overlaps(&claims, &mut Mistakes::default(), |claim, other, _| {
            found.borrow_mut().push((claim.domain.to_string(), other.domain.to_string()));
        });
        found.into_inner()
    }

    #[test]
    fn g30_domains_that_share_a_host_overlap() {
        for (one, other) in [
            ("a.example.com", "a.example.com"),
            ("a.example.com", "*.example.com"),
            ("a.b.example.com", "**.example.com"),
            ("*.example.com", "*.example.com"),
            ("*.example.com", "**.example.com"),
            ("*.a.example.com", "**.example.com"),
            ("**.a.example.com", "**.example.com"),
            ("a.example.com", "A.Example.com."),
        ] {
            assert_eq!(pairs(&[(0, one), (1, other)]).len(), 1, "{one} {other}");
            assert_eq!(pairs(&[(1, other), (0, one)]).len(), 1, "{other} {one}");
            assert_eq!(pairs(&[(0, one), (0, other)]).len(), 0, "{one} {other} of one tenant");
        }
    }

    #[test]
    fn domains_that_share_no_host_do_not_overlap() {
        for (one, other) in [
            ("example.com", "a.example.com"),
            ("example.com", "*.example.com"),
            ("example.com", "**.example.com"),
            ("a.b.example.com", "*.example.com"),
            ("*.a.example.com", "*.example.com"),
            ("*.example.com", "**.a.example.com"),
            ("evilexample.com", "**.example.com"),
        ] {
            assert!(pairs(&[(0, one), (1, other)]).is_empty(), "{one} {other}");
        }
    }

    #[test]
    fn an_own_wildcard_between_does_not_hide_a_foreign_one_above() {
        let found = pairs(&[(0, "a.b.example.com"), (0, "*.b.example.com"), (1, "**.example.com")]);
        assert_eq!(found.len(), 2);
    }
}
