//! `hostNamespaces` (baseline, since 1.0): a pod has its own network, process and IPC namespaces.
//!
//! The node's network reaches the node's own services and the cloud's metadata service, past every network policy. The
//! node's processes show their environment, and with it their secrets. The node's IPC namespace holds its shared
//! memory.
//!
//! - Restricted: `hostNetwork`, `hostPID`, `hostIPC`.
//! - Allowed: absent, `false`.
//! - Source: `check_hostNamespaces.go`.

use super::case::{Case, Found, PodOrContainer};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    let spec = case.spec();
    for (field, is_shared, what) in [
        ("hostNetwork", spec.host_network, "network"),
        ("hostPID", spec.host_pid, "processes"),
        ("hostIPC", spec.host_ipc, "shared memory"),
    ] {
        if is_shared {
            found.add(
                PodOrContainer::Pod,
                field,
                field,
                format_args!("shares its node's {what}; remove `{field}` or set it to false"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{baseline, pod_with, pods, restricted};

    #[test]
    fn verdicts() {
        let none = json!({"hostNetwork": false, "hostPID": null});
        let all = json!({"hostNetwork": true, "hostPID": true, "hostIPC": true});
        pods(
            "hostNamespaces",
            &[
                ("nothing said", baseline(0), pod_with(json!({})), &[]),
                ("said not", baseline(0), pod_with(none), &[]),
                ("network", baseline(0), pod_with(json!({"hostNetwork": true})), &["spec.hostNetwork"]),
                ("processes", baseline(0), pod_with(json!({"hostPID": true})), &["spec.hostPID"]),
                ("ipc", baseline(0), pod_with(json!({"hostIPC": true})), &["spec.hostIPC"]),
                (
                    "all three",
                    restricted(u16::MAX),
                    pod_with(all),
                    &["spec.hostNetwork", "spec.hostPID", "spec.hostIPC"],
                ),
            ],
        );
    }
}
