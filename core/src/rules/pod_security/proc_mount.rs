//! `procMount` (baseline, since 1.0) and its `restricted` successor: `/proc` stays masked.
//!
//! The runtime masks the parts of `/proc` that hold the kernel's own settings and memory. Since 1.35 `baseline` exempts
//! a pod in a user namespace of its own, because its root has no rights there. `procMount_restricted` (restricted,
//! since 1.35) exempts no pod.
//!
//! - Restricted: `securityContext.procMount` of every container.
//! - Allowed: absent, `Default`.
//! - Source: `check_procMount_baseline.go`, `check_procMount_restricted.go`.

use super::case::{Case, Found, PodOrContainer};
use crate::json::Escaped;

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if !case.is_in_user_namespace() {
        check_strictly(case, found);
    }
}

/// Judges the pod, even in a user namespace.
pub(super) fn check_strictly(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for placed in case.containers() {
        let Some(proc_mount) = &placed.container.security_context.proc_mount else { continue };
        if &**proc_mount != "Default" {
            found.add(
                PodOrContainer::Container(placed),
                "securityContext.procMount",
                proc_mount,
                format_args!(
                    "mounts /proc as `{}` and so sees the kernel's settings; remove `procMount` or set it to Default",
                    Escaped(proc_mount)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pods, restricted};

    const CONTROL: &str = "procMount";
    const FIELD: &str = "securityContext.procMount";

    fn mount(kind: &Value) -> Value {
        json!({"securityContext": {"procMount": kind}})
    }

    #[test]
    fn verdicts() {
        containers(
            CONTROL,
            &[
                ("nothing said", baseline(0), json!({}), &[]),
                ("null", baseline(0), mount(&Value::Null), &[]),
                ("the default", baseline(0), mount(&json!("Default")), &[]),
                ("unmasked", baseline(0), mount(&json!("Unmasked")), &[FIELD]),
                ("unknown", baseline(u16::MAX), mount(&json!("default")), &[FIELD]),
                ("unmasked, restricted before 1.35", restricted(34), mount(&json!("Unmasked")), &[FIELD]),
                ("its successor's since 1.35", restricted(35), mount(&json!("Unmasked")), &[]),
            ],
        );
        containers(
            "procMount_restricted",
            &[
                ("the default", restricted(35), mount(&json!("Default")), &[]),
                ("unmasked", restricted(35), mount(&json!("Unmasked")), &[FIELD]),
                ("its predecessor's before 1.35", restricted(34), mount(&json!("Unmasked")), &[]),
                ("baseline", baseline(u16::MAX), mount(&json!("Unmasked")), &[]),
            ],
        );
    }

    #[test]
    fn e8_a_user_namespace_counts_since_1_35_where_every_node_has_them() {
        let pod = |host_users: Value| {
            let mut container = mount(&json!("Unmasked"));
            container["name"] = json!("app");
            json!({"spec": {"hostUsers": host_users, "containers": [container]}})
        };
        let field: &[&str] = &["spec.containers[0].securityContext.procMount"];
        pods(
            CONTROL,
            &[
                ("its own", baseline(35).with_user_namespaces(), pod(json!(false)), &[]),
                ("its own, before 1.35", baseline(34).with_user_namespaces(), pod(json!(false)), field),
                ("its own, if the node likes", baseline(35), pod(json!(false)), field),
                ("the node's", baseline(35).with_user_namespaces(), pod(json!(true)), field),
                ("nothing said", baseline(35).with_user_namespaces(), pod(Value::Null), field),
            ],
        );
        let its_own = ("its own", restricted(35).with_user_namespaces(), pod(json!(false)), field);
        pods("procMount_restricted", &[its_own]);
    }
}
