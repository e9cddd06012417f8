//! `appArmorProfile` (baseline, since 1.0): no container disables the runtime's AppArmor profile.
//!
//! The default profile of AppArmor, on nodes that have it, keeps containers from mounting, from writing to `/proc`
//! and `/sys` and from tracing others. The profile is a field since Kubernetes 1.30 and was an annotation before.
//! Both take effect, so the control reads both, for every version of the standard.
//!
//! - Restricted: `securityContext.appArmorProfile.type` of the pod and of every container;
//!   `metadata.annotations[container.apparmor.security.beta.kubernetes.io/*]`.
//! - Allowed: no profile, `RuntimeDefault`, `Localhost`; annotations: empty, `runtime/default`, `localhost/*`.
//! - Source: `check_appArmorProfile.go`.

use super::case::{Case, Found, Type};
use crate::json::Escaped;

/// The prefix of the annotations' keys; the container's name follows.
const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for (part, profile) in
        case.parts(|pod| pod.app_armor_profile.as_ref(), |container| container.app_armor_profile.as_ref())
    {
        if !matches!(&*profile.type_, "RuntimeDefault" | "Localhost") {
            found.add(
                part,
                "securityContext.appArmorProfile.type",
                &profile.type_,
                format_args!(
                    "has an AppArmor profile {}; use RuntimeDefault or Localhost, or remove `appArmorProfile`",
                    Type(&profile.type_)
                ),
            );
        }
    }
    for (key, profile) in case.pod.metadata.annotations.iter() {
        let Some(container) = key.strip_prefix(ANNOTATION) else { continue };
        if !matches!(profile, "" | "runtime/default") && !profile.starts_with("localhost/") {
            found.add_annotation(
                (key, profile),
                Some(container),
                format_args!(
                    "has AppArmor profile `{}`; use `runtime/default` or `localhost/<name>`, or remove the annotation",
                    Escaped(profile)
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, findings, pod_with, pods, restricted};

    const CONTROL: &str = "appArmorProfile";
    const FIELD: &str = "securityContext.appArmorProfile.type";

    fn field(profile: &Value) -> Value {
        json!({"securityContext": {"appArmorProfile": profile}})
    }

    fn annotation(profile: &str) -> Value {
        json!({
            "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/app": profile}},
            "spec": {"containers": [{"name": "app"}]},
        })
    }

    #[test]
    fn verdicts_on_containers() {
        containers(
            CONTROL,
            &[
                ("nothing said", baseline(0), json!({}), &[]),
                ("null", baseline(0), field(&Value::Null), &[]),
                ("the runtime's", baseline(0), field(&json!({"type": "RuntimeDefault"})), &[]),
                ("the node's", baseline(0), field(&json!({"type": "Localhost"})), &[]),
                ("none", baseline(0), field(&json!({"type": "Unconfined"})), &[FIELD]),
                ("no type", baseline(0), field(&json!({})), &[FIELD]),
                ("restricted", restricted(u16::MAX), field(&json!({"type": "Unconfined"})), &[FIELD]),
            ],
        );
    }

    #[test]
    fn verdicts_on_pods_and_annotations() {
        let key = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]";
        let in_spec = format!("spec.{FIELD}");
        pods(
            CONTROL,
            &[
                ("pod, the runtime's", baseline(0), pod_with(field(&json!({"type": "RuntimeDefault"}))), &[]),
                ("pod, none", baseline(0), pod_with(field(&json!({"type": "Unconfined"}))), &[&in_spec]),
                ("annotation, empty", baseline(0), annotation(""), &[]),
                ("annotation, the runtime's", baseline(0), annotation("runtime/default"), &[]),
                ("annotation, the node's", baseline(0), annotation("localhost/web"), &[]),
                ("annotation, none", baseline(0), annotation("unconfined"), &[key]),
                ("annotation, unknown", baseline(u16::MAX), annotation("localhost"), &[key]),
            ],
        );
    }

    #[test]
    fn an_annotation_is_about_the_container_it_names() {
        let found = findings(&annotation("unconfined"), baseline(0));
        assert_eq!(found[0].about, r#"Container("app")"#);
    }
}
