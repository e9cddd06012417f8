//! `seccompProfile_restricted` (restricted, since 1.19): every container has a seccomp profile.
//!
//! Without a profile the runtime does not confine the container, so one must be set. A container's own profile
//! overrides the pod's. Since 1.25 Windows pods are exempt, because Windows has no seccomp.
//!
//! - Restricted: `securityContext.seccompProfile.type` of the pod and of every container.
//! - Allowed: `RuntimeDefault`, `Localhost`; absent in a container if the pod has one of them.
//! - Source: `check_seccompProfile_restricted.go`.

use super::case::{Case, Found, PodOrContainer};
use super::seccomp_baseline::check_profile;

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.is_for_windows() {
        return;
    }
    let of_pod = case.spec().security_context.seccomp_profile.as_ref();
    if let Some(profile) = of_pod {
        check_profile(PodOrContainer::Pod, profile, found);
    }
    for placed in case.containers() {
        match (&placed.container.security_context.seccomp_profile, of_pod) {
            (Some(profile), _) => check_profile(PodOrContainer::Container(placed), profile, found),
            // The pod's own profile is judged already.
            (None, Some(_)) => {}
            (None, None) => found.add(
                PodOrContainer::Container(placed),
                "securityContext.seccompProfile.type",
                "unset",
                "has no seccomp profile; set `seccompProfile.type` of the container or of the pod to \
                 RuntimeDefault or Localhost",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pods, restricted};

    const CONTROL: &str = "seccompProfile_restricted";
    const FIELD: &str = "securityContext.seccompProfile.type";

    fn type_(name: &str) -> Value {
        json!({"securityContext": {"seccompProfile": {"type": name}}})
    }

    #[test]
    fn verdicts_on_containers() {
        containers(
            CONTROL,
            &[
                ("nothing said", restricted(19), json!({}), &[FIELD]),
                ("the runtime's", restricted(19), type_("RuntimeDefault"), &[]),
                ("the node's", restricted(19), type_("Localhost"), &[]),
                ("none", restricted(u16::MAX), type_("Unconfined"), &[FIELD]),
                ("before 1.19", restricted(18), json!({}), &[]),
                ("baseline", baseline(u16::MAX), json!({}), &[]),
            ],
        );
    }

    #[test]
    fn e13_the_effective_profile_counts() {
        let pod = |pod: &str, container: Option<&str>| {
            let mut pod = type_(pod);
            let mut app = container.map_or(json!({}), type_);
            app["name"] = json!("app");
            pod["containers"] = json!([app]);
            json!({"spec": pod})
        };
        let of_pod: &[&str] = &["spec.securityContext.seccompProfile.type"];
        let of_app: &[&str] = &["spec.containers[0].securityContext.seccompProfile.type"];
        pods(
            CONTROL,
            &[
                ("the pod's is inherited", restricted(19), pod("RuntimeDefault", None), &[]),
                ("a bad one is reported once", restricted(19), pod("Unconfined", None), of_pod),
                ("a bad one is bad unused", restricted(19), pod("Unconfined", Some("Localhost")), of_pod),
                ("the container's counts", restricted(19), pod("Localhost", Some("Unconfined")), of_app),
            ],
        );
    }

    #[test]
    fn windows_is_let_off_since_1_25() {
        let pod = |os: &str| json!({"spec": {"os": {"name": os}, "containers": [{"name": "app"}]}});
        let field: &[&str] = &["spec.containers[0].securityContext.seccompProfile.type"];
        pods(
            CONTROL,
            &[
                ("windows before", restricted(24), pod("windows"), field),
                ("windows since", restricted(25), pod("windows"), &[]),
                ("linux since", restricted(25), pod("linux"), field),
            ],
        );
    }
}
