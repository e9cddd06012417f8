//! Decides whether a tenant's domains contain a host, for every kind that can carry one.
//!
//! A domain is written `d` (that host), `*.d` (one label below `d`) or `**.d` (any depth below `d`). Hosts are
//! normalised first: the parser changes them to ASCII lower case, removes one trailing dot and checks the labels.
//! Matching compares whole labels, so `evilexample.com` is not below `example.com`. A look-up costs one hash per
//! label of the host, independent of the number of domains.

use std::fmt;

use rustc_hash::FxHashSet;
use thiserror::Error;

use super::names::{HostError, normalise};
use super::patterns::{HostPattern, OwnedPattern};

/// Holds a domain that a tenant owns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// Exactly this host.
    Exact(Box<str>),
    /// Hosts one label below.
    OneBelow(Box<str>),
    /// Hosts at any depth below.
    AnyBelow(Box<str>),
}

/// Tells why a text is not a domain.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{0}; write `app.example.com`, `*.example.com` (one label below) or `**.example.com` (any depth below)"
)]
pub struct DomainError(HostError);

impl Domain {
    /// Parses a domain as people write it.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let (make, rest): (fn(Box<str>) -> Self, &str) = if let Some(rest) = text.strip_prefix("**.") {
            (Self::AnyBelow, rest)
        } else if let Some(rest) = text.strip_prefix("*.") {
            (Self::OneBelow, rest)
        } else {
            (Self::Exact, text)
        };
        normalise(rest).map(|base| make(base.into())).map_err(DomainError)
    }

    /// Returns the name without its wildcard.
    pub fn base(&self) -> &str {
        match self {
            Self::Exact(base) | Self::OneBelow(base) | Self::AnyBelow(base) => base,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(base) => f.write_str(base),
            Self::OneBelow(base) => write!(f, "*.{base}"),
            Self::AnyBelow(base) => write!(f, "**.{base}"),
        }
    }
}

/// Holds a host that an object claims, normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// One name.
    Name(String),
    /// `*.base`: every name below `base`.
    Wildcard(String),
}

impl Host {
    /// Parses a host as an object claims it.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        match text.strip_prefix("*.") {
            Some(rest) => normalise(rest).map(Self::Wildcard),
            None if text == "*" => Err(HostError::Everything),
            None => normalise(text).map(Self::Name),
        }
    }
}

/// Holds the domains of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Domains {
    exact: FxHashSet<Box<str>>,
    one_below: FxHashSet<Box<str>>,
    any_below: FxHashSet<Box<str>>,
    /// The patterns, sorted by the domains below which their hosts are.
    patterns: Vec<OwnedPattern>,
    /// The first [`Domains::FIRST`] in order, if there are more than [`Domains::FEW`].
    first: Option<Box<[Domain]>>,
}

impl Domains {
    /// Limits how many domains are sorted for a message.
    const FEW: usize = 64;
    /// Limits how many domains [`Self::first`] returns.
    pub(crate) const FIRST: usize = 10;

    /// Adds the hosts of a pattern, the only one below its domain.
    pub(crate) fn add_pattern(&mut self, added: OwnedPattern) {
        let place = self.patterns.partition_point(|owned| owned.pattern.base() < added.pattern.base());
        self.patterns.insert(place, added);
    }

    /// Returns the patterns, sorted by their domains.
    pub fn patterns(&self) -> impl Iterator<Item = &HostPattern> {
        self.patterns.iter().map(|owned| &owned.pattern)
    }

    /// Returns the number of domains and patterns.
    pub fn len(&self) -> usize {
        self.exact.len() + self.one_below.len() + self.any_below.len() + self.patterns.len()
    }

    /// Returns the first domains in order, at most [`Self::FIRST`], as people write them.
    ///
    /// It takes the same time however many domains there are.
    pub fn first(&self) -> Vec<Domain> {
        match &self.first {
            Some(first) => first.to_vec(),
            None => {
                let mut list = self.list();
                list.truncate(Self::FIRST);
                list
            }
        }
    }

    /// Returns whether there are no domains.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the domains contain every name that `host` matches.
    pub fn owns(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => {
                self.exact.contains(name.as_str())
                    || parent(name).is_some_and(|parent| self.one_below.contains(parent))
                    || parents(name).any(|ancestor| self.any_below.contains(ancestor))
                    || self.owns_by_pattern(name)
            }
            Host::Wildcard(base) => self.one_below.contains(base.as_str()) || self.owns_all_below(base),
        }
    }

    fn owns_by_pattern(&self, name: &str) -> bool {
        let Some((label, base)) = name.split_once('.') else { return false };
        let found = self.patterns.binary_search_by(|owned| owned.pattern.base().cmp(base));
        found.ok().and_then(|place| self.patterns.get(place)).is_some_and(|owned| owned.owns(label))
    }

    /// Returns whether the domains contain every name below `base`, at any depth.
    pub(crate) fn owns_all_below(&self, base: &str) -> bool {
        self.any_below.contains(base) || parents(base).any(|ancestor| self.any_below.contains(ancestor))
    }

    /// Returns the domains, sorted, as people write them.
    pub fn list(&self) -> Vec<Domain> {
        let mut all: Vec<_> = (self.exact.iter().cloned().map(Domain::Exact))
            .chain(self.one_below.iter().cloned().map(Domain::OneBelow))
            .chain(self.any_below.iter().cloned().map(Domain::AnyBelow))
            .collect();
        all.sort_by(|a, b| a.base().cmp(b.base()).then_with(|| a.cmp(b)));
        all
    }
}

impl FromIterator<Domain> for Domains {
    fn from_iter<I: IntoIterator<Item = Domain>>(domains: I) -> Self {
        let mut set = Self::default();
        for domain in domains {
            match domain {
                Domain::Exact(base) => set.exact.insert(base),
                Domain::OneBelow(base) => set.one_below.insert(base),
                Domain::AnyBelow(base) => set.any_below.insert(base),
            };
        }
        if set.len() > Self::FEW {
            set.first = Some(set.first().into());
        }
        set
    }
}

/// Returns the name without its first label.
fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, rest)| rest)
}

/// Iterates over the names above `name`, the nearest first.
pub(crate) fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(name), |name| parent(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owns(domains: &[&str], host: &str) -> bool {
        let domains: Domains = domains.iter().map(|d| Domain::parse(d).unwrap()).collect();
        Host::parse(host).is_ok_and(|host| domains.owns(&host))
    }

    #[test]
    fn g1_matches_whole_labels_only() {
        assert!(owns(&["example.com"], "example.com"));
        assert!(!owns(&["example.com"], "evilexample.com"));
        assert!(!owns(&["**.example.com"], "evilexample.com"));
        assert!(!owns(&["example.com"], "example.com.evil.org"));
        assert!(!owns(&["exampl.com"], "exampleXcom"));
    }

    #[test]
    fn one_star_is_one_label_and_two_stars_are_any_depth() {
        assert!(owns(&["*.x.example.com"], "app.x.example.com"));
        assert!(!owns(&["*.x.example.com"], "x.example.com"));
        assert!(!owns(&["*.x.example.com"], "a.b.x.example.com"));
        assert!(owns(&["**.x.example.com"], "a.b.x.example.com"));
        assert!(!owns(&["**.x.example.com"], "x.example.com"));
    }

    #[test]
    fn g5_a_wildcard_host_needs_a_wildcard_domain() {
        assert!(owns(&["*.x.example.com"], "*.x.example.com"));
        assert!(owns(&["**.x.example.com"], "*.x.example.com"));
        assert!(owns(&["**.x.example.com"], "*.a.x.example.com"));
        assert!(!owns(&["*.x.example.com"], "*.example.com"));
        assert!(!owns(&["app.x.example.com"], "*.x.example.com"));
        assert!(!owns(&["*.x.example.com"], "*.a.x.example.com"));
    }

    #[test]
    fn g5_all_below_a_name_is_any_depth() {
        let owns = |domain: &str, base: &str| {
            Domains::from_iter([Domain::parse(domain).unwrap()]).owns_all_below(base)
        };
        assert!(owns("**.x.example.com", "x.example.com"));
        assert!(owns("**.x.example.com", "a.b.x.example.com"));
        assert!(!owns("**.x.example.com", "example.com"));
        assert!(!owns("*.x.example.com", "x.example.com"));
        assert!(!owns("x.example.com", "x.example.com"));
    }

    #[test]
    fn o2_the_first_of_many_domains_are_those_of_few() {
        for many in [0, 5, Domains::FEW, Domains::FEW + 1, 1_000] {
            let all =
                (0..many).map(|i| Domain::parse(&format!("**.d{}.example.com", (i * 7) % 1_000)).unwrap());
            let domains: Domains = all.collect();
            let mut sorted = domains.list();
            assert_eq!(domains.len(), sorted.len());
            sorted.truncate(Domains::FIRST);
            assert_eq!(domains.first(), sorted, "{many}");
        }
    }

    #[test]
    fn g24_hosts_of_patterns_are_one_label_below_their_domains() {
        let mut domains = Domains::default();
        for base in ["b.example.com", "a.example.com", "c.example.com"] {
            let pattern = HostPattern::parse(&format!("{{name}}-{{namespace}}.{base}")).unwrap();
            let own = std::iter::once("shop".into()).collect();
            domains.add_pattern(OwnedPattern { pattern, own, rivals: FxHashSet::default() });
        }
        let owns = |host: &str| domains.owns(&Host::parse(host).unwrap());
        for host in ["web-shop.a.example.com", "WEB-shop.b.example.com.", "x-y-shop.c.example.com"] {
            assert!(owns(host), "{host}");
        }
        for host in [
            "web-shop.d.example.com",
            "web-shop.example.com",
            "x.web-shop.a.example.com",
            "*.web-shop.a.example.com",
            "*.a.example.com",
            "web-shop",
        ] {
            assert!(!owns(host), "{host}");
        }
        assert!(!domains.is_empty());
        let listed: Vec<_> = domains.patterns().map(ToString::to_string).collect();
        assert!(listed.is_sorted() && listed.len() == 3, "{listed:?}");
    }

    #[test]
    fn g16_hosts_are_normalised_before_they_are_compared() {
        assert!(owns(&["app.x.example.com"], "APP.x.Example.com."));
        assert!(!owns(&["app.x.example.com"], "app.x.example.com.."));
        assert_eq!(Host::parse("\u{212a}ube.example.com"), Err(HostError::NotAscii));
    }

    #[test]
    fn what_is_no_single_host_is_refused() {
        assert_eq!(Host::parse(""), Err(HostError::Empty));
        assert_eq!(Host::parse("*"), Err(HostError::Everything));
        assert_eq!(Host::parse("10.0.0.1"), Err(HostError::Address));
        assert_eq!(Host::parse("::1"), Err(HostError::Address));
        for bad in ["a b.com", "a.com:80", "a..com", ".a.com", "-a.com", "*.*.com", "a.*.com", "a/b", "~^.*$"]
        {
            assert_eq!(Host::parse(bad), Err(HostError::Invalid), "{bad}");
        }
    }
}
