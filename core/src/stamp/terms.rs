//! Compares terms that are written with those that the stamp writes.

use std::fmt;

use super::values::Requirement;
use crate::judging::Fingerprint;
use crate::objects::scheduling::NodeSelectorRequirement;

/// A requirement that is written in a template, or that the stamp writes.
#[derive(Debug)]
pub(super) enum Demanded<'r, 'a> {
    Written(&'r NodeSelectorRequirement<'a>),
    Stamped(Requirement<'r>),
}

impl fmt::Display for Demanded<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(NodeSelectorRequirement { key, operator, values }) => {
                write!(f, "{key} {operator}")?;
                values.iter().try_for_each(|value| write!(f, " {value}"))
            }
            Self::Stamped(requirement) => {
                write!(f, "{} In", requirement.key)?;
                requirement.values().iter().try_for_each(|value| write!(f, " {value}"))
            }
        }
    }
}

/// Identifies a requirement.
pub(super) fn of_requirement(requirement: &NodeSelectorRequirement<'_>) -> Fingerprint {
    Fingerprint::of(&Demanded::Written(requirement))
}

/// Identifies a term by its requirements and fields, in their order.
pub(super) fn of_term<'r, 'a: 'r>(
    requirements: &(impl Iterator<Item = Demanded<'r, 'a>> + Clone),
    fields: &[NodeSelectorRequirement<'_>],
) -> Fingerprint {
    Fingerprint::of(&fmt::from_fn(|f| {
        requirements.clone().try_for_each(|requirement| write!(f, "{requirement},"))?;
        fields.iter().try_for_each(|field| write!(f, ";{}", Demanded::Written(field)))
    }))
}
