//! `priority-class`: pods evict no pods that are more important.
//!
//! The scheduler evicts pods of lower classes to make room for a pod of a higher one, and schedules it first. The
//! classes of the system are for pods that nodes and the cluster depend on. Kubernetes lets any pod name them, so the
//! rule denies them everywhere but in system namespaces. Other classes are judged only in tenants' namespaces.

use std::fmt;

use crate::json::Escaped;
use crate::judging::{Findings, OneOf, Subject};

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(pod) = subject.pod() else { return };
    let name = &*pod.spec.priority_class_name;
    let is_of_system = name.starts_with("system-");
    let listed = subject.tenant().and_then(|tenant| tenant.priority_classes.as_ref());
    let is_listed = || listed.is_none_or(|listed| listed.iter().any(|class| **class == *name));
    if name.is_empty() || (!is_of_system && is_listed()) {
        return;
    }
    let message = fmt::from_fn(|f| {
        if is_of_system {
            write!(f, "`{}` is reserved for the cluster's own pods; ", Escaped(name))?;
        } else {
            write!(
                f,
                "`{}` (written here, or the cluster's default) is not in the tenant's `priorityClasses`; ",
                Escaped(name)
            )?;
        }
        match (listed, subject.tenant()) {
            (Some(listed), _) => write!(f, "use {}", OneOf(listed)),
            (None, Some(_)) => f.write_str("remove `priorityClassName`, or use another class"),
            (None, None) => f.write_str(
                "remove `priorityClassName`, use another class, or have the namespace listed in the Settings \
                 (`systemNamespaces`)",
            ),
        }
    });
    findings.add_whole(&format_args!("{}.priorityClassName", pod.spec_path), &message, &name);
}
