//! Which namespaces are one's own: a tenant's, or, outside tenants, all that are no tenant's.

use crate::judging::Subject;
use crate::labels::{NAMESPACE_NAME, TENANT};
use crate::objects::scheduling::{LabelSelector, NodeSelectorRequirement};
use crate::tenancy::{Owner, Snapshot, Tenant};

/// The namespaces that are the own ones of whoever wrote an object.
#[derive(Clone, Copy)]
pub(crate) struct Own<'s> {
    /// The tenant; `None`: the object is no tenant's.
    pub(crate) tenant: Option<&'s Tenant>,
    snapshot: &'s Snapshot,
}

impl<'s> Own<'s> {
    /// Those of whoever wrote the subject.
    pub(crate) const fn of(subject: &Subject<'s, '_>) -> Self {
        Self { tenant: subject.tenant(), snapshot: subject.snapshot }
    }

    /// Whether `namespace` is one of them.
    pub(crate) fn has(&self, namespace: &str) -> bool {
        match (self.snapshot.owner(namespace), self.tenant) {
            (Owner::Tenant(owner), Some(tenant)) => owner.name == tenant.name,
            (Owner::Tenant(_), None) | (Owner::System | Owner::Unclaimed, Some(_)) => false,
            (Owner::System | Owner::Unclaimed, None) => true,
        }
    }

    /// Whether a selector selects none but those: its demands are ANDed, so one will do. Only what no tenant can
    /// change of a namespace counts: its name, and the label of its tenant.
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
