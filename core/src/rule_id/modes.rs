//! Which violations count: modes, and what workload templates are held to.

use crate::api::{Mode, Workloads};
use crate::rule_id::RuleId;

/// The mode of every rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes([Mode; RuleId::COUNT]);

impl Modes {
    /// All rules in the same mode.
    pub const fn all(mode: Mode) -> Self {
        Self([mode; RuleId::COUNT])
    }

    /// The mode of `rule`. A rule whose mode is not known is held to deny.
    pub fn of(&self, rule: RuleId) -> Mode {
        self.0.get(rule as usize).copied().unwrap_or(Mode::Deny)
    }

    /// Sets the mode of `rule`.
    pub fn set(&mut self, rule: RuleId, mode: Mode) {
        if let Some(slot) = self.0.get_mut(rule as usize) {
            *slot = mode;
        }
    }

    /// The mode of `rule` for a pod template: never stricter than `workloads` says.
    pub fn of_template(&self, rule: RuleId, workloads: Workloads) -> Mode {
        self.of(rule).min(match workloads {
            Workloads::Off => Mode::Off,
            Workloads::Warn => Mode::Warn,
            Workloads::Deny => Mode::Deny,
        })
    }
}
