//! Reads and writes the record of a stamp, and removes a stamp that is out of date.

use std::marker::PhantomData;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::json::{List, Pairs, PatchBuilder, Pointer, borrowed, reader};
use crate::judging::Fingerprint;
use crate::judging::placement::Recorded;
use crate::objects::pod::PodSpec;
use crate::objects::scheduling::{NodeSelectorRequirement, NodeSelectorTerm, Toleration};
use crate::stamp::confine::Confine;
use crate::stamp::terms::{Demanded, of_requirement, of_term};
use crate::stamp::values::{Requirement, Requirements, Tolerates};
use crate::tenancy::ToleratedForGood;

borrowed! {
    /// Holds the annotation.
    struct Record<'a> {
        /// The labels of the nodeSelector.
        node_selector: Pairs<'a> = "nodeSelector",
        /// The requirements of terms that the stamp wrote as a whole.
        requirements: List<NodeSelectorRequirement<'a>> = "requirements",
        /// The requirements that it added to the tenant's own terms.
        terms: List<Tail<'a>> = "terms",
        /// The tolerations.
        tolerations: List<Toleration<'a>> = "tolerations",
    }
}

borrowed! {
    /// Holds what the stamp wrote into terms with so many requirements of their own.
    struct Tail<'a> {
        /// The number of the term's own requirements.
        own: i64 = "own",
        /// The requirements behind these.
        requirements: List<NodeSelectorRequirement<'a>> = "requirements",
    }
}

/// Holds the record of an earlier stamp.
#[derive(Debug)]
pub(super) struct Earlier<'a> {
    node_selector: Pairs<'a>,
    tolerations: FxHashSet<Fingerprint>,
    /// The number of own requirements of each stamped term of the template.
    own: Vec<Option<usize>>,
    /// The places of the terms that are copies, in ascending order.
    copies: Vec<usize>,
}

impl<'a> Earlier<'a> {
    /// Reads the annotation, and finds the recorded terms in the template; what does not decode records nothing.
    pub(super) fn read(annotation: &'a str, spec: &PodSpec<'_>) -> Option<Self> {
        let record = reader::from_str(PhantomData::<Record<'a>>, annotation).ok()?;
        let terms = spec.required_terms().unwrap_or_default();
        let whole: FxHashSet<_> = record.requirements.iter().map(of_requirement).collect();
        let mut earlier = Self {
            tolerations: record.tolerations.iter().map(of_toleration).collect(),
            node_selector: record.node_selector,
            own: Vec::new(),
            copies: Vec::new(),
        };
        let is_whole = |term: &NodeSelectorTerm<'_>| {
            let mut expressions = term.expressions().iter().map(of_requirement);
            term.match_fields.is_empty() && expressions.all(|requirement| whole.contains(&requirement))
        };
        // Beside a term of the tenant's own the stamp writes no whole term.
        if !whole.is_empty() && terms.iter().all(is_whole) {
            earlier.own = terms.iter().map(|term| (!term.is_empty()).then_some(0)).collect();
            return Some(earlier);
        }
        let tails = Tails::of(&record.terms);
        let mut known = FxHashSet::default();
        for (index, term) in terms.iter().enumerate() {
            let own = tails.own(term);
            let is_copy = own.and_then(|own| term.expressions().get(..own)).is_some_and(|own| {
                let own = own.iter().map(Demanded::Written);
                !known.insert(of_term(&own, &term.match_fields))
            });
            earlier.own.push(own);
            if is_copy {
                earlier.copies.push(index);
            }
        }
        Some(earlier)
    }
}

impl Recorded for Earlier<'_> {
    fn has_label(&self, key: &str, value: &str) -> bool {
        self.node_selector.get(key) == Some(value)
    }

    fn own_requirements(&self, index: usize) -> Option<usize> {
        self.own.get(index).copied().flatten()
    }

    fn copies(&self) -> &[usize] {
        &self.copies
    }

    fn has_toleration(&self, toleration: &Toleration<'_>) -> bool {
        !self.tolerations.is_empty() && self.tolerations.contains(&of_toleration(toleration))
    }
}

/// Finds what the stamp wrote behind the own requirements of a term, by reading both from their ends.
#[derive(Debug, Default)]
struct Tails {
    /// The nodes of a tree, by their parents and requirements.
    nodes: FxHashMap<(usize, Fingerprint), usize>,
    /// The nodes at which what was written begins, with the numbers of all requirements of the terms.
    starts: FxHashSet<(usize, usize)>,
}

impl Tails {
    fn of(recorded: &[Tail<'_>]) -> Self {
        let mut tails = Self::default();
        for tail in recorded {
            let requirements: &[_] = &tail.requirements;
            let Ok(own) = usize::try_from(tail.own) else { continue };
            let node = requirements.iter().rev().fold(0, |parent, requirement| {
                let next = tails.nodes.len() + 1;
                *tails.nodes.entry((parent, of_requirement(requirement))).or_insert(next)
            });
            tails.starts.insert((node, own.saturating_add(requirements.len())));
        }
        tails
    }

    /// Returns the number of the own requirements of a term, or `None` if nothing was written into it.
    fn own(&self, term: &NodeSelectorTerm<'_>) -> Option<usize> {
        let requirements = term.expressions();
        let mut node = 0;
        for (own, requirement) in requirements.iter().enumerate().rev() {
            node = *self.nodes.get(&(node, of_requirement(requirement)))?;
            if self.starts.contains(&(node, requirements.len())) {
                return Some(own).filter(|own| *own > 0 || !term.match_fields.is_empty());
            }
        }
        None
    }
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
    stale_labels.next().is_some() || stale_tolerations.next().is_some() || has_stale_terms(earlier, wanted)
}

fn is_stale_toleration(
    toleration: &Toleration<'_>,
    earlier: &dyn Recorded,
    wanted: &Confine<'_, '_, '_>,
) -> bool {
    earlier.has_toleration(toleration)
        && !wanted.pools().any(|pool| pool.is_tainted_with(&toleration.key, &toleration.value))
}

/// Returns whether the stamped terms are not those of today.
fn has_stale_terms(earlier: &dyn Recorded, wanted: &Confine<'_, '_, '_>) -> bool {
    let terms = wanted.demands.spec.required_terms().unwrap_or_default().iter().enumerate();
    let stamped = terms.filter(|(index, _)| earlier.own_requirements(*index).is_some());
    let stamped = stamped
        .map(|(_, term)| of_term(&term.expressions().iter().map(Demanded::Written), &term.match_fields));
    let stamped: FxHashSet<_> = stamped.collect();
    if stamped.is_empty() {
        return false;
    }
    let mut today = FxHashSet::default();
    for whole in whole_terms(wanted) {
        today.insert(of_term(&whole.iter().map(Demanded::Stamped), &[]));
    }
    for (index, term, alternatives) in own_terms(wanted) {
        let own = wanted.demands.requirements(index, term).iter().map(Demanded::Written);
        for alternative in &alternatives {
            let missing: Vec<_> = alternative.missing_in(wanted.demands.requirements(index, term)).collect();
            let missing = missing.iter().map(|requirement| Demanded::Stamped(*requirement));
            today.insert(of_term(&own.clone().chain(missing), &term.match_fields));
        }
    }
    stamped != today
}

/// Returns the terms that a stamp writes today if there are none of the tenant's own.
fn whole_terms<'s>(wanted: &Confine<'_, '_, 's>) -> Vec<Requirements<'s>> {
    let are_terms_needed = wanted.needs_terms() && wanted.demands.terms().next().is_none();
    if are_terms_needed { wanted.alternatives(wanted.choice.all) } else { Vec::new() }
}

/// Returns the tenant's own terms that a stamp narrows today, with what each of them and of its copies gets.
fn own_terms<'v, 'a, 's>(
    wanted: &Confine<'v, 'a, 's>,
) -> impl Iterator<Item = (usize, &'v NodeSelectorTerm<'a>, Vec<Requirements<'s>>)> {
    wanted.needs_terms().then(|| wanted.unconfined()).into_iter().flatten()
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
            let own = wanted.demands.requirements(index, term).len();
            (own..term.expressions().len()).rev().for_each(|last| patch.remove(&expressions.then(last)));
        }
        earlier.copies().iter().rev().for_each(|copy| patch.remove(&terms.then(*copy)));
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
        #[serde(skip_serializing_if = "Vec::is_empty")]
        terms: Vec<WrittenTail<'w>>,
        tolerations: Vec<Tolerates<'w>>,
    }

    #[derive(Serialize)]
    struct WrittenTail<'w> {
        own: usize,
        requirements: Vec<Requirement<'w>>,
    }

    let demands = &wanted.demands;
    let labels = wanted.labels().into_iter().flat_map(|labels| labels.iter());
    let is_own = |toleration: &&Toleration<'_>| {
        demands.recorded.is_none_or(|recorded| !recorded.has_toleration(toleration))
    };
    let taints = wanted.pools().flat_map(|pool| &pool.taints);
    let own = ToleratedForGood::of(demands.spec.tolerations().iter().filter(is_own));
    let whole = whole_terms(wanted);
    let narrowed: Vec<_> = own_terms(wanted).collect();
    let mut known = FxHashSet::default();
    let mut terms = Vec::new();
    for (index, term, alternatives) in &narrowed {
        let written = demands.requirements(*index, term);
        let own = written.len();
        for alternative in alternatives {
            let requirements: Vec<_> = alternative.missing_in(written).collect();
            let tail = requirements.iter().map(|requirement| Demanded::Stamped(*requirement));
            if known.insert((own, of_term(&tail, &[]))) {
                terms.push(WrittenTail { own, requirements });
            }
        }
    }
    let written = Written {
        node_selector: labels.filter(|(key, _)| demands.selected(key).is_none()).collect(),
        requirements: whole.iter().flat_map(|requirements| requirements.iter()).collect(),
        terms,
        tolerations: taints.filter(|taint| !own.includes(taint)).map(Tolerates).collect(),
    };
    // INVARIANT: writing strings, lists and maps of strings into memory cannot fail.
    serde_json::to_string(&written).unwrap_or_default()
}
