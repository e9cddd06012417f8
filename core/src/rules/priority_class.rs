//! `priority-class`: pods evict no pods that are more important.
//!
//! The scheduler evicts pods of lower classes to make room for a pod of a higher one, and schedules it first. The
//! classes of the system are for pods that nodes and the cluster depend on. Kubernetes lets any pod name them, so the
//! rule denies them everywhere but in system namespaces. Other classes are judged only in tenants' namespaces.
//!
//! Schedulers of groups of pods take the priority of a group from the group itself, not from its pods. In tenants'
//! namespaces the rule reads it in a PodGroup, a CompositePodGroup and each template of a Workload of Kubernetes, and
//! in a PodGroup and a Job of Volcano. It does not read the number in `priority`: the API server refuses a group whose
//! number is not that of its class, and nothing takes the number from a Workload.

use std::fmt;

use crate::json::{Escaped, Pairs, Path, Visit, walk, without_position};
use crate::judging::{Findings, OneOf, Subject};
use crate::objects::kinds::{Topic, row};
use crate::objects::object::Object;
use crate::tenancy::Tenant;

/// The field that names a class, wherever it is in a group of pods.
const FIELD: &str = "priorityClassName";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    if let Some(pod) = subject.pod() {
        let field = format_args!("{}.{FIELD}", pod.spec_path);
        class(&field, &pod.spec.priority_class_name, subject.tenant(), findings);
    } else if let (Object::Unstructured(group), Some(tenant)) = (subject.object, subject.tenant())
        && is_group(subject)
        && let Some(raw) = group.get("spec")
        && let Err(error) = walk(&Path::ROOT.key("spec"), raw, &mut Classes { tenant, findings })
    {
        let error = without_position(&error.to_string());
        let message = format_args!("this spec cannot be read: {}; correct it", Escaped(&error));
        findings.add_whole(&"spec", &message, &raw.get());
    }
}

fn is_group(subject: &Subject<'_, '_>) -> bool {
    let request = subject.request;
    row(&request.group, &request.kind_name).is_some_and(|row| row.topic == Topic::PodGroups)
}

/// Judges the classes in a group of pods.
struct Classes<'c, 'f> {
    tenant: &'c Tenant,
    findings: &'c mut Findings<'f>,
}

impl Visit for Classes<'_, '_> {
    fn text(&mut self, path: &Path<'_>, text: &str) {
        if path.keys().next() == Some(FIELD) {
            class(path, text, Some(self.tenant), self.findings);
        }
    }

    fn annotations(&mut self, _: &Path<'_>, _: &Pairs<'_>) {}
}

fn class(field: &dyn fmt::Display, name: &str, tenant: Option<&Tenant>, findings: &mut Findings<'_>) {
    let is_of_system = name.starts_with("system-");
    let listed = tenant.and_then(|tenant| tenant.priority_classes.as_ref());
    let is_listed = || listed.is_none_or(|listed| listed.contains(name));
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
        match (listed, tenant) {
            (Some(listed), _) if is_of_system => write!(f, "use {}", OneOf(listed)),
            (Some(listed), _) => write!(f, "use {}, or ask the platform team to list it there", OneOf(listed)),
            (None, Some(_)) => f.write_str("remove `priorityClassName`, or use another class"),
            (None, None) => f.write_str(
                "remove `priorityClassName`, use another class, or, for an agent of every node, have the platform team \
                 list the namespace in `systemNamespaces` of the Settings, or write an Exemption for the namespace",
            ),
        }
    });
    findings.add_whole(field, &message, &name);
}
