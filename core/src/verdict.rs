//! Defines verdicts: the answers to reviews.

use std::fmt;

use crate::api::{Enforcement, Mode};
use crate::json::Patch;
use crate::rule_id::RuleId;

/// Holds the answer to one review.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The denial and its status, or `None` if the request is allowed.
    pub denial: Option<Denial>,
    /// The patch that adds missing values; a denial carries none.
    pub patch: Option<Patch>,
    /// The reported violations, in the order of the rules and then of the fields.
    pub violations: Vec<Violation>,
    /// The number of violations of each rule, including those not reported; in the order of the rules.
    pub totals: Vec<Total>,
    /// The names of the exemptions that allowed a violation.
    pub exempted: Vec<Box<str>>,
    /// The warnings that concern the request, but no rule.
    pub warnings: Vec<String>,
    /// The pools that the pod would go to if the stamp were written.
    pub placement: Option<Placement>,
    /// Tells that partywall allowed the request without judging it, and why.
    pub unjudged: Option<Box<Unjudged>>,
    /// Tells that the decision took more work than its budget, whatever the answer is; that is a bug.
    pub is_exhausted: bool,
    /// The name of the namespace's tenant, if there are violations.
    pub tenant: Option<Box<str>>,
    /// The tenant or the namespace, with which every line of the message begins.
    pub whose: String,
}

/// Says where a pod would go if the stamp were written, which it is only where `node-placement` denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The names of the pools, with commas between them.
    pub pools: String,
    /// The mode of `node-placement`: warn or audit.
    pub mode: Mode,
}

/// Says why partywall allowed a request without judging it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// The reason.
    pub message: String,
    /// The reason for the log and the audit annotation, which quotes no value of the object.
    pub loggable: String,
    /// The path of the field that does not decode; empty if the reason is no single field.
    pub field: String,
    /// Whether the caller is warned, and not only the operator told.
    pub warns: bool,
}

/// Tells why a request is denied.
#[derive(Debug, PartialEq, Eq)]
pub enum Denial {
    /// The object violates a rule in mode `deny`: code 403.
    Forbidden,
    /// partywall cannot decide the request. The explanation is boxed because few verdicts have one.
    Undecidable(Undecidable, Box<Explanation>),
}

/// Explains why partywall cannot decide a review.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The message for the caller.
    pub message: String,
    /// The message for the log, which quotes no value of the object.
    pub loggable: String,
    /// The path of the field that does not decode; empty if the reason is no single field.
    pub field: String,
}

/// Classifies the reasons why partywall cannot decide a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecidable {
    /// The body exceeds the size limit.
    TooLarge,
    /// The review does not decode, or has a shape that no rule can read.
    Invalid,
    /// The API server called an entry for tenants' namespaces about a namespace that no Tenant has.
    NoTenant,
    /// The object is to be deleted, and another one still names it.
    InUse,
    /// The deciding code has a bug.
    Bug,
    /// The decision takes more work than any honest review needs, which is a bug of the deciding code too.
    Exhausted,
}

impl Undecidable {
    /// Returns the HTTP code of the status in the answer.
    pub const fn code(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Invalid => 422,
            Self::NoTenant => 403,
            Self::InUse => 409,
            Self::Bug | Self::Exhausted => 500,
        }
    }

    /// Returns the reason of the status in the answer, as the Kubernetes API spells it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "RequestEntityTooLarge",
            Self::Invalid => "Invalid",
            Self::NoTenant => "Forbidden",
            Self::InUse => "Conflict",
            Self::Bug | Self::Exhausted => "InternalError",
        }
    }
}

/// Holds one violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: RuleId,
    /// The control of the Pod Security Standards, for `pod-security`.
    pub control: Option<&'static str>,
    /// The part of the pod that violates a control; the message begins with it.
    pub part: Option<Part>,
    /// The rule's mode: deny, warn or audit.
    pub mode: Mode,
    /// The path of the field in the object.
    pub field: String,
    /// The problem, and how to fix it.
    pub message: String,
}

/// Names the part of a pod that violates a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The pod itself.
    Pod,
    /// A container, by its name as messages show it.
    Container(String),
    /// A volume, by its name as messages show it.
    Volume(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod => f.write_str("the pod"),
            Self::Container(name) => write!(f, "container `{name}`"),
            Self::Volume(name) => write!(f, "volume `{name}`"),
        }
    }
}

/// Holds the violations that one line of an answer names: one, or all of one control.
#[derive(Clone, Copy, Debug)]
pub struct Line<'v> {
    /// The first violation.
    pub first: &'v Violation,
    /// The others of the same control.
    pub others: &'v [Violation],
}

/// Limits how many parts and fields a line names beside the first.
const NAMED: usize = 10;

impl Line<'_> {
    /// Returns the number of violations in the line.
    pub const fn violations(&self) -> usize {
        self.others.len() + 1
    }

    /// Returns the message: the first violation's, with the other parts that violate the control.
    ///
    /// Parts with the same problem stand beside the first part. Of other problems the line names the fields.
    pub fn message(&self) -> impl fmt::Display {
        let Self { first, others } = *self;
        let problem = |violation: &Violation| {
            let part = violation.part.as_ref().map(Part::to_string).unwrap_or_default();
            violation.message.strip_prefix(&*part).unwrap_or(&violation.message).to_owned()
        };
        let of_first = problem(first);
        let mut parts: Vec<&Part> = Vec::new();
        let mut fields: Vec<&str> = Vec::new();
        for other in others {
            match &other.part {
                Some(part) if problem(other) == of_first => {
                    if first.part.as_ref() != Some(part) && !parts.contains(&part) {
                        parts.push(part);
                    }
                }
                _ => fields.push(&other.field),
            }
        }
        let list = |f: &mut fmt::Formatter<'_>, texts: &mut dyn Iterator<Item = String>, all: usize| {
            for (index, text) in texts.take(NAMED).enumerate() {
                write!(f, "{}{text}", if index == 0 { "" } else { ", " })?;
            }
            match all.saturating_sub(NAMED) {
                0 => Ok(()),
                more => write!(f, " and {more} more"),
            }
        };
        fmt::from_fn(move |f| {
            match &first.part {
                Some(part) if !parts.is_empty() => {
                    write!(f, "{part} (also ")?;
                    list(f, &mut parts.iter().map(|part| part.to_string()), parts.len())?;
                    write!(f, "){of_first}")?;
                }
                _ => f.write_str(&first.message)?,
            }
            if fields.is_empty() {
                return Ok(());
            }
            f.write_str("; also ")?;
            list(f, &mut fields.iter().map(|field| format!("`{field}`")), fields.len())
        })
    }
}

/// Counts the violations of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The rule.
    pub rule: RuleId,
    /// The rule's mode.
    pub mode: Mode,
    /// The number of violations.
    pub violations: usize,
}

/// Puts the violations of one control, which follow each other, into one line.
pub fn lines(violations: &[Violation]) -> impl Iterator<Item = Line<'_>> {
    let is_same = |one: &Violation, other: &Violation| {
        one.control.is_some() && (one.rule, one.control) == (other.rule, other.control)
    };
    let of_one = violations.chunk_by(is_same);
    of_one.filter_map(|violations| violations.split_first().map(|(first, others)| Line { first, others }))
}

impl Verdict {
    /// Returns the number of violations that are not reported.
    pub fn more(&self) -> usize {
        self.totals.iter().map(|total| total.violations).sum::<usize>().saturating_sub(self.violations.len())
    }

    /// Returns the violations of rules in this mode, those of one control in one line.
    pub fn lines(&self, mode: Mode) -> impl Iterator<Item = Line<'_>> {
        lines(&self.violations).filter(move |line| line.first.mode == mode)
    }

    /// Returns a verdict that allows the request and reports nothing.
    pub fn allow() -> Self {
        Self::default()
    }

    /// Returns a denial of a review that cannot be decided.
    ///
    /// The message must quote no value of the object, since the log repeats it.
    pub fn undecidable(why: Undecidable, message: impl Into<String>) -> Self {
        let message = message.into();
        let loggable = message.clone();
        Self::explained(why, Explanation { message, loggable, field: String::new() })
    }

    /// Returns a denial of an object that does not decode.
    ///
    /// The message may quote a value of the object; the log names only the path.
    pub(crate) fn undecodable(path: &str, message: String) -> Self {
        let loggable = format!("`{path}` does not decode");
        Self::explained(Undecidable::Invalid, Explanation { message, loggable, field: path.to_owned() })
    }

    /// Returns a verdict that allows a request without judging it, and warns of that.
    pub fn unjudged(why: &str) -> Self {
        Self::allowed_unjudged(Unjudged {
            message: why.to_owned(),
            loggable: why.to_owned(),
            field: String::new(),
            warns: true,
        })
    }

    /// Allows the request if partywall denied it only because it could not decide it.
    #[must_use]
    pub fn going_on(self) -> Self {
        self.under(Enforcement::Warn)
    }

    /// Allows a request that could not be decided, where nothing is denied.
    #[must_use]
    pub fn under(self, enforcement: Enforcement) -> Self {
        match self.denial {
            Some(Denial::Undecidable(_, explanation)) if enforcement < Enforcement::Deny => {
                let Explanation { message, loggable, field } = *explanation;
                Self::allowed_unjudged(Unjudged {
                    message,
                    loggable,
                    field,
                    warns: enforcement == Enforcement::Warn,
                })
            }
            Some(Denial::Undecidable(..) | Denial::Forbidden) | None => self,
        }
    }

    fn allowed_unjudged(unjudged: Unjudged) -> Self {
        Self { unjudged: Some(Box::new(unjudged)), ..Self::default() }
    }

    fn explained(why: Undecidable, explanation: Explanation) -> Self {
        Self { denial: Some(Denial::Undecidable(why, Box::new(explanation))), ..Self::default() }
    }

    /// Returns whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        self.denial.is_none()
    }
}
