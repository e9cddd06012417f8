//! Mistakes about what operators grant: tolerations, other taints, devices, and topologies of anti-affinity.

use partywall_core::rule_id::RuleId;
use partywall_core::verdict::Violation;

use super::{Mistake, PLAIN, TOLERATED, created, toleration};
use crate::kube::{PodTerm, Toleration};
use crate::property::Claim;
use crate::wall::Review;
use crate::world::{HOSTNAME, ROLES};

/// A taint that is no pool's is tolerated without a grant.
const GRANTED: &[Claim] = &[Claim::ToleratesWhatIsGranted];
/// Other tenants' pods are kept off their nodes.
const ROOM: &[Claim] = &[Claim::LeavesRoomForOthers];

pub(super) const ALL: &[Mistake] = &[
    Mistake {
        name: "b7_takes_every_key_for_another_taint",
        breaks: TOLERATED,
        forgives: |violation, review| {
            let is_keyed = |toleration: &Toleration| !toleration.key.is_empty();
            review.world.allows_other_taints && toleration(violation, review).is_some_and(is_keyed)
        },
        ..PLAIN
    },
    Mistake {
        name: "b7_takes_a_role_for_another_taint",
        breaks: GRANTED,
        forgives: |violation, review| {
            let is_role = |toleration: &Toleration| toleration.key.starts_with(ROLES);
            review.world.allows_other_taints && toleration(violation, review).is_some_and(is_role)
        },
        ..PLAIN
    },
    Mistake {
        name: "b7_lets_tenants_without_pools_tolerate_other_taints",
        breaks: GRANTED,
        forgives: |violation, review| {
            let is_other = |toleration: &Toleration| {
                !toleration.key.is_empty()
                    && !toleration.key.starts_with(ROLES)
                    && !review.world.has_pool_taint(&toleration.key)
            };
            review.world.allows_other_taints && toleration(violation, review).is_some_and(is_other)
        },
        ..PLAIN
    },
    Mistake {
        name: "b7_compares_the_keys_of_listed_tolerations_only",
        breaks: GRANTED,
        forgives: |violation, review| {
            let is_listed = |toleration: &Toleration| {
                review.world.listed.iter().any(|listed| listed.key == toleration.key)
            };
            toleration(violation, review).is_some_and(is_listed)
        },
        ..PLAIN
    },
    Mistake {
        name: "o21_denies_what_everybody_may_tolerate",
        breaks: &[Claim::HarmlessIsAllowed],
        denies: Some(|pod, review| {
            review.owner()?;
            let is_listed =
                |toleration: &Toleration| review.world.listed.iter().any(|listed| listed.covers(toleration));
            pod.tolerations.iter().any(is_listed).then_some("a listed toleration")
        }),
        ..PLAIN
    },
    Mistake {
        name: "b16_trusts_the_name_of_a_device",
        breaks: TOLERATED,
        forgives: |violation, review| {
            let Some(pod) = created(review) else { return false };
            toleration(violation, review).is_some_and(|toleration| pod.requests(&toleration.key))
        },
        ..PLAIN
    },
    Mistake {
        name: "c12_looks_at_no_anti_affinity",
        breaks: ROOM,
        forgives: |violation, _| violation.rule == RuleId::PodAffinity,
        ..PLAIN
    },
    Mistake {
        name: "c12_grants_a_topology_to_all",
        breaks: ROOM,
        forgives: |violation, review| {
            let granted = |topology: &str| {
                review.world.tenants.iter().any(|tenant| tenant.topologies.contains(&topology))
            };
            is_of_topology(violation, review, granted)
        },
        ..PLAIN
    },
    Mistake {
        name: "c12_takes_every_node_for_its_own",
        breaks: ROOM,
        forgives: |violation, review| is_of_topology(violation, review, |topology| topology == HOSTNAME),
        ..PLAIN
    },
    Mistake {
        name: "o21_denies_a_topology_that_is_granted",
        breaks: &[Claim::HarmlessIsAllowed],
        denies: Some(|pod, review| {
            let tenant = review.owner()?;
            let is_granted = |term: &PodTerm| {
                term.namespace_selector.is_some() && tenant.topologies.contains(&&*term.topology_key)
            };
            pod.keeps_off().iter().any(is_granted).then_some("a granted topology")
        }),
        ..PLAIN
    },
];

/// Returns whether the violation is about a required anti-affinity in such a topology.
fn is_of_topology(violation: &Violation, review: &Review<'_>, is_it: impl Fn(&str) -> bool) -> bool {
    let prefix = "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[";
    let index =
        violation.field.strip_prefix(prefix).and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    let pod = created(review);
    let term = pod.zip(index).and_then(|(pod, index)| pod.keeps_off().get(index));
    violation.rule == RuleId::PodAffinity && term.is_some_and(|term| is_it(&term.topology_key))
}
