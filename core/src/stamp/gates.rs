//! Chooses the pools of a pod with scheduling gates when it is updated, and when it loses the last gate.
//!
//! The stamp of a gated pod confines it to all possible pools, and an update can take nothing of this back. So what the
//! stamp wrote into the terms of the old pod is found, and names no pool: the pod gets the pools that it would have got
//! without gates. Terms of other pools are narrowed until they match no node.
//!
//! A requirement counts as the stamp's if a stamp of the old pod would write exactly this, and if each other term that
//! it would write is there as well. So a tenant's own requirement is mistaken for the stamp's only where it lists all
//! possible pools, in their order, and so chooses none.

use std::collections::BTreeMap;
use std::ops::Range;

use rustc_hash::FxHashSet;

use super::confine::{Confine, Fields};
use super::terms::{Demanded, of_term};
use crate::judging::placement::{Choice, Confinement, Demands, choose};
use crate::objects::pod::PodSpec;
use crate::tenancy::{PoolSet, PoolTable, Snapshot, Tenant};

/// Chooses the pools of a pod that an update changes, whose old pod had gates.
///
/// `old` is the old pod if this one has no gates.
pub(super) fn choose_updated(
    old: Option<&PodSpec<'_>>,
    spec: &PodSpec<'_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
) -> Option<Choice> {
    let choice = match old {
        Some(old) => choose_freed(old, spec, tenant, snapshot)?,
        None => choose(&Demands::of(spec), tenant, snapshot)?,
    };
    Some(without_copies(choice, spec, tenant, snapshot))
}

/// Leaves each term the first of its pools that one term selects, since an update adds no terms.
fn without_copies(mut choice: Choice, spec: &PodSpec<'_>, tenant: &Tenant, snapshot: &Snapshot) -> Choice {
    let demands = Demands::of(spec);
    let (Some(table), Some(confinement)) = (&tenant.table, Confinement::of(tenant, snapshot)) else {
        return choice;
    };
    let mut all: Option<PoolSet> = None;
    let mut possible = None;
    for (index, term) in demands.terms() {
        let mut pools = choice.by_term.get(index).copied().unwrap_or_default();
        let kinds = table.split(table.smallest(pools)).map(|(_, pools)| pools);
        let needs_copies = kinds.clone().nth(1).is_some();
        if needs_copies && !confinement.confines(demands.requirements(index, term), None, pools) {
            let possible = possible.get_or_insert_with(|| {
                let all = choose(&Demands { is_gated: true, ..demands }, tenant, snapshot);
                all.unwrap_or_default().by_term
            });
            let possible = possible.get(index).copied().unwrap_or_default();
            let mut kept = kinds.clone().filter(|kind| !kind.and(possible).is_empty()).chain(kinds);
            pools = kept.next().unwrap_or_default();
        }
        if let Some(of_term) = choice.by_term.get_mut(index) {
            *of_term = pools;
        }
        all = Some(all.unwrap_or_default().or(pools));
    }
    choice.all = all.unwrap_or(choice.all);
    choice
}

/// Chooses the pools of a pod without gates whose old pod had some.
fn choose_freed(
    old: &PodSpec<'_>,
    spec: &PodSpec<'_>,
    tenant: &Tenant,
    snapshot: &Snapshot,
) -> Option<Choice> {
    let demands = Demands::of(spec);
    let stamped =
        tenant.table.as_deref().map(|table| stamped(old, table, tenant, snapshot)).unwrap_or_default();
    if stamped.iter().all(Range::is_empty) {
        return choose(&demands, tenant, snapshot);
    }
    let choice = choose(&Demands { stamped: &stamped, ..demands }, tenant, snapshot)?;
    // All that the terms still admit; the choice must leave one of them a node.
    let possible = choose(&Demands { is_gated: true, ..demands }, tenant, snapshot)?;
    let mut terms = choice.by_term.iter().zip(&possible.by_term);
    if terms.any(|(chosen, possible)| !chosen.and(*possible).is_empty()) {
        return Some(choice);
    }
    choose(&demands, tenant, snapshot)
}

/// A term that the stamp may have narrowed.
struct Narrowed {
    index: usize,
    own: usize,
    /// The place of what it got, among all that the stamp writes for the same term.
    place: usize,
}

/// Returns what the stamp wrote into each term of a gated pod.
fn stamped(old: &PodSpec<'_>, table: &PoolTable, tenant: &Tenant, snapshot: &Snapshot) -> Vec<Range<usize>> {
    let terms = old.required_terms().unwrap_or_default();
    let mut stamped = vec![0..0; terms.len()];
    let ends_with_label = |term: &crate::objects::scheduling::NodeSelectorTerm<'_>| {
        term.expressions().last().is_some_and(|last| &*last.operator == "In" && table.meet(last).is_some())
    };
    let Some(confinement) = Confinement::of(tenant, snapshot) else { return stamped };
    if !terms.iter().any(ends_with_label) {
        return stamped;
    }
    let most = snapshot.pools_of(tenant).map(|pool| pool.labels.len()).max().unwrap_or_default();
    // By the own part of a term: how many terms the stamp makes of it, and those that are there.
    let mut by_own: BTreeMap<_, (usize, Vec<Narrowed>)> = BTreeMap::new();
    for length in 1..=most {
        let ends = terms.iter().map(|term| {
            let all = term.expressions().len();
            all.saturating_sub(length)..all
        });
        let ends: Vec<_> = ends.collect();
        let demands = Demands { stamped: &ends, is_gated: true, ..Demands::of(old) };
        let Some(choice) = choose(&demands, tenant, snapshot) else { return stamped };
        let fields = Fields { selector: false, terms: true, copies: true };
        let confine = Confine { demands, choice: &choice, tenant, snapshot, fields };
        for (index, term) in demands.terms().filter(|(_, term)| term.expressions().len() >= length) {
            let Some((own, end)) = term.expressions().split_at_checked(term.expressions().len() - length)
            else {
                continue;
            };
            let possible = choice.by_term.get(index).copied().unwrap_or_default();
            if possible.is_empty() || confinement.confines(own, None, possible) {
                continue;
            }
            let alternatives = confine.alternatives(possible);
            let is_end = |alternative: &super::values::Requirements<'_>| {
                let mut written = end.iter();
                alternative.missing_in(own).all(|missing| written.next().is_some_and(|end| missing.is(end)))
                    && written.next().is_none()
            };
            if let Some(place) = alternatives.iter().position(is_end) {
                let key = of_term(&own.iter().map(Demanded::Written), &term.match_fields);
                let narrowed = Narrowed { index, own: own.len(), place };
                by_own.entry(key).or_insert((alternatives.len(), Vec::new())).1.push(narrowed);
            }
        }
    }
    for (alternatives, narrowed) in by_own.values() {
        let places: FxHashSet<_> = narrowed.iter().map(|narrowed| narrowed.place).collect();
        // The stamp writes whole terms only if there are no others.
        let is_whole = |narrowed: &Narrowed| {
            narrowed.own == 0 && terms.get(narrowed.index).is_some_and(|term| term.match_fields.is_empty())
        };
        if places.len() != *alternatives || (narrowed.iter().any(is_whole) && narrowed.len() != terms.len()) {
            continue;
        }
        for Narrowed { index, own, .. } in narrowed {
            let (Some(range), Some(term)) = (stamped.get_mut(*index), terms.get(*index)) else { continue };
            // The longest that the stamp may have written.
            if range.start == range.end || *own < range.start {
                *range = *own..term.expressions().len();
            }
        }
    }
    stamped
}
