//! Counts what occurred, so that a run that saw too little fails.

use std::collections::BTreeMap;

use super::case::{Case, SCHEDULER};
use super::kube::Pod;
use super::world::TAINT_KEYS;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn count(&mut self, what: &str) {
        match self.0.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(what.to_owned(), 1)),
        }
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_default() += count;
        }
    }

    /// Counts the parts of a case before it is judged.
    pub(crate) fn describe(&mut self, case: &Case) {
        self.count("case");
        match case.world.owner(&case.namespace) {
            None => self.count("unclaimed"),
            Some(tenant) if tenant.pools.is_empty() => self.count("tenant without pools"),
            Some(tenant) if tenant.pools.len() > 1 => self.count("tenant with several pools"),
            Some(_) => self.count("tenant with a pool"),
        }
        self.count(&format!("stamp {:?}", case.world.stamp));
        for edit in case.before.iter().chain(&case.after) {
            let name = format!("{edit:?}");
            self.count(&format!("webhook {}", name.split('(').next().unwrap_or_default()));
        }
        if let Some(binding) = &case.binding {
            self.count(if binding.user == SCHEDULER { "bound by the scheduler" } else { "bound by others" });
        }
        let world = &case.world;
        for (what, holds) in [
            ("other taints allowed", world.allows_other_taints),
            ("tolerations of everybody", !world.listed.is_empty()),
            (
                "a topology granted",
                world.owner(&case.namespace).is_some_and(|owner| !owner.topologies.is_empty()),
            ),
            ("keeps pods off", !case.pod.keeps_off().is_empty()),
            ("requests a device", case.pod.requests(TAINT_KEYS[2])),
        ] {
            if holds {
                self.count(what);
            }
        }
        self.describe_pod(&case.pod);
    }

    fn describe_pod(&mut self, pod: &Pod) {
        let terms = pod.terms().unwrap_or_default();
        if pod.terms().is_some_and(<[_]>::is_empty) {
            self.count("no terms");
        }
        if terms.iter().any(super::kube::Term::is_empty) {
            self.count("empty term");
        }
        if terms.len() > 1 {
            self.count("several terms");
        }
        for term in terms {
            for requirement in &term.match_expressions {
                self.count(&format!("label {}", requirement.operator));
            }
            for requirement in &term.match_fields {
                self.count(&format!("field {}", requirement.operator));
            }
        }
        for toleration in &pod.tolerations {
            self.count(&format!("toleration {}", toleration.operator));
            self.count(&format!("effect {}", toleration.effect));
            if toleration.key.is_empty() {
                self.count("toleration of every key");
            }
        }
        if !pod.node_name.is_empty() {
            self.count("nodeName");
        }
        if !pod.scheduling_gates.is_empty() {
            self.count("gated");
        }
        if !pod.runtime_class_name.is_empty() {
            self.count("RuntimeClass");
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:>10} {what}"))
    }
}
