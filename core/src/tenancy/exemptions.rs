//! What an exemption covers.

use crate::rule_id::RuleSet;

/// An exemption that has not expired, compiled.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// Its name, for the audit annotation.
    pub name: Box<str>,
    /// The rules that don't hold.
    pub rules: RuleSet,
    /// The kind of the object it is about.
    pub kind: Box<str>,
    /// The name of that object.
    pub target: Box<str>,
    /// Which of its containers are meant.
    pub containers: ExemptContainers,
}

/// Which containers an exemption is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExemptContainers {
    /// All of them, and what concerns the pod.
    Whole,
    /// These, and what concerns only them.
    Containers(Vec<Box<str>>),
}

impl ExemptContainers {
    /// Whether the container called `name` is meant.
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Containers(names) => names.iter().any(|n| &**n == name),
        }
    }
}
