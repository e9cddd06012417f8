//! Tells own namespaces from others: a tenant's own, or, outside tenants, those of neither a tenant nor the system.

use crate::judging::Subject;
use crate::labels::{NAMESPACE_NAME, TENANT};
use crate::objects::scheduling::{LabelSelector, NodeSelectorRequirement};
use crate::tenancy::{Owner, Snapshot, Tenant};

/// Answers which namespaces are an object's own: its tenant's, or all that belong to no tenant and not to the system.
#[derive(Clone, Copy)]
pub(crate) struct OwnNamespaces<'s> {
    /// The object's tenant, if it has one.
    pub(crate) tenant: Option<&'s Tenant>,
    snapshot: &'s Snapshot,
}

impl<'s> OwnNamespaces<'s> {
    /// Returns the own namespaces of the subject's owner.
    pub(crate) const fn of(subject: &Subject<'s, '_>) -> Self {
        Self { tenant: subject.tenant(), snapshot: subject.snapshot }
    }

    /// Returns whether `namespace` is one of them.
    pub(crate) fn has(&self, namespace: &str) -> bool {
        match (self.snapshot.owner(namespace), self.tenant) {
            (Owner::Tenant(owner), Some(tenant)) => owner.name == tenant.name,
            (Owner::Unclaimed, None) => true,
            (Owner::Tenant(_) | Owner::System | Owner::Denied(_), None)
            | (Owner::System | Owner::Unclaimed | Owner::Denied(_), Some(_)) => false,
        }
    }

    /// Returns whether a selector demands a namespace of others, by its name or its tenant.
    pub(crate) fn names_others(&self, selector: &LabelSelector<'_>) -> bool {
        let is_others =
            |key: &str, value: &str| matches!(key, NAMESPACE_NAME | TENANT) && !self.is_named_by(key, value);
        selector.match_labels.iter().any(|(key, value)| is_others(key, value))
            || selector.match_expressions.iter().any(|NodeSelectorRequirement { key, operator, values }| {
                &**operator == "In" && values.iter().any(|value| is_others(key, value))
            })
    }

    /// Returns whether a selector can select only these namespaces.
    ///
    /// The requirements of a selector are ANDed, so one that restricts it suffices. Only labels that no tenant can
    /// change count: a namespace's name, and the label of its tenant.
    pub(crate) fn has_all_of(&self, selector: &LabelSelector<'_>) -> bool {
        selector.match_labels.iter().any(|(key, value)| self.is_named_by(key, value))
            || selector.match_expressions.iter().any(|requirement| self.is_demanded_by(requirement))
    }

    fn is_demanded_by(
        &self,
        NodeSelectorRequirement { key, operator, values }: &NodeSelectorRequirement<'_>,
    ) -> bool {
        &**operator == "In" && !values.is_empty() && values.iter().all(|value| self.is_named_by(key, value))
    }

    fn is_named_by(&self, key: &str, value: &str) -> bool {
        match key {
            NAMESPACE_NAME => self.has(value),
            TENANT => self.tenant.is_some_and(|tenant| *value == *tenant.name),
            _ => false,
        }
    }
}
