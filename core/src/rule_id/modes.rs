//! Maps rules to modes, and caps the modes for workload templates.

use crate::api::{Enforcement, Mode, Workloads};
use crate::rule_id::RuleId;

/// Holds the mode of every rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes([Mode; RuleId::COUNT]);

impl Modes {
    /// Returns modes that are the same for all rules.
    pub const fn all(mode: Mode) -> Self {
        Self([mode; RuleId::COUNT])
    }

    /// Returns the mode of `rule`, or `Deny` if the mode is not known.
    pub fn of(&self, rule: RuleId) -> Mode {
        self.0.get(rule as usize).copied().unwrap_or(Mode::Deny)
    }

    /// Sets the mode of `rule`.
    pub fn set(&mut self, rule: RuleId, mode: Mode) {
        if let Some(slot) = self.0.get_mut(rule as usize) {
            *slot = mode;
        }
    }

    /// Returns the same modes, none stricter than `enforcement` allows.
    ///
    /// The rule `namespaces` keeps its mode: the label that it guards decides which requests partywall sees at all.
    #[must_use]
    pub fn under(&self, enforcement: Enforcement) -> Self {
        let mut modes = *self;
        for rule in RuleId::ALL.into_iter().filter(|rule| *rule != RuleId::Namespaces) {
            modes.set(rule, self.of(rule).min(enforcement.strictest_mode()));
        }
        modes
    }

    /// Returns the mode of `rule` for a pod template, which is at most as strict as `workloads`.
    pub(crate) fn of_template(&self, rule: RuleId, workloads: Workloads) -> Mode {
        self.of(rule).min(match workloads {
            Workloads::Off => Mode::Off,
            Workloads::Warn => Mode::Warn,
            Workloads::Deny => Mode::Deny,
        })
    }
}
