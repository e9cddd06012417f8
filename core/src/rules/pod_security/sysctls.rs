//! `sysctls` (baseline, since 1.0): a pod sets only kernel settings that are its own.
//!
//! A setting without a namespace is the node's, and so every pod's; with other settings one pod can take up the node's
//! memory. Later versions of the standard allow more settings, because kernels gained namespaces for them.
//!
//! - Restricted: `securityContext.sysctls[*].name`.
//! - Allowed: those in [`SAFE`], and those that the Tenant lists.
//! - Source: `check_sysctls.go`.

use super::case::{Allowed, Case, Found, PodOrContainer};
use crate::json::Escaped;

/// The safe settings, each with the minor version that allowed it.
const SAFE: [(u16, &str); 14] = [
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
    (37, "net.ipv4.tcp_slow_start_after_idle"),
    (37, "net.ipv4.tcp_notsent_lowat"),
];

/// The changes of the safe settings, by version of the standard.
pub(super) const CHANGES: &[(u16, &str)] = &[
    (27, "`net.ipv4.ip_local_reserved_ports` is allowed"),
    (29, "`net.ipv4.tcp_keepalive_{time,intvl,probes}` and `tcp_fin_timeout` are allowed"),
    (32, "`net.ipv4.tcp_rmem` and `tcp_wmem` are allowed"),
    (37, "`net.ipv4.tcp_slow_start_after_idle` and `tcp_notsent_lowat` are allowed"),
];

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    let is_listed = |name: &str| case.sysctls().iter().any(|listed| **listed == *name);
    for (index, sysctl) in case.spec().security_context.sysctls.iter().enumerate() {
        match SAFE.iter().find(|(_, name)| *name == &*sysctl.name) {
            Some((since, _)) if *since <= case.minor => {}
            Some(_) | None if is_listed(&sysctl.name) => {}
            Some((since, name)) => found.add(
                PodOrContainer::Pod,
                format_args!("securityContext.sysctls[{index}].name"),
                name,
                format_args!(
                    "sets sysctl `{name}`, which the standard allows only since v1.{since}; remove it, or ask the \
                     platform team to list it in the tenant's `podSecurity.allow.sysctls`"
                ),
            ),
            None => found.add(
                PodOrContainer::Pod,
                format_args!("securityContext.sysctls[{index}].name"),
                &sysctl.name,
                format_args!(
                    "sets sysctl `{}`, which is not safe for other pods on its node; remove it (allowed: {}), or \
                     ask the platform team to list it in the tenant's `podSecurity.allow.sysctls`",
                    Escaped(&sysctl.name),
                    Allowed { names: &SAFE, minor: case.minor, listed: case.sysctls() }
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, pod_with, pods, restricted};
    use super::{CHANGES, SAFE};

    fn sysctls<'n>(names: impl IntoIterator<Item = &'n str>) -> Value {
        let sysctls: Vec<Value> = names.into_iter().map(|name| json!({"name": name, "value": "1"})).collect();
        pod_with(json!({"securityContext": {"sysctls": sysctls}}))
    }

    #[test]
    fn verdicts() {
        pods(
            "sysctls",
            &[
                ("none", baseline(0), pod_with(json!({})), &[]),
                ("empty", baseline(0), sysctls([]), &[]),
                ("all safe ones", baseline(u16::MAX), sysctls(SAFE.map(|(_, name)| name)), &[]),
                (
                    "an unsafe one",
                    restricted(u16::MAX),
                    sysctls(["net.ipv4.tcp_syncookies", "kernel.msgmax"]),
                    &["spec.securityContext.sysctls[1].name"],
                ),
                (
                    "another spelling",
                    baseline(u16::MAX),
                    sysctls(["net/ipv4/tcp_syncookies"]),
                    &["spec.securityContext.sysctls[0].name"],
                ),
            ],
        );
    }

    #[test]
    fn the_catalogue_names_every_version_that_added_one() {
        let mut versions: Vec<_> = SAFE.iter().map(|(since, _)| *since).filter(|since| *since > 0).collect();
        versions.dedup();
        assert_eq!(CHANGES.iter().map(|(since, _)| *since).collect::<Vec<_>>(), versions);
    }

    #[test]
    fn each_is_safe_since_its_version_and_not_before() {
        for (since, name) in SAFE {
            pods("sysctls", &[(name, baseline(since), sysctls([name]), &[])]);
            if let Some(before) = since.checked_sub(1) {
                let field: &[&str] = &["spec.securityContext.sysctls[0].name"];
                pods("sysctls", &[(name, baseline(before), sysctls([name]), field)]);
            }
        }
    }
}
