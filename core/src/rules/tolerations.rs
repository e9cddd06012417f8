//! `tolerations`: pods tolerate only the taints that their tenant may tolerate.
//!
//! Taints keep pods off tenants' nodes, and tolerations override taints. So in a tenant's namespace the rule denies
//! every toleration that it does not know to be harmless. It compares by meaning: a missing `operator` is `Equal`, a
//! missing `effect` is every effect, and an unknown operator (`Gt`, `Lt`) is denied whatever it compares. It allows
//! tolerations for the taints of the tenant's own pools (the same key **and** value), those for the problems of nodes
//! that Kubernetes itself adds to pods, whatever their effect, those that the webhooks of the Settings' `provider` add,
//! and those that the Tenant or the Settings list. With `otherTaints: Allow`, pods of a tenant with pools may tolerate
//! every taint that is no pool's and no role's, since they run only on the tenant's own nodes, as long as the mode of
//! `node-placement` is `deny`. In an unclaimed namespace a pod may tolerate every taint except those of tenants' pools.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::fmt;

use crate::api::Effect;
use crate::json::Escaped;
use crate::judging::{Findings, Subject, some_of};
use crate::labels::NODE_PROBLEMS;
use crate::objects::scheduling::Toleration;
use crate::tenancy::{AllowedToleration, Snapshot, Tenant};

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
        let value = subject
            .snapshot
            .is_pool_tolerated_by(toleration)
            .then(|| subject.snapshot.reach().strictest_of(|index| index.is_tolerated_by(toleration)));
        findings.reaching(value).add_whole(
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
enum Refusal<'s> {
    /// The toleration has no key, and the Tenant (first) and the Settings (second) list these.
    NoKey(&'s [AllowedToleration], &'s [AllowedToleration]),
    UnknownOperator,
    /// The toleration has the taint key of a pool of the tenant, and tolerates every value.
    EveryValueOfThePool,
    /// The toleration has the taint key of a pool of the tenant, and another value.
    OtherValueOfThePool,
    /// The Tenant lists the key (first) or the Settings do (second), with another value or effect.
    ListedOtherwise(&'s [AllowedToleration], &'s [AllowedToleration]),
    NotListed,
    /// A pod outside tenants tolerates the taint of a tenant's pool.
    OfUnclaimed,
}

/// Returns the reason why a tenant may not use the toleration, or `None` if it may.
fn refusal<'s>(
    toleration: &Toleration<'_>,
    tenant: &'s Tenant,
    snapshot: &'s Snapshot,
) -> Option<Refusal<'s>> {
    if toleration.key.is_empty() {
        return Some(Refusal::NoKey(&tenant.tolerations, &snapshot.tolerations));
    }
    if snapshot.is_other_taint(&toleration.key, tenant) {
        return None;
    }
    if !toleration.has_known_operator() {
        return Some(Refusal::UnknownOperator);
    }
    if is_built_in(toleration)
        || snapshot.is_own_taint_tolerated(toleration, tenant)
        || snapshot.is_listed(toleration, tenant)
    {
        return None;
    }
    let listed = (tenant.tolerations.of_key(&toleration.key), snapshot.tolerations.of_key(&toleration.key));
    Some(match (snapshot.has_taint_key(&toleration.key, tenant), listed) {
        (true, _) if toleration.is_exists() => Refusal::EveryValueOfThePool,
        (true, _) => Refusal::OtherValueOfThePool,
        (false, ([], [])) => Refusal::NotListed,
        (false, (by_tenant, by_settings)) => Refusal::ListedOtherwise(by_tenant, by_settings),
    })
}

/// Returns the keys of tolerations that are sorted by key.
fn keys(listed: &[AllowedToleration]) -> impl Iterator<Item = &str> + Clone {
    listed.chunk_by(|one, other| one.key == other.key).filter_map(|same| same.first()).map(|one| &*one.key)
}

impl Refusal<'_> {
    fn explain(self, toleration: &Toleration<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Toleration { key, operator, value, effect, .. } = toleration;
        let key = Escaped(key);
        match self {
            Self::NoKey(by_tenant, by_settings) => {
                match &**effect {
                    "" => f.write_str("tolerates every taint of every node")?,
                    effect => write!(f, "tolerates every `{}` taint of every node", Escaped(effect))?,
                }
                f.write_str(
                    "; remove it, since partywall adds those of the tenant's own pools, or set a key ",
                )?;
                let listed = keys(by_tenant).chain(keys(by_settings));
                match listed.clone().count() {
                    0 => f.write_str("that the platform team lists in the tenant's `tolerations`"),
                    count => write!(f, "(listed here: {})", some_of(listed, count)),
                }
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
            Self::ListedOtherwise(by_tenant, by_settings) => {
                let of_value = || {
                    let listed = by_tenant.iter().chain(by_settings);
                    listed.filter(|listed| listed.covers_value_of(toleration))
                };
                let effects = of_value().filter_map(|listed| listed.effect.map(Effect::as_str));
                match of_value().count() {
                    0 => {
                        let listed = by_tenant.iter().chain(by_settings);
                        let values = listed.map(|listed| Value(&listed.value));
                        write!(
                            f,
                            "the listed value of `{key}` is {}; write `operator: Equal` and that value, or ask the \
                             platform team to list `operator: Exists` in the tenant's `tolerations`",
                            some_of(values, by_tenant.len() + by_settings.len())
                        )
                    }
                    all => write!(
                        f,
                        "`{key}` is listed with effect {} only; write that effect, or ask the platform team to list \
                         it without `effect` in the tenant's `tolerations`",
                        some_of(effects, all)
                    ),
                }
            }
            Self::NotListed => write!(
                f,
                "tolerating `{key}` is not allowed; remove it, or ask the platform team to list it in the tenant's \
                 `tolerations`, or in `tolerations` of the Settings if every pod gets it"
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
                     platform team list the namespace in `systemNamespaces` of the Settings, or write an Exemption \
                     for the namespace",
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

/// Formats a listed value, which may be empty.
struct Value<'v>(&'v str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { self.0 })
    }
}

/// Returns whether the taint is one of those whose tolerations the API server or the DaemonSet controller adds to pods.
///
/// Every pod may have such a toleration, in every form: owner references prove nothing, because tenants can write them,
/// and people write these tolerations without an effect or with other seconds. Kubernetes sets such taints on a node
/// that has a problem, and no pool may have one, so they keep no tenant off others' nodes.
fn is_built_in(toleration: &Toleration<'_>) -> bool {
    toleration.key.strip_prefix(NODE_PROBLEMS).is_some_and(|problem| {
        matches!(
            problem,
            "not-ready"
                | "unreachable"
                | "memory-pressure"
                | "disk-pressure"
                | "pid-pressure"
                | "unschedulable"
                | "network-unavailable"
        )
    })
}
