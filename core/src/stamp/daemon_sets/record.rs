//! Reads and writes the record of a stamp, and removes a stamp that is out of date.

use std::fmt;
use std::marker::PhantomData;

use rustc_hash::FxHashSet;
use serde::Serialize;

use crate::json::{List, Pairs, PatchBuilder, Pointer, borrowed, reader};
use crate::judging::Fingerprint;
use crate::judging::placement::Recorded;
use crate::objects::scheduling::{NodeSelectorRequirement, Toleration};
use crate::stamp::confine::Confine;
use crate::stamp::values::{Requirement, Tolerates};
use crate::tenancy::ToleratedForGood;

borrowed! {
    /// Holds the annotation.
    struct Record<'a> {
        /// The labels of the nodeSelector.
        node_selector: Pairs<'a> = "nodeSelector",
        /// The requirements of terms.
        requirements: List<NodeSelectorRequirement<'a>> = "requirements",
        /// The tolerations.
        tolerations: List<Toleration<'a>> = "tolerations",
    }
}

/// Holds the record of an earlier stamp.
#[derive(Debug)]
pub(super) struct Earlier<'a> {
    node_selector: Pairs<'a>,
    requirements: FxHashSet<Fingerprint>,
    tolerations: FxHashSet<Fingerprint>,
}

impl<'a> Earlier<'a> {
    /// Reads the annotation; what does not decode records nothing.
    pub(super) fn read(annotation: &'a str) -> Option<Self> {
        let record = reader::from_str(PhantomData::<Record<'a>>, annotation).ok()?;
        Some(Self {
            requirements: record.requirements.iter().map(of_requirement).collect(),
            tolerations: record.tolerations.iter().map(of_toleration).collect(),
            node_selector: record.node_selector,
        })
    }
}

impl Recorded for Earlier<'_> {
    fn has_label(&self, key: &str, value: &str) -> bool {
        self.node_selector.get(key) == Some(value)
    }

    fn has_requirement(&self, requirement: &NodeSelectorRequirement<'_>) -> bool {
        !self.requirements.is_empty() && self.requirements.contains(&of_requirement(requirement))
    }

    fn has_toleration(&self, toleration: &Toleration<'_>) -> bool {
        !self.tolerations.is_empty() && self.tolerations.contains(&of_toleration(toleration))
    }
}

fn of_requirement(requirement: &NodeSelectorRequirement<'_>) -> Fingerprint {
    let NodeSelectorRequirement { key, operator, values } = requirement;
    fingerprint(key, operator, &values.iter().map(|value| &**value))
}

/// Returns the same of a requirement that the stamp writes.
fn of_stamp(requirement: &Requirement<'_>) -> Fingerprint {
    fingerprint(requirement.key, "In", &requirement.values().iter().copied())
}

fn fingerprint<'v>(
    key: &str,
    operator: &str,
    values: &(impl Iterator<Item = &'v str> + Clone),
) -> Fingerprint {
    Fingerprint::of(&fmt::from_fn(|f| {
        write!(f, "{key} {operator}")?;
        values.clone().try_for_each(|value| write!(f, " {value}"))
    }))
}

fn of_toleration(toleration: &Toleration<'_>) -> Fingerprint {
    let Toleration { key, operator, value, effect, toleration_seconds } = toleration;
    Fingerprint::of(&format_args!("{key} {operator} {value} {effect} {toleration_seconds:?}"))
}

/// Returns whether the template contains recorded values that a stamp would not write today.
pub(super) fn is_stale(earlier: &dyn Recorded, wanted: &Confine<'_, '_, '_>) -> bool {
    // What no pool fits is not stamped, and the rule `node-placement` says why.
    let Some(labels) = wanted.labels() else { return false };
    let spec = wanted.demands.spec;
    let selector = spec.node_selector.iter().flat_map(|selector| selector.iter());
    let mut stale_labels = selector.filter(|(key, value)| {
        earlier.has_label(key, value) && !labels.iter().any(|label| label == (*key, *value))
    });
    let mut stale_tolerations =
        spec.tolerations().iter().filter(|toleration| is_stale_toleration(toleration, earlier, wanted));
    stale_labels.next().is_some() || stale_tolerations.next().is_some() || has_stale_requirement(wanted)
}

fn is_stale_toleration(
    toleration: &Toleration<'_>,
    earlier: &dyn Recorded,
    wanted: &Confine<'_, '_, '_>,
) -> bool {
    earlier.has_toleration(toleration)
        && !wanted.pools().any(|pool| pool.is_tainted_with(&toleration.key, &toleration.value))
}

/// Returns whether a term has recorded requirements that are not those of today.
fn has_stale_requirement(wanted: &Confine<'_, '_, '_>) -> bool {
    let terms = wanted.demands.spec.required_terms().unwrap_or_default();
    let recorded =
        terms.iter().flat_map(|term| term.expressions().iter().skip(wanted.demands.requirements(term).len()));
    let mut recorded = recorded.peekable();
    if recorded.peek().is_none() {
        return false;
    }
    let today = requirements(wanted);
    let today = today.iter().flat_map(|requirements| requirements.iter());
    let today: FxHashSet<_> = today.map(|requirement| of_stamp(&requirement)).collect();
    recorded.any(|written| !today.contains(&of_requirement(written)))
}

/// Returns what a stamp writes into terms today.
fn requirements<'s>(wanted: &Confine<'_, '_, 's>) -> Vec<crate::stamp::values::Requirements<'s>> {
    if !wanted.needs_terms() {
        return Vec::new();
    }
    if wanted.demands.terms().next().is_none() {
        return wanted.alternatives(wanted.choice.all);
    }
    wanted.unconfined().filter_map(|(_, _, alternatives)| alternatives.into_iter().next()).collect()
}

/// Removes the recorded values that a stamp would not write today.
pub(super) fn remove(wanted: &Confine<'_, '_, '_>, at: &Pointer<'_>, patch: &mut PatchBuilder) {
    let (Some(labels), Some(earlier)) = (wanted.labels(), wanted.demands.recorded) else { return };
    let spec = wanted.demands.spec;
    let selector = at.then("nodeSelector");
    for (key, value) in spec.node_selector.iter().flat_map(|selector| selector.iter()) {
        // A label of the same key with another value is replaced.
        if earlier.has_label(key, value) && !labels.iter().any(|(label, _)| label == key) {
            patch.remove(&selector.then(key));
        }
    }
    let affinity = at.then("affinity");
    let affinity = affinity.then("nodeAffinity");
    let required = affinity.then("requiredDuringSchedulingIgnoredDuringExecution");
    if wanted.demands.are_terms_recorded() {
        // Otherwise all terms are replaced.
        if !wanted.needs_terms() {
            patch.remove(&required);
        }
    } else {
        let terms = required.then("nodeSelectorTerms");
        for (index, term) in spec.required_terms().unwrap_or_default().iter().enumerate() {
            let expressions = terms.then(index);
            let expressions = expressions.then("matchExpressions");
            let own = wanted.demands.requirements(term).len();
            (own..term.expressions().len()).rev().for_each(|last| patch.remove(&expressions.then(last)));
        }
    }
    let tolerations = at.then("tolerations");
    for (index, toleration) in spec.tolerations().iter().enumerate().rev() {
        if is_stale_toleration(toleration, earlier, wanted) {
            patch.remove(&tolerations.then(index));
        }
    }
}

/// Returns the annotation that records what a stamp writes beside the tenant's own values.
pub(super) fn written(wanted: &Confine<'_, '_, '_>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'w> {
        node_selector: std::collections::BTreeMap<&'w str, &'w str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        requirements: Vec<Requirement<'w>>,
        tolerations: Vec<Tolerates<'w>>,
    }

    let demands = &wanted.demands;
    let labels = wanted.labels().into_iter().flat_map(|labels| labels.iter());
    let is_own = |toleration: &&Toleration<'_>| {
        demands.recorded.is_none_or(|recorded| !recorded.has_toleration(toleration))
    };
    let taints = wanted.pools().flat_map(|pool| &pool.taints);
    let own = ToleratedForGood::of(demands.spec.tolerations().iter().filter(is_own));
    let requirements = requirements(wanted);
    let written = Written {
        node_selector: labels.filter(|(key, _)| demands.selected(key).is_none()).collect(),
        requirements: requirements.iter().flat_map(|requirements| requirements.iter()).collect(),
        tolerations: taints.filter(|taint| !own.includes(taint)).map(Tolerates).collect(),
    };
    // INVARIANT: writing strings, lists and maps of strings into memory cannot fail.
    serde_json::to_string(&written).unwrap_or_default()
}
