//! What a review gets.

use crate::api::Mode;
use crate::json::Patch;
use crate::rule_id::RuleId;

/// The answer to one review.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Whether the request is denied, and how the API server is told.
    pub denial: Option<Denial>,
    /// What is missing from the object; never beside a denial.
    pub patch: Option<Patch>,
    /// All violations that are reported, in the order of the rules and then of the fields.
    pub violations: Vec<Violation>,
    /// How often each rule is violated, those included that are not reported; in the order of the rules.
    pub totals: Vec<Total>,
    /// The names of the exemptions that let a violation through.
    pub exempted: Vec<Box<str>>,
    /// Whose namespace it is, as the first words of every line of the message.
    pub whose: String,
}

/// Why a request is denied.
#[derive(Debug, PartialEq, Eq)]
pub enum Denial {
    /// It violates a rule in mode `deny`: code 403.
    Forbidden,
    /// It cannot be decided: the code and the message.
    Undecidable(u16, String),
}

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: RuleId,
    /// The control of the Pod Security Standards, for `pod-security`.
    pub control: Option<&'static str>,
    /// What it leads to.
    pub mode: Mode,
    /// The path of the field in the object.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// How often a rule is violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The rule.
    pub rule: RuleId,
    /// What its violations lead to.
    pub mode: Mode,
    /// How many there are.
    pub violations: usize,
}

impl Verdict {
    /// How many violations there are beyond those that are reported.
    pub fn more(&self) -> usize {
        self.totals.iter().map(|total| total.violations).sum::<usize>().saturating_sub(self.violations.len())
    }

    /// Allowed, and nothing else.
    pub fn allow() -> Self {
        Self::default()
    }

    /// Denied because it cannot be decided.
    pub fn undecidable(code: u16, message: impl Into<String>) -> Self {
        Self { denial: Some(Denial::Undecidable(code, message.into())), ..Self::default() }
    }

    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        self.denial.is_none()
    }
}
