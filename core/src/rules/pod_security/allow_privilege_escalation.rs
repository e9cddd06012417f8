//! `allowPrivilegeEscalation` (restricted, since 1.8): no process gains privileges over its parent.
//!
//! Otherwise a set-user-ID binary can make any user root. Kubernetes permits it by default, so the field must be set to
//! false. Since 1.25 Windows pods are exempt, because the field has no meaning there.
//!
//! - Restricted: `securityContext.allowPrivilegeEscalation` of every container.
//! - Allowed: `false`.
//! - Source: `check_allowPrivilegeEscalation.go`.

use super::case::{Case, Found, PodOrContainer};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.is_for_windows() {
        return;
    }
    for placed in case.containers() {
        if placed.container.security_context.allow_privilege_escalation != Some(false) {
            found.add(
                PodOrContainer::Container(placed),
                "securityContext.allowPrivilegeEscalation",
                "allowed",
                "lets its processes gain privileges; set `allowPrivilegeEscalation` to false",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pods, restricted};

    const CONTROL: &str = "allowPrivilegeEscalation";

    fn allows(value: &Value) -> Value {
        json!({"securityContext": {"allowPrivilegeEscalation": value}})
    }

    #[test]
    fn verdicts() {
        let field: &[&str] = &["securityContext.allowPrivilegeEscalation"];
        containers(
            CONTROL,
            &[
                ("nothing said", restricted(8), json!({}), field),
                ("null", restricted(8), allows(&Value::Null), field),
                ("true", restricted(u16::MAX), allows(&json!(true)), field),
                ("false", restricted(8), allows(&json!(false)), &[]),
                ("before 1.8", restricted(7), allows(&json!(true)), &[]),
                ("baseline", baseline(u16::MAX), allows(&json!(true)), &[]),
            ],
        );
    }

    #[test]
    fn windows_is_let_off_since_1_25() {
        let pod = |os: &str| json!({"spec": {"os": {"name": os}, "containers": [{"name": "app"}]}});
        let field: &[&str] = &["spec.containers[0].securityContext.allowPrivilegeEscalation"];
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
