//! `hostProbesAndHostLifecycle` (baseline, since 1.34): probes and hooks connect to the pod itself.
//!
//! The kubelet opens these connections from the node. With `host` a tenant reaches what only nodes reach, and learns
//! from the probe's result what answered. Loopback is no exception, because it is the node's.
//!
//! - Restricted: `host` in `httpGet` and `tcpSocket` of `livenessProbe`, `readinessProbe`, `startupProbe`,
//!   `lifecycle.postStart` and `lifecycle.preStop` of every container.
//! - Allowed: absent, empty.
//! - Source: `check_hostProbesAndhostLifecycle.go`.

use super::case::{Case, Found, PodOrContainer};
use crate::json::Escaped;
use crate::objects::container::{Container, HandlerTarget};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for placed in case.containers() {
        for (field, target) in targets(placed.container) {
            let Some(target) = target.filter(|target| !target.host.is_empty()) else { continue };
            found.add(
                PodOrContainer::Container(placed),
                format_args!("{field}.host"),
                format_args!("{field} {}", target.host),
                format_args!(
                    "makes its node connect to `{}`; remove `host`, so that the node connects to the pod",
                    Escaped(&target.host)
                ),
            );
        }
    }
}

/// Returns the targets in a container that the kubelet connects to, with their fields.
fn targets<'c, 'a>(container: &'c Container<'a>) -> [(&'static str, Option<&'c HandlerTarget<'a>>); 10] {
    let [liveness, readiness, startup] =
        [&container.liveness_probe, &container.readiness_probe, &container.startup_probe].map(Option::as_ref);
    let lifecycle = container.lifecycle.as_ref();
    let post_start = lifecycle.and_then(|lifecycle| lifecycle.post_start.as_ref());
    let pre_stop = lifecycle.and_then(|lifecycle| lifecycle.pre_stop.as_ref());
    [
        ("livenessProbe.httpGet", liveness.and_then(|probe| probe.http_get.as_ref())),
        ("livenessProbe.tcpSocket", liveness.and_then(|probe| probe.tcp_socket.as_ref())),
        ("readinessProbe.httpGet", readiness.and_then(|probe| probe.http_get.as_ref())),
        ("readinessProbe.tcpSocket", readiness.and_then(|probe| probe.tcp_socket.as_ref())),
        ("startupProbe.httpGet", startup.and_then(|probe| probe.http_get.as_ref())),
        ("startupProbe.tcpSocket", startup.and_then(|probe| probe.tcp_socket.as_ref())),
        ("lifecycle.postStart.httpGet", post_start.and_then(|hook| hook.http_get.as_ref())),
        ("lifecycle.postStart.tcpSocket", post_start.and_then(|hook| hook.tcp_socket.as_ref())),
        ("lifecycle.preStop.httpGet", pre_stop.and_then(|hook| hook.http_get.as_ref())),
        ("lifecycle.preStop.tcpSocket", pre_stop.and_then(|hook| hook.tcp_socket.as_ref())),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, restricted};

    const CONTROL: &str = "hostProbesAndHostLifecycle";

    fn everywhere(host: &Value) -> Value {
        let handler = json!({"httpGet": {"host": host, "port": 80}, "tcpSocket": {"host": host, "port": 80}});
        json!({
            "livenessProbe": handler,
            "readinessProbe": handler,
            "startupProbe": handler,
            "lifecycle": {"postStart": handler, "preStop": handler},
        })
    }

    #[test]
    fn verdicts() {
        let all: &[&str] = &[
            "livenessProbe.httpGet.host",
            "livenessProbe.tcpSocket.host",
            "readinessProbe.httpGet.host",
            "readinessProbe.tcpSocket.host",
            "startupProbe.httpGet.host",
            "startupProbe.tcpSocket.host",
            "lifecycle.postStart.httpGet.host",
            "lifecycle.postStart.tcpSocket.host",
            "lifecycle.preStop.httpGet.host",
            "lifecycle.preStop.tcpSocket.host",
        ];
        containers(
            CONTROL,
            &[
                ("no probes", baseline(34), json!({}), &[]),
                ("empty hosts", baseline(34), everywhere(&json!("")), &[]),
                ("null hosts", baseline(34), everywhere(&Value::Null), &[]),
                ("hosts everywhere", baseline(34), everywhere(&json!("10.0.0.1")), all),
                ("loopback", baseline(34), everywhere(&json!("127.0.0.1")), all),
                ("restricted", restricted(u16::MAX), everywhere(&json!("example.com")), all),
                ("before 1.34", baseline(33), everywhere(&json!("10.0.0.1")), &[]),
                (
                    "grpc and exec have no host",
                    baseline(34),
                    json!({"livenessProbe": {"grpc": {"port": 1}}, "startupProbe": {"exec": {"command": ["x"]}}}),
                    &[],
                ),
            ],
        );
    }
}
