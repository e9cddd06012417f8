//! Chooses the pools that a pod runs in, by all that it demands of its node.
//!
//! The terms of a pod's required node affinity are alternatives, so the choice is made for each term, together with the
//! nodeSelector. A pod without terms makes one choice. For each:
//!
//! - A pool is *possible* if its labels contradict no label of the nodeSelector and no requirement of the term. A label
//!   that the pool does not have contradicts nothing, since its nodes may have it.
//! - A label by which the tenant's pools differ *names* those that have it, and so does a runtime class that a pool
//!   lists. The possible pools that are named most often are chosen; of pools whose labels contain each other's, the
//!   smaller.
//! - If no pool is named, the default pool is chosen. All possible pools are, if the default pool is not possible, if
//!   the tenant says so (`unnamed: Any`), or if a node is demanded by its name.
//! - Of a pod with scheduling gates all possible pools are chosen, since whoever removes the gates may still choose.
//!   When the last gate goes, what the stamp wrote for these pools names none of them.
//!
//! INVARIANT: a stamp confines a pod to its chosen pools, and chooses no others for the stamped pod, so that a second
//! stamp changes nothing.

use std::ops::Range;

use crate::api::{Mode, Unnamed};
use crate::objects::pod::PodSpec;
use crate::objects::scheduling::{NodeSelectorRequirement, NodeSelectorTerm, Toleration};
use crate::rule_id::RuleId;
use crate::tenancy::{Met, Pool, PoolSet, PoolTable, Required, Snapshot, Tenant};
use crate::work;

/// The label by which a pod demands a node of this name.
const HOSTNAME: &str = "kubernetes.io/hostname";

/// Holds the pools that are chosen for a pod.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The pools of each term of the required node affinity, none of a term that matches no node; empty without terms.
    pub(crate) by_term: Vec<PoolSet>,
    /// The pools of all terms together; empty if the pod could run in none of the tenant's pools.
    pub(crate) all: PoolSet,
}

/// Views what a pod demands of its node, without what an earlier stamp added to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands<'v, 'a> {
    pub(crate) spec: &'v PodSpec<'a>,
    /// The values that an earlier stamp added, if it is out of date.
    pub(crate) recorded: Option<&'v dyn Recorded>,
    /// The requirements of each term that name no pool, since the stamp wrote them.
    pub(crate) stamped: &'v [Range<usize>],
    /// Tells that gates hold the pod back. The template of a DaemonSet is stamped once, whatever gates its pods have.
    pub(crate) is_gated: bool,
}

/// Tells what an earlier stamp added.
pub(crate) trait Recorded: std::fmt::Debug {
    /// Returns whether it added the label to the nodeSelector.
    fn has_label(&self, key: &str, value: &str) -> bool;
    /// Returns how many of the first requirements of a term it did not add, or `None` if it added none.
    fn own_requirements(&self, index: usize) -> Option<usize>;
    /// Returns the places of the terms that it added as copies of others, in ascending order.
    fn copies(&self) -> &[usize];
    /// Returns whether it added the toleration.
    fn has_toleration(&self, toleration: &Toleration<'_>) -> bool;
}

impl<'v, 'a> Demands<'v, 'a> {
    /// Returns all demands of a spec.
    pub(crate) fn of(spec: &'v PodSpec<'a>) -> Self {
        Self { spec, recorded: None, stamped: &[], is_gated: !spec.scheduling_gates.is_empty() }
    }

    /// Iterates over the labels of the nodeSelector.
    pub(crate) fn selector(&self) -> impl Iterator<Item = (&'v str, &'v str)> {
        let recorded = self.recorded;
        let labels = self.spec.node_selector.iter().flat_map(|selector| selector.iter());
        labels.filter(move |(key, value)| recorded.is_none_or(|recorded| !recorded.has_label(key, value)))
    }

    /// Returns the requirements of the term at this place; those of a stamp are the last ones.
    pub(crate) fn requirements(
        &self,
        index: usize,
        term: &'v NodeSelectorTerm<'a>,
    ) -> &'v [NodeSelectorRequirement<'a>] {
        let all = term.expressions();
        let own = self.recorded.and_then(|recorded| recorded.own_requirements(index));
        own.and_then(|own| all.get(..own)).unwrap_or(all)
    }

    /// Returns the requirements of the term at this place that may name pools.
    fn naming(
        &self,
        index: usize,
        term: &'v NodeSelectorTerm<'a>,
    ) -> impl Iterator<Item = &'v NodeSelectorRequirement<'a>> + Clone {
        let all = self.requirements(index, term);
        let (before, after) = match self.stamped.get(index) {
            Some(stamped) if !stamped.is_empty() => (all.get(..stamped.start), all.get(stamped.end..)),
            _ => (None, None),
        };
        before.unwrap_or(all).iter().chain(after.unwrap_or_default())
    }

    /// Returns the terms of the required node affinity that may match a node, with their places.
    pub(crate) fn terms(&self) -> impl Iterator<Item = (usize, &'v NodeSelectorTerm<'a>)> {
        let terms = self.spec.required_terms().unwrap_or_default().iter().enumerate();
        terms.filter(|(index, term)| {
            (!self.requirements(*index, term).is_empty() || !term.match_fields.is_empty())
                && self.recorded.is_none_or(|recorded| recorded.copies().binary_search(index).is_err())
        })
    }

    /// Returns how many copies of terms an earlier stamp wrote before this place.
    pub(crate) fn copies_before(&self, index: usize) -> usize {
        let copies = self.recorded.map(Recorded::copies).unwrap_or_default();
        copies.partition_point(|copy| *copy < index)
    }

    /// Returns whether an earlier stamp wrote all terms that may match a node.
    pub(crate) fn are_terms_recorded(&self) -> bool {
        let mut terms = self.spec.required_terms().unwrap_or_default().iter();
        self.recorded.is_some() && terms.any(|term| !term.is_empty()) && self.terms().next().is_none()
    }

    /// Returns the value that the nodeSelector requires of a label.
    pub(crate) fn selected(&self, key: &str) -> Option<&'v str> {
        let value = self.spec.selected(key)?;
        Some(value).filter(|value| self.recorded.is_none_or(|recorded| !recorded.has_label(key, value)))
    }
}

/// Returns the runtime class of a pod, with that of the stamp.
fn class_of<'c>(spec: &'c PodSpec<'_>, tenant: &'c Tenant) -> &'c str {
    if !spec.runtime_class_name.is_empty() {
        return &spec.runtime_class_name;
    }
    stamped_class(tenant).unwrap_or_default()
}

/// Returns the runtime class that the stamp gives to pods that name none.
pub(crate) fn stamped_class(tenant: &Tenant) -> Option<&str> {
    let default = tenant.runtime_classes.as_ref()?.default.as_deref()?;
    (tenant.modes.of(RuleId::RuntimeClass) == Mode::Deny).then_some(default)
}

/// Chooses the pools of a pod, or returns `None` if its tenant has no pools.
pub(crate) fn choose(demands: &Demands<'_, '_>, tenant: &Tenant, snapshot: &Snapshot) -> Option<Choice> {
    let default = snapshot.pools_of(tenant).next()?;
    let Some(table) = &tenant.table else { return Some(choose_of_one(demands, default)) };
    let spec = demands.spec;
    let is_gated = demands.is_gated;
    let names_nothing = spec.node_selector.as_ref().is_none_or(|selector| selector.iter().next().is_none())
        && spec.required_terms().is_none()
        && table.of_class(class_of(spec, tenant)).is_empty();
    if names_nothing {
        let is_any = is_gated || tenant.unnamed == Unnamed::Any;
        let all = if is_any { table.all() } else { PoolSet::DEFAULT };
        return Some(Choice { by_term: Vec::new(), all });
    }
    Some(choose_of_many(demands, table, tenant, is_gated))
}

/// Chooses the only pool of a tenant, unless all terms contradict it.
fn choose_of_one(demands: &Demands<'_, '_>, pool: &Pool) -> Choice {
    let fits = |(key, label): &(Box<str>, Box<str>)| {
        demands.selected(key).is_none_or(|selected| *selected == **label)
    };
    if !pool.labels.iter().all(fits) {
        let terms = demands.spec.required_terms().map_or(0, <[_]>::len);
        return Choice { by_term: vec![PoolSet::default(); terms], all: PoolSet::default() };
    }
    let holds = |requirement: &NodeSelectorRequirement<'_>| {
        pool.label(&requirement.key).is_none_or(|label| requirement.holds_of(label))
    };
    let chosen = |index, term| {
        if demands.requirements(index, term).iter().all(holds) {
            PoolSet::DEFAULT
        } else {
            PoolSet::default()
        }
    };
    by_term(demands, PoolSet::DEFAULT, chosen)
}

#[inline(never)]
fn choose_of_many(demands: &Demands<'_, '_>, table: &PoolTable, tenant: &Tenant, is_gated: bool) -> Choice {
    let mut demanded = Demanded {
        possible: table.all(),
        counts: [0; PoolSet::MOST],
        names_node: demands.selector().any(|(key, _)| key == HOSTNAME),
    };
    demanded.name(table.of_class(class_of(demands.spec, tenant)));
    demands.selector().filter_map(|(key, value)| table.have(key, value)).for_each(|met| demanded.add(met));
    let is_any = tenant.unnamed == Unnamed::Any;
    let without_terms = demanded.chosen(table, is_gated, is_any);
    by_term(demands, without_terms, |index, term| {
        let mut demanded = demanded.clone();
        let requirements = demands.naming(index, term);
        requirements
            .clone()
            .filter_map(|requirement| table.meet(requirement))
            .for_each(|met| demanded.add(met));
        let names_node = |requirement: &NodeSelectorRequirement<'_>| &*requirement.operator == "In";
        demanded.names_node |= term.match_fields.iter().any(names_node)
            || requirements
                .clone()
                .any(|requirement| &*requirement.key == HOSTNAME && names_node(requirement));
        demanded.chosen(table, is_gated, is_any)
    })
}

/// Collects the choices of all terms.
///
/// A pod whose terms all match no node runs nowhere, whatever is chosen for it; it is treated as one without terms.
fn by_term<'v, 'a>(
    demands: &Demands<'v, 'a>,
    without_terms: PoolSet,
    chosen: impl Fn(usize, &'v NodeSelectorTerm<'a>) -> PoolSet,
) -> Choice {
    let Some(terms) = demands.spec.required_terms() else {
        return Choice { by_term: Vec::new(), all: without_terms };
    };
    let mut choice = Choice { by_term: vec![PoolSet::default(); terms.len()], all: PoolSet::default() };
    let mut is_empty = true;
    for (index, term) in demands.terms() {
        is_empty = false;
        work::charge(1);
        let pools = chosen(index, term);
        choice.all = choice.all.or(pools);
        if let Some(of_term) = choice.by_term.get_mut(index) {
            *of_term = pools;
        }
    }
    if is_empty {
        choice.all = without_terms;
    }
    choice
}

/// Sums up what the nodeSelector and a term demand.
#[derive(Clone, Debug)]
struct Demanded {
    possible: PoolSet,
    /// How often each pool is named.
    counts: [u32; PoolSet::MOST],
    /// Tells that a node is demanded by its name.
    names_node: bool,
}

impl Demanded {
    fn add(&mut self, met: Met) {
        self.possible = self.possible.without(met.contradicts);
        if met.names {
            self.name(met.meets);
        }
    }

    fn name(&mut self, pools: PoolSet) {
        for place in pools.places() {
            if let Some(count) = self.counts.get_mut(place) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn chosen(&self, table: &PoolTable, is_gated: bool, is_any: bool) -> PoolSet {
        let count = |place: usize| self.counts.get(place).copied().unwrap_or_default();
        let most = self.possible.places().map(count).max().unwrap_or_default();
        if is_gated || (most == 0 && (is_any || self.names_node)) {
            return self.possible;
        }
        if most == 0 {
            let is_default = self.possible.contains(PoolSet::DEFAULT);
            return if is_default { PoolSet::DEFAULT } else { self.possible };
        }
        table.smallest(self.possible.places().filter(|place| count(*place) == most).collect())
    }
}

/// Tells which terms of a pod select only pools of its tenant.
#[derive(Debug)]
pub(crate) enum Confinement<'s> {
    /// The tenant has one pool.
    One(&'s Pool),
    /// The tenant has several.
    Many(&'s PoolTable, Required),
}

impl<'s> Confinement<'s> {
    /// Returns what confines a term by itself, or `None` if the tenant has no pools.
    pub(crate) fn of(tenant: &'s Tenant, snapshot: &'s Snapshot) -> Option<Self> {
        let default = snapshot.pools_of(tenant).next()?;
        Some(match &tenant.table {
            None => Self::One(default),
            Some(table) => Self::Many(table, table.nothing_required()),
        })
    }

    /// Adds the labels of a nodeSelector.
    pub(crate) fn with_selector(mut self, spec: &PodSpec<'_>) -> Self {
        if let Self::Many(table, required) = &mut self {
            for (key, value) in spec.node_selector.iter().flat_map(|selector| selector.iter()) {
                table.require(required, key, value);
            }
        }
        self
    }

    /// Returns whether what was added selects one pool.
    pub(crate) fn is_whole(&self, spec: &PodSpec<'_>) -> bool {
        match self {
            Self::One(pool) => pool.labels.iter().all(|(key, value)| spec.selected(key) == Some(value)),
            Self::Many(table, required) => table.confines(required, &[], table.all()),
        }
    }

    /// Returns whether a term of these requirements selects only pools `among` these.
    ///
    /// The labels that `also` selects count as well.
    pub(crate) fn confines(
        &self,
        requirements: &[NodeSelectorRequirement<'_>],
        also: Option<&PodSpec<'_>>,
        among: PoolSet,
    ) -> bool {
        match self {
            Self::One(pool) => pool.labels.iter().all(|(key, value)| {
                also.is_some_and(|spec| spec.selected(key) == Some(value))
                    || demands(requirements, key, value)
            }),
            Self::Many(table, required) => {
                let mut required = required.clone();
                for NodeSelectorRequirement { key, operator, values } in requirements {
                    if let ("In", [only]) = (&**operator, &**values) {
                        table.require(&mut required, key, only);
                    }
                }
                table.confines(&required, requirements, among)
            }
        }
    }
}

/// Returns whether the requirements contain the label, in exactly the form that the stamp writes.
pub(crate) fn demands(requirements: &[NodeSelectorRequirement<'_>], key: &str, value: &str) -> bool {
    requirements.iter().any(|requirement| {
        *requirement.key == *key
            && &*requirement.operator == "In"
            && matches!(&*requirement.values, [only] if **only == *value)
    })
}
