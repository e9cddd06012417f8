//! `windowsHostProcess` (baseline, since 1.0): no container runs as a process of a Windows node.
//!
//! A host-process container is on Windows what a privileged container is on Linux.
//!
//! - Restricted: `securityContext.windowsOptions.hostProcess` of the pod and of every container.
//! - Allowed: absent, `false`.
//! - Source: `check_windowsHostProcess.go`.

use super::case::{Case, Found};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for (part, options) in
        case.parts(|pod| pod.windows_options.as_ref(), |container| container.windows_options.as_ref())
    {
        if options.host_process {
            found.add(
                part,
                "securityContext.windowsOptions.hostProcess",
                "hostProcess",
                "runs as a process of its node; remove `hostProcess` or set it to false",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, pod_with, pods, restricted};

    fn host_process(value: &Value) -> Value {
        json!({"securityContext": {"windowsOptions": {"hostProcess": value}}})
    }

    #[test]
    fn verdicts() {
        let field: &[&str] = &["securityContext.windowsOptions.hostProcess"];
        containers(
            "windowsHostProcess",
            &[
                ("nothing said", baseline(0), json!({}), &[]),
                ("null", baseline(0), host_process(&Value::Null), &[]),
                ("false", baseline(0), host_process(&json!(false)), &[]),
                ("true", baseline(0), host_process(&json!(true)), field),
                ("restricted", restricted(u16::MAX), host_process(&json!(true)), field),
            ],
        );
        pods(
            "windowsHostProcess",
            &[
                ("pod, false", baseline(0), pod_with(host_process(&json!(false))), &[]),
                (
                    "pod, true",
                    baseline(0),
                    pod_with(host_process(&json!(true))),
                    &["spec.securityContext.windowsOptions.hostProcess"],
                ),
            ],
        );
    }
}
