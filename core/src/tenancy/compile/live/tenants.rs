//! Denies to tenants the namespaces, domains, addresses and volumes that several of them claim.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use rustc_hash::FxHashMap;

use super::forms::Forms;
use super::objects::Reason;
use super::rivals::Claims;
use super::trimmed::{Trimmed, describe, remove_at};
use crate::api::{Enforcement, NamespaceSelection, Spec, TenantSpec};
use crate::hosts::{Domain, HostPattern, parents};
use crate::tenancy::compile::addresses::parse_range;
use crate::tenancy::compile::mistakes::Mistakes;
use crate::tenancy::compile::objects::{Named, Objects};
use crate::tenancy::compile::{defaults, suffixes};
use crate::tenancy::{DenialReason, DeniedNamespace};

/// Names who lists a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claimant<'c> {
    Tenant(usize),
    /// A Tenant of which no form holds.
    Lost(&'c str),
    /// The Settings.
    Settings,
}

/// Denies the namespaces that several objects list, and those of Tenants of which no form holds.
pub(super) fn namespaces(trimmed: &mut Trimmed, forms: &Forms<'_>) {
    let Objects { settings, own_namespace, .. } = &trimmed.objects;
    let base = defaults::compile(settings, own_namespace.as_deref(), &mut Mistakes::default());
    let own = defaults::own_namespaces(settings, own_namespace.as_deref());
    let tenants = &forms.objects.tenants;
    let mut claims: BTreeMap<&str, Vec<(Claimant<'_>, usize, Enforcement)>> = BTreeMap::new();
    let value = |spec: &TenantSpec| spec.enforcement.unwrap_or(base.enforcement);
    for (index, Named { spec, .. }) in tenants.iter().enumerate() {
        for (place, namespace) in spec.namespaces.iter().flatten().enumerate() {
            let claim = (Claimant::Tenant(index), place, value(spec));
            claims.entry(namespace).or_default().push(claim);
        }
    }
    for (name, object) in forms.remains() {
        let Spec::Tenant(spec) = &object.spec else { continue };
        // What its class says is not known, or does not hold.
        let value =
            if spec.class.is_some() && spec.enforcement.is_none() { Enforcement::Deny } else { value(spec) };
        for (place, namespace) in spec.namespaces.iter().flatten().enumerate() {
            let claim = (Claimant::Lost(&name.name), place, value);
            claims.entry(namespace).or_default().push(claim);
        }
    }
    for (place, namespace) in base.system_namespaces.iter().enumerate() {
        if let Some(claims) = claims.get_mut(namespace.as_str()) {
            claims.push((Claimant::Settings, place, base.enforcement));
        }
    }
    let mut removed: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (namespace, claims) in claims {
        let is_system = claims.iter().any(|(claimant, ..)| *claimant == Claimant::Settings);
        let mut claimants: Vec<Claimant<'_>> = claims.iter().map(|(claimant, ..)| *claimant).collect();
        claimants.sort_unstable();
        claimants.dedup();
        let reason = match *claimants {
            [Claimant::Tenant(_)] => continue,
            [_] => DenialReason::Unusable,
            _ => DenialReason::Contested,
        };
        for (claimant, place, _) in &claims {
            let other = claimants.iter().find(|other| *other != claimant);
            let other = other.map(|other| match other {
                Claimant::Tenant(index) => describe(tenants, *index),
                Claimant::Lost(name) => format!("tenant `{name}` (which has mistakes)"),
                Claimant::Settings => String::new(),
            });
            let message = match other {
                None => continue,
                Some(_) if is_system && *claimant != Claimant::Settings => {
                    "this namespace is one of `systemNamespaces` too, where nothing is judged; remove it from one of \
                     the lists"
                        .to_owned()
                }
                Some(other) => format!("this namespace is claimed by {other} too; a namespace has one tenant"),
            };
            let by_label = match claimant {
                Claimant::Tenant(index) => tenants.get(*index).map(|tenant| &tenant.spec),
                Claimant::Lost(_) | Claimant::Settings => None,
            };
            let by_label =
                by_label.is_some_and(|spec| spec.namespace_selection == Some(NamespaceSelection::Label));
            let path = if by_label {
                "spec.namespaceSelection".to_owned()
            } else {
                format!("spec.namespaces[{place}]")
            };
            let whose = match claimant {
                Claimant::Tenant(index) => {
                    removed.entry(*index).or_default().insert(*place);
                    ("Tenant", tenants.get(*index).map_or("", |tenant| &tenant.name))
                }
                Claimant::Lost(name) => ("Tenant", *name),
                Claimant::Settings if own.contains(namespace) => continue,
                Claimant::Settings => {
                    let path = format!("spec.systemNamespaces[{place}]");
                    trimmed.note(("Settings", "default"), Reason::Conflict, path, namespace, message);
                    continue;
                }
            };
            trimmed.note(whose, Reason::Conflict, path, namespace, message);
        }
        // Whatever Tenants list, the components of the cluster go on.
        if !(is_system && own.contains(namespace)) {
            let enforcement = claims.iter().map(|(.., enforcement)| *enforcement).max();
            let denied = DeniedNamespace { reason, enforcement: enforcement.unwrap_or_default() };
            trimmed.denied.insert(namespace.into(), denied);
        }
    }
    for (index, places) in removed {
        if let Some(list) =
            trimmed.objects.tenants.get_mut(index).and_then(|tenant| tenant.spec.namespaces.as_mut())
        {
            remove_at(list, &places);
        }
    }
}

/// Names the hosts of a domain or a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hosts {
    Domain(Domain),
    /// The hosts that a pattern makes below a domain, which several tenants may share by their namespaces.
    Pattern(Box<str>, usize),
}

/// Returns the domains that contain all of these hosts.
fn wider(hosts: &Hosts) -> Vec<Hosts> {
    let any = |base: &str| Hosts::Domain(Domain::AnyBelow(base.into()));
    let one = |base: &str| Hosts::Domain(Domain::OneBelow(base.into()));
    match hosts {
        Hosts::Domain(Domain::Exact(base)) => {
            parents(base).next().map(one).into_iter().chain(parents(base).map(any)).collect()
        }
        Hosts::Domain(Domain::OneBelow(base)) => {
            std::iter::once(&**base).chain(parents(base)).map(any).collect()
        }
        Hosts::Domain(Domain::AnyBelow(base)) => parents(base).map(any).collect(),
        Hosts::Pattern(base, _) => {
            std::iter::once(one(base)).chain(std::iter::once(&**base).chain(parents(base)).map(any)).collect()
        }
    }
}

/// Denies the domains that share a host with another tenant's.
pub(super) fn domains(trimmed: &mut Trimmed) {
    let tenants = &trimmed.objects.tenants;
    let mut claims: Vec<(usize, usize, Hosts)> = Vec::new();
    let mut patterns: BTreeMap<String, Vec<(usize, usize, HostPattern)>> = BTreeMap::new();
    let mut found: BTreeMap<(usize, usize), Option<usize>> = BTreeMap::new();
    for (index, Named { spec, .. }) in tenants.iter().enumerate() {
        let namespaces = spec.namespaces.as_deref().unwrap_or_default();
        for (place, text) in spec.domains.iter().flatten().enumerate() {
            if let Ok(pattern) = HostPattern::parse(text) {
                claims.push((index, place, Hosts::Pattern(pattern.base().into(), index)));
                patterns.entry(pattern.base().to_owned()).or_default().push((index, place, pattern));
            } else if let Ok(domain) = Domain::parse(text) {
                // Names of Services in a namespace that is denied.
                if suffixes::refusal(&domain, namespaces).is_some() {
                    found.insert((index, place), None);
                }
                claims.push((index, place, Hosts::Domain(domain)));
            }
        }
    }
    let all = Claims::new(claims.iter().map(|(index, _, hosts)| (*index, hosts.clone())), wider);
    for (index, place, hosts) in &claims {
        if let Some(rival) = all.rival(*index, hosts, wider(hosts)) {
            found.insert((*index, *place), Some(rival));
        }
    }
    shapes(&patterns, &mut found);
    single_hosts(trimmed, &claims, &patterns, &mut found);
    let tenants = trimmed.objects.tenants.clone();
    let mut removed: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for ((index, place), rival) in found {
        removed.entry(index).or_default().insert(place);
        let Some(Named { name, spec, .. }) = tenants.get(index) else { continue };
        let text = spec.domains.as_deref().and_then(|domains| domains.get(place)).map_or("", String::as_str);
        let message = match rival {
            Some(rival) => {
                format!(
                    "this domain overlaps with one of {}; a host has one tenant",
                    describe(&tenants, rival)
                )
            }
            None => {
                "these are names of Services in a namespace that is not known to be the tenant's".to_owned()
            }
        };
        let path = format!("spec.domains[{place}]");
        trimmed.note(("Tenant", name), Reason::Conflict, path, text, message);
    }
    for (index, places) in removed {
        if let Some(list) =
            trimmed.objects.tenants.get_mut(index).and_then(|tenant| tenant.spec.domains.as_mut())
        {
            remove_at(list, &places);
        }
    }
}

/// Finds the patterns below a domain that make its hosts in several ways.
fn shapes(
    patterns: &BTreeMap<String, Vec<(usize, usize, HostPattern)>>,
    found: &mut BTreeMap<(usize, usize), Option<usize>>,
) {
    for claims in patterns.values() {
        let Some((.., first)) = claims.first() else { continue };
        if claims.iter().all(|(.., pattern)| pattern == first) {
            continue;
        }
        for (index, place, _) in claims {
            let rival = claims.iter().map(|(other, ..)| *other).filter(|other| other != index).min();
            found.insert((*index, *place), rival);
        }
    }
}

/// Finds single hosts that another tenant's pattern makes.
fn single_hosts(
    trimmed: &Trimmed,
    claims: &[(usize, usize, Hosts)],
    patterns: &BTreeMap<String, Vec<(usize, usize, HostPattern)>>,
    found: &mut BTreeMap<(usize, usize), Option<usize>>,
) {
    if patterns.is_empty() {
        return;
    }
    let mut owners: FxHashMap<&str, Option<usize>> = FxHashMap::default();
    owners.extend(trimmed.denied.keys().map(|namespace| (&**namespace, None)));
    for (index, Named { spec, .. }) in trimmed.objects.tenants.iter().enumerate() {
        owners.extend(spec.namespaces.iter().flatten().map(|namespace| (namespace.as_str(), Some(index))));
    }
    for (index, place, hosts) in claims {
        let Hosts::Domain(Domain::Exact(host)) = hosts else { continue };
        let Some((label, base)) = host.split_once('.') else { continue };
        let Some(below) = patterns.get(base) else { continue };
        for (owner, at, pattern) in below.iter().filter(|(owner, ..)| owner != index) {
            let of_label = pattern.namespaces(label).find_map(|namespace| owners.get(namespace).copied());
            if of_label == Some(Some(*owner)) {
                found.insert((*index, *place), Some(*owner));
                found.insert((*owner, *at), Some(*index));
            }
        }
    }
}

/// Denies the addresses of Services that several tenants list.
pub(super) fn addresses(trimmed: &mut Trimmed) {
    /// Returns the lists of a tenant's addresses, with their fields.
    fn lists(spec: &mut TenantSpec) -> impl Iterator<Item = (&'static str, &mut Vec<String>)> {
        spec.services.as_mut().into_iter().flat_map(|services| {
            [
                ("externalIPs", &mut services.external_ips),
                ("loadBalancerIPs", &mut services.load_balancer_ips),
            ]
        })
    }
    let supernets = |range: &IpNet| {
        let mut wider = *range;
        std::iter::from_fn(move || {
            wider = wider.supernet()?;
            Some(wider)
        })
    };
    let mut tenants = std::mem::take(&mut trimmed.objects.tenants);
    let mut claims = Vec::new();
    for (index, tenant) in tenants.iter_mut().enumerate() {
        for (_, list) in lists(&mut tenant.spec) {
            let ranges = list.iter().filter_map(|text| Some((index, parse_range(text)?.trunc())));
            claims.extend(ranges);
        }
    }
    let all = Claims::new(claims.iter().copied(), supernets);
    let names: Vec<String> = (0..tenants.len()).map(|index| describe(&tenants, index)).collect();
    for (index, Named { name, spec, .. }) in tenants.iter_mut().enumerate() {
        for (field, list) in lists(spec) {
            let mut removed = BTreeSet::new();
            for (place, text) in list.iter().enumerate() {
                let Some(range) = parse_range(text).map(|range| range.trunc()) else { continue };
                let Some(rival) = all.rival(index, &range, supernets(&range)) else { continue };
                let message = format!(
                    "these addresses overlap with some of {}; an address has one tenant",
                    names.get(rival).map_or("", String::as_str)
                );
                let path = format!("spec.services.{field}[{place}]");
                trimmed.note(("Tenant", name), Reason::Conflict, path, text, message);
                removed.insert(place);
            }
            remove_at(list, &removed);
        }
    }
    trimmed.objects.tenants = tenants;
}

/// Denies the PersistentVolumes that several tenants list.
pub(super) fn volumes(trimmed: &mut Trimmed) {
    let mut tenants = std::mem::take(&mut trimmed.objects.tenants);
    let of = |spec: &TenantSpec| -> Vec<String> {
        spec.storage.as_ref().and_then(|storage| storage.volumes.clone()).unwrap_or_default()
    };
    let listed = tenants.iter().enumerate();
    let claims: Vec<(usize, String)> = listed
        .flat_map(|(index, tenant)| of(&tenant.spec).into_iter().map(move |name| (index, name)))
        .collect();
    let all = Claims::new(claims.iter().cloned(), |_| None);
    let names: Vec<String> = (0..tenants.len()).map(|index| describe(&tenants, index)).collect();
    for (index, Named { name, spec, .. }) in tenants.iter_mut().enumerate() {
        let Some(list) = spec.storage.as_mut().and_then(|storage| storage.volumes.as_mut()) else { continue };
        let mut removed = BTreeSet::new();
        for (place, volume) in list.iter().enumerate() {
            let Some(rival) = all.rival(index, volume, None) else { continue };
            let other = names.get(rival).map_or("", String::as_str);
            let message = format!("{other} lists this volume too, and a PersistentVolume has one tenant");
            let path = format!("spec.storage.volumes[{place}]");
            trimmed.note(("Tenant", name), Reason::Conflict, path, volume, message);
            removed.insert(place);
        }
        remove_at(list, &removed);
    }
    trimmed.objects.tenants = tenants;
}
