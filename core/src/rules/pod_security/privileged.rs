//! `privileged` (baseline, since 1.0): no container runs privileged.
//!
//! A privileged container has every capability, every device and no seccomp, AppArmor or SELinux. It controls its node,
//! and so everything else that runs there.
//!
//! - Restricted: `securityContext.privileged` of every container.
//! - Allowed: absent, `false`.
//! - Source: `check_privileged.go`.

use super::case::{Case, Found, PodOrContainer};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for placed in case.containers() {
        if placed.container.security_context.privileged {
            found.add(
                PodOrContainer::Container(placed),
                "securityContext.privileged",
                "privileged",
                "runs privileged and so controls its node; remove `privileged` or set it to false",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{baseline, containers, restricted};

    #[test]
    fn verdicts() {
        containers(
            "privileged",
            &[
                ("no security context", baseline(0), json!({}), &[]),
                ("null", baseline(0), json!({"securityContext": {"privileged": null}}), &[]),
                ("false", baseline(0), json!({"securityContext": {"privileged": false}}), &[]),
                (
                    "true",
                    baseline(0),
                    json!({"securityContext": {"privileged": true}}),
                    &["securityContext.privileged"],
                ),
                (
                    "true at restricted",
                    restricted(u16::MAX),
                    json!({"securityContext": {"privileged": true}}),
                    &["securityContext.privileged"],
                ),
            ],
        );
    }
}
