//! Counts assessments.
//!
//! INVARIANT: every object counts once: by its outcome, as one that no rule is about, or as not assessed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use partywall_core::rule_id::{HoldsIn, RuleId};

use super::assessor::{About, Assessment, FailOn, Outcome};

#[derive(Default)]
pub(super) struct Count {
    clean: usize,
    warned: usize,
    denied: usize,
    policies: usize,
    /// Of kinds that no rule is about.
    other_kinds: usize,
    /// In system namespaces.
    system: usize,
    /// Written by controllers of the cluster.
    by_controllers: usize,
    unassessed: usize,
    /// Those that fail the command.
    failing: usize,
    /// The Exemptions in use, each with the number of objects that use it.
    exemptions: BTreeMap<String, usize>,
    /// Those of `clean`, `warned` and `denied` in unclaimed namespaces.
    unclaimed: usize,
    /// Their namespaces.
    namespaces: BTreeSet<String>,
}

impl Count {
    pub(super) fn assessed(&mut self, assessment: &Assessment, fail_on: FailOn) {
        self.failing += usize::from(assessment.fails(fail_on));
        for exemption in &assessment.exempted {
            *self.exemptions.entry(exemption.clone()).or_default() += 1;
        }
        match (assessment.about, assessment.outcome()) {
            (_, Outcome::Warned) => self.warned += 1,
            (_, Outcome::Denied) => self.denied += 1,
            (About::Policy, Outcome::Clean) => self.policies += 1,
            (About::Nothing, Outcome::Clean) => self.other_kinds += 1,
            (About::System, Outcome::Clean) => self.system += 1,
            (About::Controller, Outcome::Clean) => self.by_controllers += 1,
            (About::Tenants | About::Unclaimed | About::Namespace, Outcome::Clean) => self.clean += 1,
        }
        if assessment.about == About::Unclaimed {
            self.unclaimed += 1;
            self.namespaces.extend(assessment.namespace.clone());
        }
    }

    pub(super) fn unassessed(&mut self) {
        self.unassessed += 1;
    }

    pub(super) fn is_any_unassessed(&self) -> bool {
        self.unassessed > 0
    }

    /// Returns whether any object fails the command.
    pub(super) fn is_any_failing(&self) -> bool {
        self.failing > 0
    }

    pub(super) fn all(&self) -> usize {
        let Self { clean, warned, denied, policies, other_kinds, system, by_controllers, unassessed, .. } =
            self;
        clean + warned + denied + policies + other_kinds + system + by_controllers + unassessed
    }

    /// Returns `12 objects: 9 clean, 2 denied, 1 with warnings`, without zeros but for the clean ones.
    pub(super) fn summary(&self) -> String {
        let all = self.all();
        let mut summary = format!("{all} object{}: {} clean", if all == 1 { "" } else { "s" }, self.clean);
        for (count, what) in [
            (self.denied, "denied"),
            (self.warned, "with warnings"),
            (self.policies, if self.policies == 1 { "policy" } else { "policies" }),
            (self.other_kinds, "of kinds that no rule is about"),
            (self.system, "in system namespaces, where nothing is judged"),
            (self.by_controllers, "written by the cluster's controllers"),
            (self.unassessed, "not judged"),
        ] {
            if count > 0 {
                // INVARIANT: writing to a String cannot fail.
                let _ = write!(summary, ", {count} {what}");
            }
        }
        summary
    }

    /// Returns the lines below the summary.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        self.of_unclaimed().into_iter().chain(self.of_exemptions())
    }

    /// Lists the Exemptions in use.
    fn of_exemptions(&self) -> Option<String> {
        let objects = |count: usize| format!("{count} object{}", if count == 1 { "" } else { "s" });
        let used = self.exemptions.iter().map(|(name, count)| format!("`{name}` by {}", objects(*count)));
        let list = used.collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then(|| format!("Exemptions in use: {list}"))
    }

    /// Notes that few rules apply to objects in unclaimed namespaces.
    fn of_unclaimed(&self) -> Option<String> {
        const SHOWN: usize = 3;
        let shown = self.namespaces.iter().take(SHOWN).map(|namespace| format!("`{namespace}`"));
        let mut list = shown.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = self.namespaces.len().checked_sub(SHOWN) {
            let _ = write!(list, " and {more} more");
        }
        let rules: Vec<_> = RuleId::ALL
            .into_iter()
            .filter(|rule| rule.holds_in() == HoldsIn::TenantsAndUnclaimed)
            .map(RuleId::as_str)
            .collect();
        (self.unclaimed > 0).then(|| {
            format!(
                "{} of them in namespaces of no tenant ({list}): only {} hold there; --namespace says where objects \
                 without one are",
                self.unclaimed,
                rules.join(", ")
            )
        })
    }
}
