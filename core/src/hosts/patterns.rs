//! Decides which namespace may claim a host that is made of the names of an object and its namespace.
//!
//! A pattern is written `{name}-{namespace}.apps.example.com`. Since any text can be the name of an object, it stands
//! for every host whose first label has the name of one of the tenant's namespaces in the right place. `a-b-c` can then
//! be object `a-b` in namespace `c`, or `a` in `b-c`: it belongs to the longest of these namespaces that is a tenant's
//! or the system's.
//!
//! A `-` between the two keeps the hosts of a namespace apart from all those that only end with its name: without one,
//! `workshop` would be a host of namespace `shop`.

use std::fmt;

use rustc_hash::FxHashSet;
use thiserror::Error;

use super::names::{HostError, normalise};

const NAME: &str = "{name}";
const NAMESPACE: &str = "{namespace}";

/// Holds a pattern of hosts, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPattern {
    before: Box<str>,
    between: Box<str>,
    after: Box<str>,
    is_name_first: bool,
    base: Box<str>,
}

/// Tells why a text is not a pattern of hosts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// The placeholders are not the two in the first label.
    #[error(
        "a pattern has `{{name}}` and `{{namespace}}` once each, in its first label; write it like \
         `{{name}}-{{namespace}}.apps.example.com`"
    )]
    Placeholders,
    /// Nothing separates the name from the namespace.
    #[error(
        "between `{{name}}` and `{{namespace}}` a pattern has a `-`, since without one every host that ends or begins \
         with the name of a namespace would be its tenant's; write it like `{{name}}-{{namespace}}.apps.example.com`"
    )]
    Separator,
    /// The first label has signs that no host has.
    #[error(
        "beside `{{name}}` and `{{namespace}}`, the first label of a pattern has lower-case letters, digits and `-`"
    )]
    Label,
    /// The rest is not the name of a host.
    #[error("{0}; write a pattern like `{{name}}-{{namespace}}.apps.example.com`")]
    Base(#[from] HostError),
}

impl HostPattern {
    /// Parses a pattern as people write it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (label, base) = text.split_once('.').ok_or(PatternError::Placeholders)?;
        let (first, rest) = label.split_once('{').ok_or(PatternError::Placeholders)?;
        let rest = label.get(first.len()..).unwrap_or(rest);
        let (is_name_first, one, other) =
            if rest.starts_with(NAME) { (true, NAME, NAMESPACE) } else { (false, NAMESPACE, NAME) };
        let rest = rest.strip_prefix(one).ok_or(PatternError::Placeholders)?;
        let (between, after) = rest.split_once(other).ok_or(PatternError::Placeholders)?;
        if [between, after, base].iter().any(|text| text.contains(['{', '}'])) {
            return Err(PatternError::Placeholders);
        }
        let is_right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if ![first, between, after].iter().all(|text| text.chars().all(is_right)) {
            return Err(PatternError::Label);
        }
        if !between.contains('-') {
            return Err(PatternError::Separator);
        }
        let base = normalise(base)?.into();
        Ok(Self { before: first.into(), between: between.into(), after: after.into(), is_name_first, base })
    }

    /// Returns the domain below which the hosts are.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Iterates over the namespaces that could have the host of this label, the longest first.
    pub fn namespaces<'l>(&'l self, label: &'l str) -> impl Iterator<Item = &'l str> {
        let inner = label.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after));
        self.within(inner.unwrap_or_default())
    }

    /// Iterates over the shorter namespaces that could have a host of `namespace`, as an object of a longer name.
    ///
    /// The text between may overlap with itself: `a-in-in-c` is `a` in `in-c`, or `a-in` in `c`.
    pub(crate) fn shorter_than<'l>(&'l self, namespace: &'l str) -> impl Iterator<Item = &'l str> {
        let between = &*self.between;
        self.cuts(namespace).filter_map(move |(shorter, rest)| {
            let overlap = between.len().saturating_sub(rest.len());
            let is_between = if self.is_name_first {
                // `between` and `rest` together end with `between`.
                rest.ends_with(between)
                    || (between.ends_with(rest) && between.get(rest.len()..) == between.get(..overlap))
            } else {
                rest.starts_with(between)
                    || (between.starts_with(rest) && between.get(rest.len()..) == between.get(..overlap))
            };
            is_between.then_some(shorter)
        })
    }

    /// Returns whether two patterns place names and namespaces alike, whatever is around them.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.is_name_first, &self.between) == (other.is_name_first, &other.between)
    }

    /// Iterates over the namespaces in `inner`, which is a name and a namespace with what is between them.
    fn within<'l>(&'l self, inner: &'l str) -> impl Iterator<Item = &'l str> {
        self.cuts(inner).filter_map(move |(namespace, rest)| {
            let name = if self.is_name_first {
                rest.strip_suffix(&*self.between)?
            } else {
                rest.strip_prefix(&*self.between)?
            };
            (!name.is_empty()).then_some(namespace)
        })
    }

    /// Iterates over the divisions of `inner` into a namespace, the longest first, and the rest.
    fn cuts<'l>(&'l self, inner: &'l str) -> impl Iterator<Item = (&'l str, &'l str)> {
        let length = inner.len();
        (1..length).filter_map(move |cut| {
            if self.is_name_first {
                let (rest, namespace) = inner.split_at_checked(cut)?;
                Some((namespace, rest))
            } else {
                inner.split_at_checked(length - cut)
            }
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, between, after, is_name_first, base } = self;
        let (one, other) = if *is_name_first { (NAME, NAMESPACE) } else { (NAMESPACE, NAME) };
        write!(f, "{before}{one}{between}{other}{after}.{base}")
    }
}

/// Holds the hosts of a pattern that are a tenant's.
#[derive(Clone, Debug)]
pub(crate) struct OwnedPattern {
    /// The pattern.
    pub pattern: HostPattern,
    /// The tenant's namespaces.
    pub own: FxHashSet<Box<str>>,
    /// Other namespaces that own hosts which would be a shorter namespace's of the tenant.
    pub rivals: FxHashSet<Box<str>>,
}

impl OwnedPattern {
    /// Returns whether the host with this label below the pattern's domain is the tenant's.
    pub(super) fn owns(&self, label: &str) -> bool {
        let mut owners = self.pattern.namespaces(label).filter_map(|namespace| {
            let is_own = self.own.contains(namespace);
            (is_own || self.rivals.contains(namespace)).then_some(is_own)
        });
        owners.next() == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> FxHashSet<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn patterns_are_written_with_both_placeholders_in_one_label() {
        for text in [
            "{name}-{namespace}.apps.example.com",
            "{namespace}--{name}.apps.example.com",
            "x-{name}-in-{namespace}-y.apps.example.com",
        ] {
            assert_eq!(HostPattern::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "{name}.apps.example.com",
            "{namespace}.apps.example.com",
            "{name}-{name}.apps.example.com",
            "{name}-{namespace}",
            "{name}.{namespace}.apps.example.com",
            "{name}-{namespace}-{name}.apps.example.com",
            "{Name}-{namespace}.apps.example.com",
            "{name}-{namespace}.*.example.com",
            "{name}-{namespace}.",
            "{name}_{namespace}.apps.example.com",
            "{name}{namespace}.apps.example.com",
            "{namespace}in{name}.apps.example.com",
            "{name}*{namespace}.apps.example.com",
        ] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn g30_a_host_that_two_namespaces_could_claim_is_the_longer_ones() {
        let pattern = HostPattern::parse("{name}-{namespace}.apps.example.com").unwrap();
        let short = OwnedPattern { pattern: pattern.clone(), own: set(&["c"]), rivals: set(&["b-c"]) };
        let long = OwnedPattern { pattern, own: set(&["b-c"]), rivals: set(&[]) };
        for (label, of_short, of_long) in [
            ("a-b-c", false, true),
            ("x-c", true, false),
            ("b-c", true, false),
            ("a-bb-c", true, false),
            ("a-b-b-c", false, true),
            ("-c", false, false),
            ("c", false, false),
            ("a-b-cc", false, false),
            ("", false, false),
        ] {
            assert_eq!((short.owns(label), long.owns(label)), (of_short, of_long), "{label}");
        }
    }

    #[test]
    fn g30_what_is_between_may_overlap_with_itself() {
        for (pattern, short, long) in [
            ("{name}-in-{namespace}.apps.example.com", "c", "in-c"),
            ("{name}x-x{namespace}.apps.example.com", "c", "-xc"),
            ("{name}--{namespace}.apps.example.com", "c", "-c"),
            ("{name}-{namespace}.apps.example.com", "c", "b-c"),
            ("{namespace}-in-{name}.apps.example.com", "c", "c-in"),
            ("{namespace}-{name}.apps.example.com", "c", "c-b"),
            ("{namespace}--{name}.apps.example.com", "c", "c--b"),
        ] {
            let pattern = HostPattern::parse(pattern).unwrap();
            assert!(pattern.shorter_than(long).any(|shorter| shorter == short), "{pattern} {long}");
        }
        let pattern = HostPattern::parse("{name}-in-{namespace}.apps.example.com").unwrap();
        for other in ["inc", "b-c", "xin-c", "c"] {
            assert!(pattern.shorter_than(other).all(|shorter| shorter != "c"), "{other}");
        }
    }

    #[test]
    fn g30_no_host_belongs_to_two_tenants() {
        // All pairs of namespaces, and all labels, of a letter and `-`.
        let texts = |longest: usize| -> Vec<String> {
            let all = (1..=longest).flat_map(|length| (0..1_usize << length).map(move |bits| (length, bits)));
            let letter = |bits: usize, place: usize| if bits >> place & 1 == 0 { 'a' } else { '-' };
            all.map(|(length, bits)| (0..length).map(|place| letter(bits, place)).collect()).collect()
        };
        let (namespaces, labels) = (texts(3), texts(7));
        for between in ["-", "--", "-a", "a-", "-a-"] {
            for pattern in [
                format!("{{name}}{between}{{namespace}}.d.example"),
                format!("{{namespace}}{between}{{name}}.d.example"),
            ] {
                let pattern = HostPattern::parse(&pattern).unwrap();
                let pairs =
                    namespaces.iter().flat_map(|one| namespaces.iter().map(move |other| (one, other)));
                for (one, other) in pairs.filter(|(one, other)| one < other) {
                    let owned = |own: &str, other: &str| {
                        let is_rival = pattern.shorter_than(other).any(|shorter| shorter == own);
                        let rivals = if is_rival { set(&[other]) } else { set(&[]) };
                        OwnedPattern { pattern: pattern.clone(), own: set(&[own]), rivals }
                    };
                    let (of_one, of_other) = (owned(one, other), owned(other, one));
                    for label in &labels {
                        assert!(
                            !of_one.owns(label) || !of_other.owns(label),
                            "{pattern} {label} {one} {other}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn namespaces_before_names_are_found_too() {
        let pattern = HostPattern::parse("p-{namespace}-{name}-s.apps.example.com").unwrap();
        let found: Vec<_> = pattern.namespaces("p-a-b-c-s").collect();
        assert_eq!(found, ["a-b", "a"]);
        assert_eq!(pattern.namespaces("a-b-c").count(), 0);
    }
}
