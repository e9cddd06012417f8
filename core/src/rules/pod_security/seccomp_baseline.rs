//! `seccompProfile_baseline` (baseline, since 1.0): no pod or container disables seccomp.
//!
//! Seccomp blocks the rarer system calls, through which most kernel escapes begin. Kubernetes 1.19 moved the profile
//! from annotations to fields; an older version of the standard reads the annotations.
//!
//! - Restricted, since 1.19: `securityContext.seccompProfile.type` of the pod and of every container. Before:
//!   `metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]` and
//!   `metadata.annotations[container.seccomp.security.alpha.kubernetes.io/<container>]`.
//! - Allowed: no profile, `RuntimeDefault`, `Localhost`; annotations: none, `runtime/default`, `docker/default`,
//!   `localhost/*`.
//! - Source: `check_seccompProfile_baseline.go`. At `restricted`, `seccompProfile_restricted` replaces this control.

use std::cell::LazyCell;
use std::collections::HashSet;

use super::case::{Case, Found, PodOrContainer, Type};
use crate::json::Escaped;
use crate::objects::container::SeccompProfile;

/// The version since which the profile is a field.
const FIELDS_SINCE: u16 = 19;

/// The changes of this control, by version of the standard.
pub(super) const CHANGES: &[(u16, &str)] =
    &[(FIELDS_SINCE, "the fields are read, and no annotations any more")];

/// The annotation for the pod.
const OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// The prefix of the annotations for containers; the container's name follows.
const OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.minor < FIELDS_SINCE {
        check_annotations(case, found);
        return;
    }
    for (part, profile) in
        case.parts(|pod| pod.seccomp_profile.as_ref(), |container| container.seccomp_profile.as_ref())
    {
        check_profile(part, profile, found);
    }
}

/// Reports a profile that does not confine.
pub(super) fn check_profile(
    part: PodOrContainer<'_>,
    profile: &SeccompProfile<'_>,
    found: &mut Found<'_, '_>,
) {
    if !confines(profile) {
        found.add(
            part,
            "securityContext.seccompProfile.type",
            &profile.type_,
            format_args!("has a seccomp profile {}; use RuntimeDefault or Localhost", Type(&profile.type_)),
        );
    }
}

/// Returns whether a profile confines.
pub(super) fn confines(profile: &SeccompProfile<'_>) -> bool {
    matches!(&*profile.type_, "RuntimeDefault" | "Localhost")
}

fn check_annotations(case: &Case<'_>, found: &mut Found<'_, '_>) {
    // Compared as a set, because a pod may have very many annotations and containers.
    let names = LazyCell::new(|| {
        case.containers().map(|container| &*container.container.name).collect::<HashSet<_>>()
    });
    for (key, profile) in case.pod.metadata.annotations.iter() {
        if matches!(profile, "runtime/default" | "docker/default") || profile.starts_with("localhost/") {
            continue;
        }
        let container = match key.strip_prefix(OF_CONTAINER) {
            // The annotation has no effect until a container has this name.
            Some(name) if names.contains(name) => Some(name),
            None if key == OF_POD => None,
            Some(_) | None => continue,
        };
        found.add_annotation(
            (key, profile),
            container,
            format_args!(
                "has seccomp profile `{}`; use `runtime/default` or `localhost/<name>`, or remove the annotation",
                Escaped(profile)
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pod_with, pods, restricted};

    const CONTROL: &str = "seccompProfile_baseline";
    const FIELD: &str = "securityContext.seccompProfile.type";

    fn profile(profile: &Value) -> Value {
        json!({"securityContext": {"seccompProfile": profile}})
    }

    fn type_(name: &str) -> Value {
        profile(&json!({"type": name}))
    }

    #[test]
    fn verdicts_on_containers() {
        containers(
            CONTROL,
            &[
                ("nothing said", baseline(19), json!({}), &[]),
                ("null", baseline(19), profile(&Value::Null), &[]),
                ("the runtime's", baseline(19), type_("RuntimeDefault"), &[]),
                ("the node's", baseline(19), type_("Localhost"), &[]),
                ("none", baseline(19), type_("Unconfined"), &[FIELD]),
                ("no type", baseline(u16::MAX), profile(&json!({})), &[FIELD]),
                ("a field before 1.19", baseline(18), type_("Unconfined"), &[]),
                ("restricted has its own control", restricted(19), type_("Unconfined"), &[]),
            ],
        );
    }

    #[test]
    fn verdicts_on_pods() {
        pods(
            CONTROL,
            &[
                ("the runtime's", baseline(19), pod_with(type_("RuntimeDefault")), &[]),
                (
                    "none",
                    baseline(19),
                    pod_with(type_("Unconfined")),
                    &["spec.securityContext.seccompProfile.type"],
                ),
            ],
        );
    }

    #[test]
    fn annotations_count_before_1_19() {
        let annotated = |key: &str, value: &str| {
            json!({
                "metadata": {"annotations": {key: value}},
                "spec": {"initContainers": [{"name": "app"}]},
            })
        };
        let pod = "seccomp.security.alpha.kubernetes.io/pod";
        let app = "container.seccomp.security.alpha.kubernetes.io/app";
        let nobody = "container.seccomp.security.alpha.kubernetes.io/nobody";
        let of_pod: &[&str] = &["metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]"];
        let of_app: &[&str] = &["metadata.annotations[container.seccomp.security.alpha.kubernetes.io/app]"];
        pods(
            CONTROL,
            &[
                ("pod, the runtime's", baseline(18), annotated(pod, "runtime/default"), &[]),
                ("pod, docker's", baseline(18), annotated(pod, "docker/default"), &[]),
                ("pod, the node's", baseline(18), annotated(pod, "localhost/web"), &[]),
                ("pod, none", baseline(18), annotated(pod, "unconfined"), of_pod),
                ("pod, empty", baseline(18), annotated(pod, ""), of_pod),
                ("container, none", baseline(0), annotated(app, "unconfined"), of_app),
                ("container, none, restricted", restricted(18), annotated(app, "unconfined"), of_app),
                ("no such container", baseline(18), annotated(nobody, "unconfined"), &[]),
                ("pod, since 1.19", baseline(19), annotated(pod, "unconfined"), &[]),
                ("container, since 1.19", baseline(19), annotated(app, "unconfined"), &[]),
            ],
        );
    }
}
