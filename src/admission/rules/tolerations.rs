//! `tolerations`: no toleration reaches further than it must.
//!
//! Taints keep pods off tenants' nodes, and a toleration walks through them, so in a tenant's namespace this is
//! an allow-list, compared by meaning: `operator` absent is `Equal`, `effect` absent is every effect, and an
//! operator that is not known here (`Gt`, `Lt`) is refused whatever it compares. Allowed are the taints of the
//! tenant's own pools by key **and** value, the shapes that Kubernetes itself adds to pods, and what the tenant
//! lists. In an unclaimed namespace a pod may tolerate what it likes, except a tenant's pool.

use super::{Concern, Finding, Findings, Subject};
use crate::admission::record::Cut;
use crate::admission::tenancy::{Pool, Snapshot, Tenant};
use crate::admission::workload::Toleration;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(pod) = subject.pod() else { return };
    for (index, toleration) in pod.spec.tolerations().iter().enumerate() {
        let problem = match subject.tenant() {
            Some(tenant) => refused_to_tenant(toleration, tenant, subject.snapshot),
            None => tolerates_a_pool(toleration, subject.snapshot),
        };
        if let Some(message) = problem {
            findings.add(Finding {
                control: None,
                field: format!("{}.tolerations[{index}]", pod.spec_path),
                message,
                identity: identity(toleration),
                concern: Concern::Whole,
            });
        }
    }
}

/// Why a tenant may not use the toleration; `None`: it may.
fn refused_to_tenant(toleration: &Toleration<'_>, tenant: &Tenant, snapshot: &Snapshot) -> Option<String> {
    if toleration.key.is_empty() {
        let taints = if toleration.effect.is_empty() {
            "every taint of every node".to_owned()
        } else {
            format!("every `{}` taint of every node", Cut(&toleration.effect))
        };
        return Some(format!("tolerates {taints}; name a key"));
    }
    if !toleration.has_known_operator() {
        return Some(format!(
            "operator `{}` on key `{}` is not allowed; use `Equal` with a value",
            Cut(&toleration.operator),
            Cut(&toleration.key)
        ));
    }
    if is_built_in(toleration)
        || snapshot.pools_of(tenant).any(|pool| reaches_only(toleration, pool))
        || tenant.tolerations.iter().any(|grant| grant.covers(toleration))
    {
        return None;
    }
    let key = Cut(&toleration.key);
    if snapshot.pools_of(tenant).flat_map(|pool| &pool.taints).any(|taint| *taint.key == *toleration.key) {
        return Some(if toleration.is_exists() {
            format!(
                "tolerates `{key}` whatever its value, so other tenants' nodes too; use operator `Equal` with the value of your pool, or leave the toleration out: it is added for you"
            )
        } else {
            format!(
                "`{key}={}` is not the taint of your pool; leave the toleration out: the right one is added for you",
                Cut(&toleration.value)
            )
        });
    }
    Some(format!(
        "tolerating `{key}` is not allowed; remove it, or ask the platform team to list it for the tenant"
    ))
}

/// Whether all it tolerates is a taint of `pool`: the same key and value. The effect does not matter, since no
/// other pool has the same key and value.
fn reaches_only(toleration: &Toleration<'_>, pool: &Pool) -> bool {
    toleration.is_equal()
        && pool.taints.iter().any(|taint| *taint.key == *toleration.key && *taint.value == *toleration.value)
}

/// The exact shapes that the API server and the DaemonSet controller add to pods. They are allowed to every
/// pod, since owner references are the tenant's to write; the stamp confines the pod to its pool all the same.
fn is_built_in(toleration: &Toleration<'_>) -> bool {
    toleration.is_exists()
        && toleration.value.is_empty()
        && matches!(
            (&*toleration.key, &*toleration.effect),
            ("node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable", "NoExecute")
                | (
                    "node.kubernetes.io/memory-pressure"
                        | "node.kubernetes.io/disk-pressure"
                        | "node.kubernetes.io/pid-pressure"
                        | "node.kubernetes.io/unschedulable"
                        | "node.kubernetes.io/network-unavailable",
                    "NoSchedule"
                )
        )
}

/// What an unclaimed pod does wrong: it tolerates a taint of a tenant's pool.
fn tolerates_a_pool(toleration: &Toleration<'_>, snapshot: &Snapshot) -> Option<String> {
    snapshot.is_pool_tolerated_by(toleration).then(|| {
        let what = if toleration.key.is_empty() {
            "every taint".to_owned()
        } else {
            format!("`{}`", Cut(&toleration.key))
        };
        format!("tolerates {what}, and so the nodes of tenants, from a namespace that is no tenant's; remove it, or narrow it to other keys and values")
    })
}

/// The toleration by value.
fn identity(toleration: &Toleration<'_>) -> String {
    let Toleration { key, operator, value, effect, .. } = toleration;
    format!("{key}\u{0}{operator}\u{0}{value}\u{0}{effect}")
}
