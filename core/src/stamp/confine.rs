//! Writes the labels and tolerations of the chosen pools into a pod or a template.

use super::values::{Labels, Nested, Requirements, Tolerates};
use crate::json::{PatchBuilder, Pointer};
use crate::judging::placement::{Choice, Confinement, Demands};
use crate::objects::scheduling::NodeSelectorTerm;
use crate::tenancy::{Pool, PoolSet, Snapshot, Tenant, ToleratedForGood};

/// Limits how many terms a pod has with the copies; the decoder refuses pods with more.
const TERMS: usize = 1_000;

/// Says which fields get the labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// Whether the nodeSelector gets those that all chosen pools share.
    pub(super) selector: bool,
    /// Whether each term gets them, even if the nodeSelector alone confines the pod.
    pub(super) terms: bool,
    /// Whether terms may be copied.
    pub(super) copies: bool,
}

/// Confines a pod to the chosen pools.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confine<'v, 'a, 's> {
    pub(super) demands: Demands<'v, 'a>,
    pub(super) choice: &'v Choice,
    pub(super) tenant: &'s Tenant,
    pub(super) snapshot: &'s Snapshot,
    pub(super) fields: Fields,
}

impl<'v, 'a, 's> Confine<'v, 'a, 's> {
    /// Adds what is missing; nothing, if no pool is possible.
    pub(super) fn write(&self, at: &Pointer<'_>, patch: &mut PatchBuilder) {
        let Some(labels) = self.labels() else { return };
        if self.fields.selector {
            self.node_selector(labels, at, patch);
        }
        if self.needs_terms() {
            self.node_affinity(at, patch);
        }
        self.tolerations(at, patch);
    }

    /// Returns the labels that all chosen pools share, or `None` if no pool is chosen.
    pub(super) fn labels(&self) -> Option<Labels<'s>> {
        let pool = self.pool(self.choice.all.places().next()?)?;
        Some(Labels { pool, shared_by: self.tenant.table.as_deref().map(|table| (table, self.choice.all)) })
    }

    /// Returns whether the labels go into terms.
    pub(super) fn needs_terms(&self) -> bool {
        self.fields.terms || self.smallest(self.choice.all).len() > 1
    }

    /// Returns the pools that are chosen for any term.
    pub(super) fn pools(&self) -> impl Iterator<Item = &'s Pool> + Clone {
        self.choice.all.places().filter_map(|place| self.pool(place))
    }

    fn pool(&self, place: usize) -> Option<&'s Pool> {
        self.snapshot.pool_of(self.tenant, place)
    }

    fn smallest(&self, pools: PoolSet) -> PoolSet {
        self.tenant.table.as_ref().map_or(pools, |table| table.smallest(pools))
    }

    /// Returns the requirements of which each selects some of the pools, and all of them together.
    pub(super) fn alternatives(&self, pools: PoolSet) -> Vec<Requirements<'s>> {
        let Some(table) = &self.tenant.table else {
            return self.pool(0).map(|pool| Requirements { pool, several: None }).into_iter().collect();
        };
        let requirements = |(key, pools): (Option<&'s str>, PoolSet)| {
            let pools = pools.places().filter_map(|place| self.pool(place));
            let several = key.map(|key| (key, pools.clone().filter_map(|pool| pool.label(key)).collect()));
            Some(Requirements { pool: pools.clone().next()?, several })
        };
        table.split(table.smallest(pools)).filter_map(requirements).collect()
    }

    fn node_selector(&self, labels: Labels<'_>, at: &Pointer<'_>, patch: &mut PatchBuilder) {
        let at = at.then("nodeSelector");
        let Some(selector) = &self.demands.spec.node_selector else {
            if labels.iter().next().is_some() {
                patch.add(&at, &labels);
            }
            return;
        };
        for (key, value) in labels.iter() {
            let is_stale = || self.demands.recorded.is_some() && self.demands.selected(key).is_none();
            if selector.get(key).is_none_or(|written| *written != *value && is_stale()) {
                patch.add(&at.then(key), &value);
            }
        }
    }

    fn node_affinity(&self, at: &Pointer<'_>, patch: &mut PatchBuilder) {
        let spec = self.demands.spec;
        let add_all = |at: &Pointer<'_>, levels: usize, patch: &mut PatchBuilder| {
            let alternatives = self.alternatives(self.choice.all);
            let terms: Vec<_> = alternatives.iter().map(|all| Nested("matchExpressions", all)).collect();
            let required = Nested("nodeSelectorTerms", &terms);
            let node_affinity = Nested("requiredDuringSchedulingIgnoredDuringExecution", &required);
            match levels {
                0 => patch.add(at, &terms),
                1 => patch.add(at, &required),
                2 => patch.add(at, &node_affinity),
                _ => patch.add(at, &Nested("nodeAffinity", &node_affinity)),
            }
        };
        let at = at.then("affinity");
        let Some(affinity) = &spec.affinity else { return add_all(&at, 3, patch) };
        let at = at.then("nodeAffinity");
        let Some(affinity) = &affinity.node_affinity else { return add_all(&at, 2, patch) };
        let at = at.then("requiredDuringSchedulingIgnoredDuringExecution");
        let Some(required) = &affinity.required else { return add_all(&at, 1, patch) };
        let at = at.then("nodeSelectorTerms");
        if required.terms.is_none() || self.demands.are_terms_recorded() {
            return add_all(&at, 0, patch);
        }
        self.terms(&at, patch);
    }

    /// Narrows each term that may match a node to its pools.
    fn terms(&self, at: &Pointer<'_>, patch: &mut PatchBuilder) {
        let mut length = self.length();
        for (index, term, alternatives) in self.unconfined() {
            let Some((first, others)) = alternatives.split_first() else { continue };
            // The copies of an earlier stamp are removed before.
            let from = at.then(index - self.demands.copies_before(index));
            for _ in others {
                patch.copy(&from, &at.then("-"));
            }
            self.narrow(index, term, first, &from, patch);
            for other in others {
                self.narrow(index, term, other, &at.then(length), patch);
                length += 1;
            }
        }
    }

    /// Returns the number of the terms without those that an earlier stamp copied.
    fn length(&self) -> usize {
        let terms = self.demands.spec.required_terms().map_or(0, <[_]>::len);
        terms - self.demands.copies_before(terms)
    }

    /// Returns the terms that select other nodes too, with what each of them, and each of its copies, gets.
    pub(super) fn unconfined(
        &self,
    ) -> impl Iterator<Item = (usize, &'v NodeSelectorTerm<'a>, Vec<Requirements<'s>>)> {
        let confinement = Confinement::of(self.tenant, self.snapshot);
        let mut room = if self.fields.copies { TERMS.saturating_sub(self.length()) } else { 0 };
        self.demands.terms().filter_map(move |(index, term)| {
            let chosen = self.choice.by_term.get(index).copied().unwrap_or_default();
            // A term that contradicts all pools matches no node of theirs, nor any other, once it is confined.
            let (pools, among) =
                if chosen.is_empty() { (PoolSet::DEFAULT, PoolSet::ALL) } else { (chosen, chosen) };
            let requirements = self.demands.requirements(index, term);
            if confinement.as_ref()?.confines(requirements, None, among) {
                return None;
            }
            let mut alternatives = self.alternatives(pools);
            alternatives.truncate(room.saturating_add(1));
            room = room.saturating_sub(alternatives.len().saturating_sub(1));
            Some((index, term, alternatives))
        })
    }

    fn narrow(
        &self,
        index: usize,
        term: &'v NodeSelectorTerm<'a>,
        requirements: &Requirements<'_>,
        at: &Pointer<'_>,
        patch: &mut PatchBuilder,
    ) {
        let at = at.then("matchExpressions");
        if term.match_expressions.is_none() {
            return patch.add(&at, requirements);
        }
        for requirement in requirements.missing_in(self.demands.requirements(index, term)) {
            patch.add(&at.then("-"), &requirement);
        }
    }

    fn tolerations(&self, at: &Pointer<'_>, patch: &mut PatchBuilder) {
        let spec = self.demands.spec;
        let taints = self.pools().flat_map(|pool| &pool.taints);
        let tolerated = ToleratedForGood::by(spec.tolerations());
        let mut missing = taints.filter(|taint| !tolerated.includes(taint)).peekable();
        if missing.peek().is_none() {
            return;
        }
        let at = at.then("tolerations");
        if spec.tolerations.is_none() {
            let all: Vec<_> = missing.map(Tolerates).collect();
            return patch.add(&at, &all);
        }
        for taint in missing {
            patch.add(&at.then("-"), &Tolerates(taint));
        }
    }
}
