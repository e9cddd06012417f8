//! What was judged, in numbers.
//!
//! INVARIANT: every object counts once: as what came of it, as none that rules are about, or as not judged.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::assessor::{About, Judged, Outcome};

#[derive(Default)]
pub(super) struct Count {
    clean: usize,
    warned: usize,
    denied: usize,
    policies: usize,
    /// Of kinds that no rule is about.
    unread: usize,
    /// In system namespaces.
    system: usize,
    unjudged: usize,
    /// Those of `clean`, `warned` and `denied` that are in no tenant's namespace.
    unclaimed: usize,
    /// Their namespaces.
    namespaces: BTreeSet<String>,
}

impl Count {
    pub(super) fn judged(&mut self, judged: &Judged) {
        match (judged.about, judged.outcome()) {
            (_, Outcome::Warned) => self.warned += 1,
            (_, Outcome::Denied) => self.denied += 1,
            (About::Policy, Outcome::Clean) => self.policies += 1,
            (About::Nothing, Outcome::Clean) => self.unread += 1,
            (About::System, Outcome::Clean) => self.system += 1,
            (About::Tenants | About::Unclaimed, Outcome::Clean) => self.clean += 1,
        }
        if judged.about == About::Unclaimed {
            self.unclaimed += 1;
            self.namespaces.extend(judged.namespace.clone());
        }
    }

    pub(super) fn unjudged(&mut self) {
        self.unjudged += 1;
    }

    pub(super) fn is_any_unjudged(&self) -> bool {
        self.unjudged > 0
    }

    /// Whether there is something that people or pipelines should mend.
    pub(super) fn is_any_violating(&self) -> bool {
        self.warned + self.denied > 0
    }

    pub(super) fn all(&self) -> usize {
        let Self { clean, warned, denied, policies, unread, system, unjudged, .. } = self;
        clean + warned + denied + policies + unread + system + unjudged
    }

    /// `12 objects: 9 clean, 2 denied, 1 with warnings`; what there is none of is left out.
    pub(super) fn summary(&self) -> String {
        let all = self.all();
        let mut summary = format!("{all} object{}: {} clean", if all == 1 { "" } else { "s" }, self.clean);
        for (count, what) in [
            (self.denied, "denied"),
            (self.warned, "with warnings"),
            (self.policies, if self.policies == 1 { "policy" } else { "policies" }),
            (self.unread, "of kinds that no rule is about"),
            (self.system, "in system namespaces, where nothing is judged"),
            (self.unjudged, "not judged"),
        ] {
            if count > 0 {
                // INVARIANT: writing to a String cannot fail.
                let _ = write!(summary, ", {count} {what}");
            }
        }
        summary
    }

    /// What little was asked of objects in no tenant's namespace.
    pub(super) fn note(&self) -> Option<String> {
        const SHOWN: usize = 3;
        let shown = self.namespaces.iter().take(SHOWN).map(|namespace| format!("`{namespace}`"));
        let mut list = shown.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = self.namespaces.len().checked_sub(SHOWN) {
            let _ = write!(list, " and {more} more");
        }
        (self.unclaimed > 0).then(|| {
            format!(
                "{} of them in namespaces of no tenant ({list}): only node-placement and tolerations hold there; \
                 --namespace says where objects without one are",
                self.unclaimed
            )
        })
    }
}
