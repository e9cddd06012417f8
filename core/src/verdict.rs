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
    /// It cannot be decided. The explanation is boxed, since hardly any verdict has one.
    Undecidable(Undecidable, Box<Explanation>),
}

/// Says why a review cannot be decided.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The message for the caller.
    pub message: String,
    /// The same for the log, without a value of the object.
    pub loggable: String,
}

/// Why a review cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecidable {
    /// Its body is larger than what is read.
    TooLarge,
    /// It does not decode, or has a shape that no rule can read.
    Invalid,
    /// The code that decides has a bug.
    Bug,
}

impl Undecidable {
    /// Returns the code of the status in the answer.
    pub const fn code(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Invalid => 422,
            Self::Bug => 500,
        }
    }

    /// Returns the reason of the status in the answer, a word of the Kubernetes API.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "RequestEntityTooLarge",
            Self::Invalid => "Invalid",
            Self::Bug => "InternalError",
        }
    }
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

    /// Denies a review that cannot be decided; the message quotes no value of the object.
    pub fn undecidable(why: Undecidable, message: impl Into<String>) -> Self {
        let message = message.into();
        let loggable = message.clone();
        Self::explained(why, Explanation { message, loggable })
    }

    /// Denies an object that does not decode; the problem may quote a value of it.
    pub(crate) fn undecodable(path: &str, message: String) -> Self {
        let loggable = format!("`{path}` does not decode");
        Self::explained(Undecidable::Invalid, Explanation { message, loggable })
    }

    fn explained(why: Undecidable, explanation: Explanation) -> Self {
        Self { denial: Some(Denial::Undecidable(why, Box::new(explanation))), ..Self::default() }
    }

    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        self.denial.is_none()
    }
}
