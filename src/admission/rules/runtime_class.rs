//! `runtime-class`: a tenant's pods run in the sandbox that it is given.
//!
//! Where a tenant has runtime classes, its default is stamped into every pod that names none, and proven here.
//! A class also brings a nodeSelector and tolerations of its own along, written into the pod before any webhook
//! sees it; these are judged like the pod's own.

use std::fmt;

use super::scheduler::Listed;
use super::{Findings, Subject};
use crate::admission::record::Cut;
use crate::admission::workload::Extent;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let Some(classes) = &tenant.runtime_classes else { return };
    let name = &*pod.spec.runtime_class_name;
    let field = format_args!("{}.runtimeClassName", pod.spec_path);
    if !name.is_empty() {
        if !classes.allowed.iter().any(|class| **class == *name) {
            let message = fmt::from_fn(|f| {
                let allowed = Listed(&classes.allowed);
                write!(f, "`{}` is no runtime class of the tenant; use {allowed}", Cut(name))
            });
            findings.add_whole(&field, &message, &name);
        }
    // A template's pods are stamped when they are made.
    } else if let (Some(default), Extent::Pod) = (&classes.default, pod.extent) {
        let message = format_args!(
            "the pod is not stamped with the tenant's runtime class `{default}`; create it again, and if that does \
             not help, the namespace lacks the label `partywall.dev/tenant`, or another webhook takes it away"
        );
        findings.add_whole(&field, &message, &"unstamped");
    }
}
