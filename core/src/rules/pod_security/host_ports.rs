//! `hostPorts` (baseline, since 1.0): no container takes a port of its node.
//!
//! Such a port answers on the node's own address, to every client that reaches the node, and no other pod can use it.
//!
//! - Restricted: `ports[*].hostPort` of every container.
//! - Allowed: absent, 0, and those that the Tenant lists.
//! - Source: `check_hostPorts.go`.

use super::case::{Case, Found, PodOrContainer};

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for placed in case.containers() {
        let is_listed = |port: i64| case.host_ports().iter().any(|listed| i64::from(*listed) == port);
        for (index, port) in placed.container.host_ports.iter().filter(|(_, port)| !is_listed(*port)) {
            found.add(
                PodOrContainer::Container(placed),
                format_args!("ports[{index}].hostPort"),
                port,
                format_args!(
                    "takes port {port} of its node; remove `hostPort` and use a Service, or ask the platform team to \
                     list it in the tenant's `podSecurity.allow.hostPorts`"
                ),
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
            "hostPorts",
            &[
                ("no ports", baseline(0), json!({}), &[]),
                ("no host port", baseline(0), json!({"ports": [{"containerPort": 80}]}), &[]),
                ("zero", baseline(0), json!({"ports": [{"hostPort": 0}]}), &[]),
                (
                    "the second",
                    baseline(0),
                    json!({"ports": [{"containerPort": 80}, {"hostPort": 443}]}),
                    &["ports[1].hostPort"],
                ),
                (
                    "restricted",
                    restricted(u16::MAX),
                    json!({"ports": [{"hostPort": 53}, {"hostPort": 443}]}),
                    &["ports[0].hostPort", "ports[1].hostPort"],
                ),
            ],
        );
    }
}
