//! `priority-class`: a tenant's pods push no others off their nodes that matter more.
//!
//! A pod of a higher class has lower ones evicted to make room, and is let in first. The classes of the system are
//! for what nodes and the cluster live on; any pod may name them, so here no tenant's does.

use std::fmt;

use crate::json::Cut;
use crate::judging::{Findings, Listed, Subject};

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let name = &*pod.spec.priority_class_name;
    let is_of_system = name.starts_with("system-");
    let is_listed =
        || tenant.priority_classes.as_ref().is_none_or(|listed| listed.iter().any(|class| **class == *name));
    if name.is_empty() || (!is_of_system && is_listed()) {
        return;
    }
    let message = fmt::from_fn(|f| {
        if is_of_system {
            write!(f, "`{}` is for what the cluster itself lives on; ", Cut(name))?;
        } else {
            write!(
                f,
                "`{}` (written here, or the cluster's default) is no class of the tenant; ",
                Cut(name)
            )?;
        }
        match &tenant.priority_classes {
            Some(listed) => write!(f, "use {}", Listed(listed)),
            None => f.write_str("remove `priorityClassName`, or use another class"),
        }
    });
    findings.add_whole(&format_args!("{}.priorityClassName", pod.spec_path), &message, &name);
}
