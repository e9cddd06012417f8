//! `tolerations`: pods tolerate only the taints that their tenant may tolerate.
//!
//! Taints keep pods off tenants' nodes, and tolerations override taints. So in a tenant's namespace the rule denies
//! every toleration that it does not know to be harmless. It compares by meaning: a missing `operator` is `Equal`, a
//! missing `effect` is every effect, and an unknown operator (`Gt`, `Lt`) is denied whatever it compares. It allows
//! tolerations for the taints of the tenant's own pools (the same key **and** value), those that Kubernetes itself adds
//! to pods, those that the webhooks of the Settings' `provider` add, and those that the tenant lists. In an unclaimed
//! namespace a pod may tolerate every taint except those of tenants' pools.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::fmt;

use crate::json::Escaped;
use crate::judging::{Findings, Subject};
use crate::objects::scheduling::Toleration;
use crate::tenancy::{Snapshot, Tenant};

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(pod) = subject.pod() else { return };
    // The resources that containers request. The set is built at most once, because a pod may have very many
    // tolerations and containers.
    let asked_for = LazyCell::new(|| {
        pod.spec.containers().flat_map(|placed| placed.container.asked_for()).collect::<HashSet<_>>()
    });
    for (index, toleration) in pod.spec.tolerations().iter().enumerate() {
        let refusal = match subject.tenant() {
            Some(tenant) => refusal(toleration, tenant, subject.snapshot).filter(|_| {
                !(is_like_a_devices(toleration)
                    && asked_for.contains(&*toleration.key)
                    && subject.snapshot.is_taint_key_of(&toleration.key, tenant))
            }),
            None => subject.snapshot.is_pool_tolerated_by(toleration).then_some(Refusal::OfUnclaimed),
        };
        let Some(refusal) = refusal else { continue };
        findings.add_whole(
            &format_args!("{}.tolerations[{index}]", pod.spec_path),
            &fmt::from_fn(|f| refusal.explain(toleration, f)),
            &fmt::from_fn(|f| {
                let Toleration { key, operator, value, effect, toleration_seconds } = toleration;
                write!(f, "{key}\u{0}{operator}\u{0}{value}\u{0}{effect}\u{0}{toleration_seconds:?}")
            }),
        );
    }
}

/// Names the reason why a toleration is refused.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    NoKey,
    UnknownOperator,
    /// The toleration has the taint key of a pool of the tenant, and tolerates every value.
    EveryValueOfThePool,
    /// The toleration has the taint key of a pool of the tenant, and another value.
    OtherValueOfThePool,
    NotListed,
    /// A pod outside tenants tolerates the taint of a tenant's pool.
    OfUnclaimed,
}

/// Returns the reason why a tenant may not use the toleration, or `None` if it may.
fn refusal(toleration: &Toleration<'_>, tenant: &Tenant, snapshot: &Snapshot) -> Option<Refusal> {
    if toleration.key.is_empty() {
        return Some(Refusal::NoKey);
    }
    if !toleration.has_known_operator() {
        return Some(Refusal::UnknownOperator);
    }
    if is_built_in(toleration)
        || snapshot.is_own_taint_tolerated(toleration, tenant)
        || tenant.tolerations.iter().chain(&snapshot.tolerations).any(|allowed| allowed.covers(toleration))
    {
        return None;
    }
    Some(match snapshot.has_taint_key(&toleration.key, tenant) {
        true if toleration.is_exists() => Refusal::EveryValueOfThePool,
        true => Refusal::OtherValueOfThePool,
        false => Refusal::NotListed,
    })
}

impl Refusal {
    fn explain(self, toleration: &Toleration<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Toleration { key, operator, value, effect, .. } = toleration;
        let key = Escaped(key);
        match self {
            Self::NoKey if effect.is_empty() => f.write_str("tolerates every taint of every node; set a key"),
            Self::NoKey => {
                write!(f, "tolerates every `{}` taint of every node; set a key", Escaped(effect))
            }
            Self::UnknownOperator => write!(
                f,
                "operator `{}` on key `{key}` is not allowed; use `Equal` with a value",
                Escaped(operator)
            ),
            Self::EveryValueOfThePool => write!(
                f,
                "tolerates `{key}` with any value, and so other tenants' nodes; use operator `Equal` with the value of \
                 the tenant's pool, or remove the toleration, and partywall adds the right one"
            ),
            Self::OtherValueOfThePool => write!(
                f,
                "`{key}={}` is not the taint of the tenant's pool; remove the toleration, and partywall adds the right \
                 one",
                Escaped(value)
            ),
            Self::NotListed => write!(
                f,
                "tolerating `{key}` is not allowed; remove it, or ask the platform team to list it in the tenant's \
                 `tolerations`"
            ),
            Self::OfUnclaimed => {
                f.write_str("tolerates ")?;
                if toleration.key.is_empty() {
                    match &*toleration.effect {
                        "" => f.write_str("every taint")?,
                        effect => write!(f, "every `{}` taint", Escaped(effect))?,
                    }
                } else {
                    write!(f, "`{key}`")?
                }
                f.write_str(
                    ", and so tenants' nodes; restrict it to other keys, or, for an agent of every node, have the \
                     namespace listed in `systemNamespaces` of the Settings",
                )
            }
        }
    }
}

/// Returns whether the plugin ExtendedResourceToleration adds this toleration or a wider one.
///
/// For each extended resource that a pod requests, the plugin adds a toleration with the resource's name as the key.
/// Only nodes with that resource can run the pod, so the toleration reaches no other nodes. The caller checks that the
/// pod requests the resource, and that no pool of others has a taint with that key.
fn is_like_a_devices(toleration: &Toleration<'_>) -> bool {
    let key = &*toleration.key;
    ((toleration.is_exists() && toleration.value.is_empty()) || toleration.is_equal())
        && &*toleration.effect == "NoSchedule"
        // Kubernetes treats resources with such names as extended resources.
        && key.contains('/')
        && !key.contains("kubernetes.io/")
}

/// Returns whether the API server or the DaemonSet controller adds exactly this toleration to pods.
///
/// Every pod may have it, whoever owns the pod: owner references prove nothing, because tenants can write them. The
/// stamp still confines the pod to its pool.
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
