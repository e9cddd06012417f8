//! `runAsUser` (restricted, since 1.23): no pod or container sets the user 0.
//!
//! `runAsNonRoot` makes the kubelet refuse such a container; this control reports it before the pod is scheduled. Since
//! 1.35 a pod in a user namespace of its own is exempt, because its root is an unprivileged user on the node.
//!
//! - Restricted: `securityContext.runAsUser` of the pod and of every container.
//! - Allowed: absent, anything but 0.
//! - Source: `check_runAsUser.go`.

use super::case::{Case, Found};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.is_in_user_namespace() {
        return;
    }
    for (part, user) in case.parts(|pod| pod.run_as_user, |container| container.run_as_user) {
        if user == 0 {
            found.add(
                part,
                "securityContext.runAsUser",
                "0",
                format_args!(
                    "runs as root; remove `runAsUser` or set it to another user than 0{}",
                    case.user_namespace_advice()
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pod_with, pods, restricted};

    const CONTROL: &str = "runAsUser";

    fn user(id: &Value) -> Value {
        json!({"securityContext": {"runAsUser": id}})
    }

    #[test]
    fn verdicts() {
        let field: &[&str] = &["securityContext.runAsUser"];
        containers(
            CONTROL,
            &[
                ("nothing said", restricted(23), json!({}), &[]),
                ("null", restricted(23), user(&Value::Null), &[]),
                ("a user", restricted(23), user(&json!(1000)), &[]),
                ("root", restricted(23), user(&json!(0)), field),
                ("root before 1.23", restricted(22), user(&json!(0)), &[]),
                ("baseline", baseline(u16::MAX), user(&json!(0)), &[]),
            ],
        );
        let root = || pod_with(user(&json!(0)));
        let of_pod: &[&str] = &["spec.securityContext.runAsUser"];
        pods(
            CONTROL,
            &[
                ("pod, a user", restricted(23), pod_with(user(&json!(1000))), &[]),
                ("pod, root", restricted(u16::MAX), root(), of_pod),
            ],
        );
    }

    #[test]
    fn e8_a_user_namespace_counts_since_1_35_where_every_node_has_them() {
        let pod = |host_users: bool| {
            let mut spec = user(&json!(0));
            spec["hostUsers"] = json!(host_users);
            pod_with(spec)
        };
        let field: &[&str] = &["spec.securityContext.runAsUser"];
        pods(
            CONTROL,
            &[
                ("its own", restricted(35).with_user_namespaces(), pod(false), &[]),
                ("its own, before 1.35", restricted(34).with_user_namespaces(), pod(false), field),
                ("its own, if the node likes", restricted(35), pod(false), field),
                ("the node's", restricted(35).with_user_namespaces(), pod(true), field),
            ],
        );
    }
}
