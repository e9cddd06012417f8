//! `procMount` (baseline, since 1.0): `/proc` stays masked.
//!
//! What the runtime masks of `/proc` are the kernel's own settings and memory. Since 1.35 a pod in a user
//! namespace of its own is let off, for its root has no rights there.
//!
//! - Restricted: `securityContext.procMount` of every container.
//! - Allowed: absent, `Default`.
//! - Source: `check_procMount.go`.

use super::case::{Case, Found, Place};
use crate::admission::record::Cut;

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.is_in_user_namespace() {
        return;
    }
    for placed in case.containers() {
        let Some(proc_mount) = &placed.container.security_context.proc_mount else { continue };
        if &**proc_mount != "Default" {
            found.add(
                Place::Container(placed),
                "securityContext.procMount",
                proc_mount,
                format_args!(
                    "mounts /proc as `{}` and so sees the kernel's; remove `procMount` or set it to Default",
                    Cut(proc_mount)
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
                ("unknown", restricted(u16::MAX), mount(&json!("default")), &[FIELD]),
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
    }
}
