//! `seLinuxOptions` (baseline, since 1.0): SELinux labels confine the containers.
//!
//! Types such as `spc_t` are unconfined, and with another user or role a process can leave its type. Since 1.31
//! `container_engine_t` is allowed too, for container engines inside containers.
//!
//! - Restricted: `securityContext.seLinuxOptions.type`, `.user` and `.role` of the pod and of every container.
//! - Allowed: types: absent, empty and those in [`TYPES`]; user and role: absent, empty.
//! - Source: `check_seLinuxOptions.go`.

use super::case::{Allowed, Case, Found};
use crate::json::Escaped;

/// The allowed types, each with the minor version that allowed it.
const TYPES: [(u16, &str); 5] = [
    (0, ""),
    (0, "container_t"),
    (0, "container_init_t"),
    (0, "container_kvm_t"),
    (31, "container_engine_t"),
];

/// The changes of the allowed types, by version of the standard.
pub(super) const CHANGES: &[(u16, &str)] = &[(31, "type `container_engine_t` is allowed")];

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    let allows = |type_: &str| TYPES.iter().any(|(since, name)| *since <= case.minor && *name == type_);
    for (part, options) in
        case.parts(|pod| pod.se_linux_options.as_ref(), |container| container.se_linux_options.as_ref())
    {
        if !allows(&options.type_) {
            found.add(
                part,
                "securityContext.seLinuxOptions.type",
                format_args!("type {}", options.type_),
                format_args!(
                    "has SELinux type `{}`; remove it or use one of {}",
                    Escaped(&options.type_),
                    Allowed { names: &TYPES, minor: case.minor, listed: &[] }
                ),
            );
        }
        for (what, value) in [("user", &options.user), ("role", &options.role)] {
            if !value.is_empty() {
                found.add(
                    part,
                    format_args!("securityContext.seLinuxOptions.{what}"),
                    format_args!("{what} {value}"),
                    format_args!("has SELinux {what} `{}`; remove it", Escaped(value)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pod_with, pods, restricted};

    const CONTROL: &str = "seLinuxOptions";
    const TYPE: &str = "securityContext.seLinuxOptions.type";

    fn options(options: &Value) -> Value {
        json!({"securityContext": {"seLinuxOptions": options}})
    }

    fn type_(name: &str) -> Value {
        options(&json!({"type": name}))
    }

    #[test]
    fn verdicts_on_containers() {
        containers(
            CONTROL,
            &[
                ("nothing said", baseline(0), json!({}), &[]),
                ("empty", baseline(0), options(&json!({"type": "", "user": "", "role": null})), &[]),
                ("a level is free", baseline(0), options(&json!({"level": "s0:c1"})), &[]),
                ("container_t", baseline(0), type_("container_t"), &[]),
                ("container_init_t", baseline(0), type_("container_init_t"), &[]),
                ("container_kvm_t", baseline(0), type_("container_kvm_t"), &[]),
                ("container_engine_t before 1.31", baseline(30), type_("container_engine_t"), &[TYPE]),
                ("container_engine_t since 1.31", baseline(31), type_("container_engine_t"), &[]),
                ("spc_t", restricted(u16::MAX), type_("spc_t"), &[TYPE]),
                (
                    "all three",
                    baseline(0),
                    options(&json!({"type": "spc_t", "user": "u", "role": "r"})),
                    &[TYPE, "securityContext.seLinuxOptions.user", "securityContext.seLinuxOptions.role"],
                ),
            ],
        );
    }

    #[test]
    fn verdicts_on_pods() {
        pods(
            CONTROL,
            &[
                ("container_t", baseline(0), pod_with(type_("container_t")), &[]),
                (
                    "spc_t",
                    baseline(0),
                    pod_with(type_("spc_t")),
                    &["spec.securityContext.seLinuxOptions.type"],
                ),
                (
                    "a user",
                    baseline(0),
                    pod_with(options(&json!({"user": "system_u"}))),
                    &["spec.securityContext.seLinuxOptions.user"],
                ),
            ],
        );
    }
}
