//! `scheduler`: only the schedulers that the tenant lists schedule its pods.
//!
//! Node affinity and taints work only if the scheduler applies them. A scheduler that ignores them, or that a tenant
//! runs itself, can bind a pod to any node.

use std::fmt;

use crate::json::Escaped;
use crate::judging::{Findings, OneOf, Subject};
use crate::tenancy::DEFAULT_SCHEDULER;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let written = &*pod.spec.scheduler_name;
    let name = if written.is_empty() { DEFAULT_SCHEDULER } else { written };
    if tenant.schedulers.contains(name) {
        return;
    }
    findings.add_whole(
        &format_args!("{}.schedulerName", pod.spec_path),
        &fmt::from_fn(|f| {
            write!(
                f,
                "`{}` is not in the tenant's `schedulers`; use {}, or ask the platform team to list it there, and the \
                 user who binds its pods in `controllers.bindings` of the Settings",
                Escaped(name),
                OneOf(&tenant.schedulers)
            )
        }),
        &name,
    );
}
