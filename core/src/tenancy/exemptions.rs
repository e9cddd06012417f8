//! Holds compiled exemptions.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::{ListedNames, PinnedImage};
use crate::rule_id::RuleSet;

/// The days before its end in which an exemption is warned about.
pub(super) const NOTICE: i32 = 30;

/// Holds an exemption that has not expired.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The name, for the audit annotation.
    pub name: Box<str>,
    /// The rules that the exemption suspends.
    pub rules: RuleSet,
    /// The only namespace; `None` means each one that is listed with the exemption.
    pub namespace: Option<Box<str>>,
    /// The API groups of the exempt object's kind; an empty list means any.
    pub groups: ListedNames,
    /// True if the kind is one of `workloadKinds` of the Settings, so that the controller of another API creates pods.
    pub is_custom: bool,
    /// The kind of the exempt object.
    pub kind: Box<str>,
    /// The name of the exempt object; an empty one means every pod.
    pub target: Box<str>,
    /// The exempt containers.
    pub containers: ExemptContainers,
    /// The controls of `pod-security` that are suspended; `None` means all.
    pub controls: Option<ListedNames>,
    /// The images of exempt containers; `None` means any.
    pub images: Option<Vec<PinnedImage>>,
    /// The paths of exempt hostPath volumes, each with those below it; `None` means any.
    pub(crate) host_paths: Option<ListedNames>,
    /// The last day on which the exemption holds; it ends at midnight UTC after this day.
    pub last_day: Date,
}

/// Names the tenant and the namespace of an exemption.
#[derive(Clone, Copy, Debug)]
pub struct ExemptionOf<'s> {
    /// The tenant; `None` outside tenants.
    pub tenant: Option<&'s str>,
    /// The namespace; `None` means all of the tenant's.
    pub namespace: Option<&'s str>,
    /// The exemption.
    pub exemption: &'s Exemption,
}

/// Returns whether an exemption with this last day ends within [`NOTICE`] days.
pub(super) fn ends_soon(last_day: Date, today: Date) -> bool {
    last_day < today.saturating_add(NOTICE.days())
}

impl Exemption {
    /// Returns whether the exemption ends so soon that people must be told.
    pub fn ends_soon(&self, today: Date) -> bool {
        ends_soon(self.last_day, today)
    }

    /// Returns those of the exemptions whose target has this name; they are sorted by it.
    pub(crate) fn of_target<'e>(exemptions: &'e [Self], target: &str) -> &'e [Self] {
        let start = exemptions.partition_point(|exemption| *exemption.target < *target);
        let rest = exemptions.get(start..).unwrap_or_default();
        let end = rest.partition_point(|exemption| *exemption.target == *target);
        rest.get(..end).unwrap_or_default()
    }
}

/// Selects the containers that an exemption covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExemptContainers {
    /// All containers, and violations of the pod itself.
    Whole,
    /// The named containers, and violations of these alone.
    Containers(ListedNames),
}

impl ExemptContainers {
    /// Returns whether the exemption covers all containers and the pod itself.
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }

    /// Returns whether the exemption covers the container called `name`.
    pub(crate) fn includes(&self, name: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Containers(names) => names.contains(name),
        }
    }
}
