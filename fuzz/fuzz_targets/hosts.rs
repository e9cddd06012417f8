//! Whose a host is, against a reference that knows nothing but lists of labels.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use partywall_core::api::{Located, Object, Source, TenantSpec};
use partywall_core::hosts::{Domain, Domains, Host};
use partywall_core::tenancy::Snapshot;
use serde_json::json;

/// Labels and what looks like one: few, so that names meet.
const LABELS: [&str; 24] = [
    "a",
    "b",
    "x",
    "A",
    "example",
    "com",
    "Example",
    "COM",
    "_acme",
    "xn--bcher-kva",
    "a-b",
    "-a",
    "a-",
    "",
    "*",
    "**",
    "1",
    "10",
    "255",
    "256",
    "01",
    "\u{e9}",
    "a b",
    "a:80",
];

/// A host or domain as somebody may write it.
#[derive(Debug)]
struct Name(String);

impl<'a> Arbitrary<'a> for Name {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        if bytes.ratio(1, 8)? {
            return bytes.arbitrary().map(Self);
        }
        let mut name = (*bytes.choose(&["", "", "", "*.", "**.", "*"])?).to_owned();
        for index in 0..bytes.int_in_range(0..=5_usize)? {
            if index > 0 {
                name.push('.');
            }
            match bytes.int_in_range(0..=31_u8)? {
                0 => name.push_str(&"a".repeat(bytes.int_in_range(60..=66)?)),
                1 => name.push_str(&"a.".repeat(bytes.int_in_range(100..=130)?)),
                2..=15 => name.push_str(bytes.choose(&LABELS[..6])?),
                _ => name.push_str(bytes.choose(&LABELS)?),
            }
        }
        name.push_str(bytes.choose(&["", "", "", ".", ".."])?);
        Ok(Self(name))
    }
}

#[derive(Arbitrary, Debug)]
struct Case {
    ours: Vec<Name>,
    theirs: Vec<Name>,
    hosts: Vec<Name>,
}

/// The labels of a DNS name in lower case, from the left; `None`: it is none.
fn labels(name: &str) -> Option<Vec<String>> {
    let mut labels: Vec<String> = name.split('.').map(str::to_lowercase).collect();
    if labels.len() > 1 && labels.last().is_some_and(String::is_empty) {
        labels.pop();
    }
    let length = labels.iter().map(|label| label.len() + 1).sum::<usize>() - 1;
    let fits = |label: &String| {
        let allowed = |c: char| "abcdefghijklmnopqrstuvwxyz0123456789-_".contains(c);
        (1..64).contains(&label.len())
            && label.chars().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Lower case makes ASCII of a few letters that are none.
    (name.is_ascii() && length < 254 && labels.iter().all(fits) && !is_address(&labels)).then_some(labels)
}

/// Four numbers of a byte each, written as numbers are.
fn is_address(labels: &[String]) -> bool {
    labels.len() == 4 && labels.iter().all(|label| (0..256).any(|byte| byte.to_string() == *label))
}

/// A domain: how many labels more than its own a host has (`None`: one or more), and its own.
type Reference = (Option<usize>, Vec<String>);

fn domain(text: &str) -> Option<Reference> {
    if let Some(base) = text.strip_prefix("**.") {
        return Some((None, labels(base)?));
    }
    match text.strip_prefix("*.") {
        Some(base) => Some((Some(1), labels(base)?)),
        None => Some((Some(0), labels(text)?)),
    }
}

/// Some label that nobody else has stands for the star of a host.
const FRESH: &str = "fresh";

fn host(text: &str) -> Option<Vec<String>> {
    match text.strip_prefix("*.") {
        Some(base) => Some([vec![FRESH.to_owned()], labels(base)?].concat()),
        None => labels(text),
    }
}

fn owns((more, base): &Reference, host: &[String]) -> bool {
    let Some(extra) = host.len().checked_sub(base.len()) else { return false };
    host[extra..] == base[..] && more.map_or(extra > 0, |more| extra == more)
}

fuzz_target!(|case: Case| {
    let mut sides = Vec::new();
    for names in [&case.ours, &case.theirs] {
        let mut domains = Vec::new();
        let mut references = Vec::new();
        for Name(text) in names.iter().take(8) {
            let parsed = Domain::parse(text);
            let reference = domain(text);
            assert_eq!(parsed.is_ok(), reference.is_some(), "{text:?}: {parsed:?}");
            let (Ok(parsed), Some(reference)) = (parsed, reference) else { continue };
            assert_eq!(
                Domain::parse(&parsed.to_string()),
                Ok(parsed.clone()),
                "{text:?} stays what it was read as"
            );
            domains.push(parsed);
            references.push(reference);
        }
        let set: Domains = domains.iter().cloned().collect();
        assert_eq!(set.is_empty(), domains.is_empty());
        assert!(domains.iter().all(|domain| set.list().contains(domain)));
        sides.push((domains, references, set));
    }
    let [(ours, our_references, our_set), (theirs, their_references, their_set)] = &sides[..] else { return };
    for Name(text) in case.hosts.iter().chain(&case.ours).chain(&case.theirs).take(16) {
        let parsed = Host::parse(text);
        let reference = host(text);
        assert_eq!(parsed.is_ok(), reference.is_some(), "{text:?}: {parsed:?}");
        let (Ok(parsed), Some(reference)) = (parsed, reference) else { continue };
        let (Host::Name(name) | Host::Wildcard(name)) = &parsed;
        let written = if let Host::Name(_) = parsed { name.clone() } else { format!("*.{name}") };
        assert_eq!(Host::parse(&written), Ok(parsed.clone()), "G16: {text:?} stays what it was read as");
        for (set, references) in [(our_set, our_references), (their_set, their_references)] {
            let expected = references.iter().any(|domain| owns(domain, &reference));
            assert_eq!(set.owns(&parsed), expected, "{text:?} of {:?}", set.list());
            // G5: whose a wildcard is, his is every host that it stands for.
            if let (Host::Wildcard(base), true) = (&parsed, expected) {
                assert!(set.owns(&Host::Name(format!("any.{base}"))));
            }
        }
    }
    disjoint(ours, theirs, [our_references, their_references]);
});

/// G30: policies in which two tenants own one host are refused, and for that alone.
fn disjoint(ours: &[Domain], theirs: &[Domain], [our, their]: [&[Reference]; 2]) {
    let tenant = |name: &str, domains: &[Domain]| {
        let domains: Vec<String> = domains.iter().map(ToString::to_string).collect();
        let spec: TenantSpec =
            serde_json::from_value(json!({"namespaces": [name], "domains": domains})).expect("a spec");
        Located { source: Source::file(name), object: Object::new(name, spec) }
    };
    // Two domains share a host if and only if they share the one that is closest to one of them.
    let nearest = |(more, base): &Reference| match more {
        Some(0) => base.clone(),
        _ => [vec![FRESH.to_owned()], base.clone()].concat(),
    };
    let shared = our.iter().any(|one| {
        their.iter().any(|other| {
            [nearest(one), nearest(other)].iter().any(|host| owns(one, host) && owns(other, host))
        })
    });
    let compiled =
        Snapshot::compile(vec![tenant("ours", ours), tenant("theirs", theirs)], date(2026, 11, 20));
    match compiled {
        Ok(_) => assert!(!shared, "{ours:?} and {theirs:?} share a host"),
        Err(mistakes) => {
            let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            assert!(shared, "{ours:?} and {theirs:?} share no host: {said:?}");
        }
    }
}
