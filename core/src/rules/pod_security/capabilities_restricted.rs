//! `capabilities_restricted` (restricted, since 1.22): every container drops all capabilities.
//!
//! It may add `NET_BIND_SERVICE`. The default set is more than nearly any program needs, and each capability is a part
//! of root's power. Since 1.25 Windows pods are exempt, because Windows has no capabilities. No control judges the
//! capabilities that such a pod adds; the kubelet of a Linux node refuses pods for Windows.
//!
//! - Restricted: `securityContext.capabilities.drop` and `.add` of every container.
//! - Allowed: `drop` with `ALL`; `add` absent, empty or `NET_BIND_SERVICE`.
//! - Source: `check_capabilities_restricted.go`.

use super::case::{Case, Found, PodOrContainer, WithListed};
use crate::json::{Escaped, Text};

const ALL: &str = "ALL";
const NET_BIND_SERVICE: &str = "NET_BIND_SERVICE";

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    if case.is_for_windows() {
        return;
    }
    for placed in case.containers() {
        let capabilities = placed.container.security_context.capabilities.as_ref();
        let dropped: &[Text<'_>] = capabilities.map_or(&[], |capabilities| &capabilities.drop);
        if !dropped.iter().any(|capability| &**capability == ALL) {
            found.add(
                PodOrContainer::Container(placed),
                "securityContext.capabilities.drop",
                "drop",
                "keeps the default capabilities; set `capabilities.drop` to [\"ALL\"]",
            );
        }
        let added: &[Text<'_>] = capabilities.map_or(&[], |capabilities| &capabilities.add);
        for (index, capability) in added.iter().enumerate() {
            let is_listed = || case.capabilities().iter().any(|listed| **listed == **capability);
            if &**capability != NET_BIND_SERVICE && !is_listed() {
                found.add(
                    PodOrContainer::Container(placed),
                    format_args!("securityContext.capabilities.add[{index}]"),
                    format_args!("add {capability}"),
                    format_args!(
                        "adds capability `{}`; remove it (allowed: {}), or ask the platform team to list it in the \
                         tenant's `podSecurity.allow.capabilities`",
                        Escaped(capability),
                        WithListed(&[NET_BIND_SERVICE], case.capabilities())
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pod_with, pods, restricted};

    fn capabilities(add: &[&str], drop: &[&str]) -> Value {
        json!({"securityContext": {"capabilities": {"add": add, "drop": drop}}})
    }

    const DROP: &str = "securityContext.capabilities.drop";
    const ADD: &str = "securityContext.capabilities.add[0]";

    #[test]
    fn verdicts() {
        containers(
            "capabilities_restricted",
            &[
                ("nothing said", restricted(22), json!({}), &[DROP]),
                ("null", restricted(22), json!({"securityContext": {"capabilities": null}}), &[DROP]),
                ("some dropped", restricted(22), capabilities(&[], &["NET_RAW", "MKNOD"]), &[DROP]),
                ("all in lower case", restricted(22), capabilities(&[], &["all"]), &[DROP]),
                ("all dropped", restricted(22), capabilities(&[], &["NET_RAW", "ALL"]), &[]),
                ("the one allowed", restricted(22), capabilities(&["NET_BIND_SERVICE"], &["ALL"]), &[]),
                ("a default one", restricted(22), capabilities(&["CHOWN"], &["ALL"]), &[ADD]),
                ("both wrong", restricted(22), capabilities(&["SYS_ADMIN"], &[]), &[DROP, ADD]),
                ("before 1.22", restricted(21), json!({}), &[]),
                ("baseline", baseline(u16::MAX), json!({}), &[]),
            ],
        );
    }

    #[test]
    fn windows_is_let_off_since_1_25() {
        let windows = || pod_with(json!({"os": {"name": "windows"}}));
        let linux = || pod_with(json!({"os": {"name": "linux"}}));
        let field = "spec.containers[0].securityContext.capabilities.drop";
        pods(
            "capabilities_restricted",
            &[
                ("windows before", restricted(24), windows(), &[field]),
                ("windows since", restricted(25), windows(), &[]),
                ("linux since", restricted(25), linux(), &[field]),
            ],
        );
    }
}
