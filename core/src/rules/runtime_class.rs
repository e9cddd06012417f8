//! `runtime-class`: a tenant's pods run in a sandbox that the tenant may use.
//!
//! The stamp writes the tenant's default runtime class into every pod that names none, and this rule checks that it is
//! there. A class may bring a nodeSelector and tolerations of its own. The API server writes them into a pod that names
//! the class before it calls any webhook, and into a stamped pod afterwards. So they are judged like the pod's own, and
//! those of a default class must fit the tenant's default pool.

use std::fmt;

use crate::api::Mode;
use crate::json::Escaped;
use crate::judging::{Findings, OneOf, Subject};
use crate::objects::pod::Extent;
use crate::rule_id::RuleId;

// Inlined, it would make every review pay for its frame.
#[inline(never)]
pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let Some(classes) = &tenant.runtime_classes else { return };
    let name = &*pod.spec.runtime_class_name;
    let field = format_args!("{}.runtimeClassName", pod.spec_path);
    if !name.is_empty() {
        if !classes.allowed.contains(name) {
            let message = fmt::from_fn(|f| {
                let allowed = OneOf(&classes.allowed);
                write!(
                    f,
                    "`{}` is not in the tenant's `runtimeClasses`; use {allowed}, or ask the platform team to list it \
                     there",
                    Escaped(name)
                )
            });
            findings.add_whole(&field, &message, &name);
        }
    // A template's pods are stamped when they are created, a mirror pod never is (see `node-placement`), and no pod is
    // while the rule does not deny.
    } else if tenant.modes.of(RuleId::RuntimeClass) == Mode::Deny
        && let (Some(default), Extent::Pod, false) = (&classes.default, pod.extent, pod.is_mirror())
    {
        let message = format_args!(
            "the pod is not stamped with the tenant's runtime class `{default}`; create it again; if that does not \
             help, the namespace lacks the label `partywall.dev/tenant`, or another webhook removes the class"
        );
        findings.add_whole(&field, &message, &"not stamped");
    }
}
