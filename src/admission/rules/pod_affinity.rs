//! `pod-affinity`: what a tenant's pods demand of other pods is about the tenant's own.
//!
//! A required anti-affinity works both ways: a pod that demands to be far from all pods of all namespaces keeps
//! every later pod of every tenant from its node, zone or, by a label that all nodes share, the cluster. What is
//! merely preferred stops nobody.
//!
//! A demand is about the tenant's own if each namespace it names is the tenant's, and if its namespaceSelector
//! names namespaces in one of the two ways that nobody but the platform can change: by their names, or by the
//! label of the tenant.

use super::{Findings, Subject};
use crate::admission::record::{Cut, List};
use crate::admission::tenancy::{Owner, Snapshot, Tenant};
use crate::admission::workload::{LabelSelector, NodeSelectorRequirement, PodAffinityTerm, PodView};
use crate::labels::{NAMESPACE_NAME, TENANT};

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let Some(affinity) = &pod.spec.affinity else { return };
    let own = Own { tenant, snapshot: subject.snapshot };
    own.terms(&pod, "podAffinity", &affinity.pod_affinity.required, findings);
    own.terms(&pod, "podAntiAffinity", &affinity.pod_anti_affinity.required, findings);
}

/// What is the tenant's own.
struct Own<'s> {
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
}

impl Own<'_> {
    fn terms(
        &self,
        pod: &PodView<'_, '_>,
        kind: &str,
        terms: &List<PodAffinityTerm<'_>, 1_000>,
        findings: &mut Findings<'_>,
    ) {
        for (index, term) in terms.iter().enumerate() {
            let path = format_args!(
                "{}.affinity.{kind}.requiredDuringSchedulingIgnoredDuringExecution[{index}]",
                pod.spec_path
            );
            for (place, namespace) in term.namespaces.iter().enumerate() {
                if !self.has(namespace) {
                    findings.add_whole(
                        &format_args!("{path}.namespaces[{place}]"),
                        &format_args!(
                            "demands something of the pods in `{}`, which is no namespace of the tenant; remove it",
                            Cut(namespace)
                        ),
                        &format_args!("{kind} namespace {namespace}"),
                    );
                }
            }
            if term.namespace_selector.as_ref().is_some_and(|selector| !self.is_of(selector)) {
                let message = format_args!(
                    "demands something of other tenants' pods; remove it, or select your own namespaces by \
                     `{NAMESPACE_NAME}`, or all of them by `{TENANT}`"
                );
                let identity = format_args!("{kind} selector {:?}", term.namespace_selector);
                findings.add_whole(&format_args!("{path}.namespaceSelector"), &message, &identity);
            }
        }
    }

    fn has(&self, namespace: &str) -> bool {
        matches!(self.snapshot.owner(namespace), Owner::Tenant(owner) if owner.name == self.tenant.name)
    }

    /// Whether a selector selects none but the tenant's namespaces: its demands are ANDed, so one will do.
    fn is_of(&self, selector: &LabelSelector<'_>) -> bool {
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
            TENANT => *value == *self.tenant.name,
            _ => false,
        }
    }
}
