//! `capabilities_baseline` (baseline, since 1.0): containers add only runtimes' default capabilities.
//!
//! Most other capabilities reach beyond the container: `SYS_ADMIN` mounts, `SYS_PTRACE` reads other processes,
//! `NET_RAW` forges the packets of neighbouring pods.
//!
//! - Restricted: `securityContext.capabilities.add` of every container.
//! - Allowed: absent, empty, the names in [`ALLOWED`], in exactly this spelling, and those that the Tenant lists.
//! - Source: `check_capabilities_baseline.go`. At `restricted`, `capabilities_restricted` replaces this control.

use super::case::{Case, Found, PodOrContainer, WithListed};
use crate::json::Escaped;

/// The capabilities that the control allows; container runtimes grant them by default.
const ALLOWED: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn check(case: &Case<'_>, found: &mut Found<'_, '_>) {
    for placed in case.containers() {
        let Some(capabilities) = &placed.container.security_context.capabilities else { continue };
        for (index, capability) in capabilities.add.iter().enumerate() {
            let is_listed = || case.capabilities().iter().any(|listed| **listed == **capability);
            if !ALLOWED.contains(&&**capability) && !is_listed() {
                found.add(
                    PodOrContainer::Container(placed),
                    format_args!("securityContext.capabilities.add[{index}]"),
                    format_args!("add {capability}"),
                    format_args!(
                        "adds capability `{}`, which reaches beyond the container; remove it (allowed: {}), or ask \
                         the platform team to list it in the tenant's `podSecurity.allow.capabilities`",
                        Escaped(capability),
                        WithListed(&ALLOWED, case.capabilities())
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{baseline, containers, restricted};
    use super::ALLOWED;

    fn adds(names: &[&str]) -> Value {
        json!({"securityContext": {"capabilities": {"add": names}}})
    }

    #[test]
    fn verdicts() {
        let first: &[&str] = &["securityContext.capabilities.add[0]"];
        containers(
            "capabilities_baseline",
            &[
                ("nothing said", baseline(0), json!({}), &[]),
                ("none added", baseline(0), adds(&[]), &[]),
                ("all that are allowed", baseline(0), adds(&ALLOWED), &[]),
                ("NET_RAW", baseline(0), adds(&["NET_RAW"]), first),
                ("ALL", baseline(0), adds(&["ALL"]), first),
                ("a name with its prefix", baseline(0), adds(&["CAP_CHOWN"]), first),
                ("a name in lower case", baseline(0), adds(&["chown"]), first),
                (
                    "each bad one",
                    baseline(u16::MAX),
                    adds(&["CHOWN", "SYS_ADMIN", "BPF"]),
                    &["securityContext.capabilities.add[1]", "securityContext.capabilities.add[2]"],
                ),
                ("restricted before its own control", restricted(21), adds(&["NET_RAW"]), first),
                ("restricted with its own control", restricted(22), adds(&["NET_RAW"]), &[]),
            ],
        );
    }
}
