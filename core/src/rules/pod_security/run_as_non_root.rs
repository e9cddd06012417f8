//! `runAsNonRoot` (restricted, since 1.0): no container may run as root.
//!
//! The user often comes from the image, which admission does not see; `runAsNonRoot` makes the kubelet check it. A
//! container's own value overrides the pod's. Since 1.35 a pod in a user namespace of its own is exempt, because its
//! root is an unprivileged user on the node.
//!
//! - Restricted: `securityContext.runAsNonRoot` of the pod and of every container.
//! - Allowed: `true`; absent in a container if the pod's is `true`.
//! - Source: `check_runAsNonRoot.go`.

use super::case::{Case, Found, PodOrContainer};

const FIELD: &str = "securityContext.runAsNonRoot";

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.is_in_user_namespace() {
        return;
    }
    let advice = case.user_namespace_advice();
    let of_pod = case.spec().security_context.run_as_non_root;
    if of_pod == Some(false) {
        let problem = format_args!("may run as root; set `runAsNonRoot` to true{advice}");
        found.add(PodOrContainer::Pod, FIELD, "false", problem);
    }
    for placed in case.containers() {
        match (placed.container.security_context.run_as_non_root, of_pod) {
            (Some(true), _) => {}
            (Some(false), _) => found.add(
                PodOrContainer::Container(placed),
                FIELD,
                "false",
                format_args!(
                    "may run as root; set `runAsNonRoot` to true, or remove it and set the pod's{advice}"
                ),
            ),
            // The pod's own value is judged already.
            (None, Some(_)) => {}
            (None, None) => found.add(
                PodOrContainer::Container(placed),
                FIELD,
                "unset",
                format_args!(
                    "may run as root; set `runAsNonRoot` of the container or of the pod to true{advice}"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pods, restricted};
    use super::FIELD;

    const CONTROL: &str = "runAsNonRoot";

    fn non_root(value: &Value) -> Value {
        json!({"securityContext": {"runAsNonRoot": value}})
    }

    #[test]
    fn verdicts_on_containers() {
        containers(
            CONTROL,
            &[
                ("nothing said", restricted(0), json!({}), &[FIELD]),
                ("null", restricted(0), non_root(&Value::Null), &[FIELD]),
                ("false", restricted(u16::MAX), non_root(&json!(false)), &[FIELD]),
                ("true", restricted(0), non_root(&json!(true)), &[]),
                (
                    "a user is not enough",
                    restricted(0),
                    json!({"securityContext": {"runAsUser": 1000}}),
                    &[FIELD],
                ),
                ("baseline", baseline(u16::MAX), non_root(&json!(false)), &[]),
            ],
        );
    }

    fn pod(pod: &Value, container: &Value) -> Value {
        let mut spec = non_root(pod);
        let mut app = non_root(container);
        app["name"] = json!("app");
        spec["containers"] = json!([app]);
        json!({"spec": spec})
    }

    #[test]
    fn e13_the_effective_value_counts() {
        let (yes, no) = (json!(true), json!(false));
        let of_pod: &[&str] = &["spec.securityContext.runAsNonRoot"];
        let of_app: &[&str] = &["spec.containers[0].securityContext.runAsNonRoot"];
        pods(
            CONTROL,
            &[
                ("the pod's is inherited", restricted(0), pod(&yes, &Value::Null), &[]),
                ("a container takes it back", restricted(0), pod(&yes, &no), of_app),
                ("the pod's false is reported once", restricted(0), pod(&no, &Value::Null), of_pod),
                ("the pod's false is bad unused", restricted(0), pod(&no, &yes), of_pod),
            ],
        );
    }

    #[test]
    fn e8_a_user_namespace_counts_since_1_35_where_every_node_has_them() {
        let pod =
            |host_users: bool| json!({"spec": {"hostUsers": host_users, "containers": [{"name": "app"}]}});
        let field: &[&str] = &["spec.containers[0].securityContext.runAsNonRoot"];
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
