//! Counts assessments.
//!
//! INVARIANT: every object counts once: by its outcome, as one that no rule is about, or as not assessed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use partywall_core::rule_id::{HoldsIn, RuleId};

use super::assessor::{About, Assessment, Outcome};

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
    unassessed: usize,
    /// Those of `clean`, `warned` and `denied` in unclaimed namespaces.
    unclaimed: usize,
    /// Their namespaces.
    namespaces: BTreeSet<String>,
}

impl Count {
    pub(super) fn assessed(&mut self, assessment: &Assessment) {
        match (assessment.about, assessment.outcome()) {
            (_, Outcome::Warned) => self.warned += 1,
            (_, Outcome::Denied) => self.denied += 1,
            (About::Policy, Outcome::Clean) => self.policies += 1,
            (About::Nothing, Outcome::Clean) => self.other_kinds += 1,
            (About::System, Outcome::Clean) => self.system += 1,
            (About::Tenants | About::Unclaimed, Outcome::Clean) => self.clean += 1,
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

    /// Returns whether any object has violations that must be corrected.
    pub(super) fn is_any_violating(&self) -> bool {
        self.warned + self.denied > 0
    }

    pub(super) fn all(&self) -> usize {
        let Self { clean, warned, denied, policies, other_kinds, system, unassessed, .. } = self;
        clean + warned + denied + policies + other_kinds + system + unassessed
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
            (self.unassessed, "not judged"),
        ] {
            if count > 0 {
                // INVARIANT: writing to a String cannot fail.
                let _ = write!(summary, ", {count} {what}");
            }
        }
        summary
    }

    /// Notes that few rules apply to objects in unclaimed namespaces.
    pub(super) fn note(&self) -> Option<String> {
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
