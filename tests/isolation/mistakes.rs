//! Walls with one mistake each, of those that published policies make: partywall, but for that.
//!
//! What partywall says of the part in question is forgiven, and a naive judgement put in its place, on updates as
//! well only of what got worse. Each comes with the claim that it must break, so that none is found for a reason of
//! its scaffold.

mod grants;

use partywall_core::rule_id::RuleId;
use partywall_core::verdict::Violation;

use super::kube::{Pod, Requirement, Term, Toleration};
use super::naive::{By, Terms, demands, judge_terms, own_pools, pins, stamp_terms};
use super::property::Claim;
use super::wall::{Asked, Partywall, Review, Wall, in_words, violations};
use super::world::Pool;

pub(crate) struct Mistake {
    pub(crate) name: &'static str,
    /// The claims that it breaks.
    pub(crate) breaks: &'static [Claim],
    /// The stamp on CREATE; `None`: partywall's own.
    stamp: Option<fn(&mut Pod, &Review<'_>)>,
    /// True if UPDATE is stamped like CREATE.
    stamps_updates: bool,
    /// Selects the violations of partywall that this judgement lacks.
    forgives: fn(&Violation, &Review<'_>) -> bool,
    /// Returns the violation that this judgement finds instead.
    denies: Option<fn(&Pod, &Review<'_>) -> Option<&'static str>>,
}

const ISOLATED: &[Claim] = &[Claim::Isolated];
/// If tolerations are judged badly, labels still hold the pods of tenants with pools; other pods are not held.
const TOLERATED: &[Claim] = &[Claim::Isolated, Claim::KeptOffByTaints];

/// What a pod could do is taken away from it.
const ALIVE: &[Claim] = &[Claim::RunsSomewhere];

const PLAIN: Mistake = Mistake {
    name: "",
    breaks: &[],
    stamp: None,
    stamps_updates: false,
    forgives: |_, _| false,
    denies: None,
};

/// The same scaffold with none of the mistakes: every term is stamped, every term is judged.
pub(crate) const NONE: Mistake = Mistake {
    name: "none",
    stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Every, By::Everything)),
    forgives: is_of_terms,
    denies: Some(|pod, review| judge_terms(pod, review, |terms, is_pinned| terms.iter().all(is_pinned))),
    ..PLAIN
};

/// All mistakes.
pub(crate) fn all() -> impl Iterator<Item = &'static Mistake> {
    PLACEMENT.iter().chain(grants::ALL)
}

const PLACEMENT: &[Mistake] = &[
    Mistake {
        name: "a1_appends_a_term",
        breaks: ISOLATED,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Appended, By::Everything)),
        denies: Some(|pod, review| judge_terms(pod, review, |terms, is_pinned| terms.iter().any(is_pinned))),
        ..NONE
    },
    Mistake {
        name: "a2_stamps_the_last_term",
        breaks: ISOLATED,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Last, By::Everything)),
        denies: Some(|pod, review| {
            judge_terms(pod, review, |terms, is_pinned| terms.last().is_none_or(is_pinned))
        }),
        ..NONE
    },
    Mistake {
        name: "a8_replaces_the_terms",
        breaks: &[Claim::Narrowed],
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Replaced, By::Everything)),
        ..NONE
    },
    Mistake {
        name: "a8_replaces_the_term_of_a_daemon",
        breaks: &[Claim::Narrowed],
        stamp: Some(|pod, review| {
            let is_daemon = review.user.ends_with(":daemon-set-controller");
            let which = if is_daemon { Terms::Replaced } else { Terms::Every };
            stamp_terms(pod, review, which, By::Everything);
        }),
        ..NONE
    },
    Mistake {
        name: "a3_forgets_match_fields",
        breaks: ISOLATED,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::WithExpressions, By::Everything)),
        denies: Some(|pod, review| {
            judge_terms(pod, review, |terms, is_pinned| {
                terms.iter().filter(|term| !term.match_expressions.is_empty()).all(is_pinned)
            })
        }),
        ..NONE
    },
    Mistake {
        name: "a5_fills_empty_terms",
        breaks: &[Claim::Narrowed],
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::EmptyToo, By::Everything)),
        ..NONE
    },
    Mistake {
        name: "a4_takes_exists_for_in",
        breaks: ISOLATED,
        forgives: |violation, review| {
            is_unpinned(violation)
                && every_term_has(review, |requirement, (key, _)| {
                    requirement.key == *key && requirement.operator == "Exists"
                })
        },
        ..PLAIN
    },
    Mistake {
        name: "a4_takes_any_list_with_the_value",
        breaks: ISOLATED,
        forgives: |violation, review| {
            is_unpinned(violation)
                && every_term_has(review, |requirement, (key, value)| {
                    requirement.key == *key
                        && requirement.operator == "In"
                        && requirement.values.contains(value)
                })
        },
        ..PLAIN
    },
    Mistake {
        name: "a4_takes_not_in_another",
        breaks: ISOLATED,
        forgives: |violation, review| {
            is_unpinned(violation)
                && every_term_has(review, |requirement, (key, value)| {
                    requirement.key == *key
                        && requirement.operator == "NotIn"
                        && !requirement.values.contains(value)
                })
        },
        ..PLAIN
    },
    Mistake {
        name: "a7_counts_what_is_preferred",
        breaks: ISOLATED,
        forgives: |violation, review| {
            let Some(pod) = created(review) else { return false };
            let mut preferred = pod.preferred().iter().map(|preferred| &preferred.preference);
            is_unpinned(violation) && preferred.any(|term| own_pools(review).any(|pool| pins(term, pool)))
        },
        ..PLAIN
    },
    Mistake {
        name: "a1_counts_terms_as_one",
        breaks: ISOLATED,
        // Each label is somewhere, in the nodeSelector or in any term.
        forgives: |violation, review| {
            let Some(pod) = created(review) else { return false };
            let terms = pod.terms().unwrap_or_default();
            is_unpinned(violation)
                && own_pools(review).any(|pool| {
                    pool.labels.iter().all(|(key, value)| {
                        pod.node_selector.get(key) == Some(value)
                            || terms.iter().any(|term| demands(term, key, value))
                    })
                })
        },
        ..PLAIN
    },
    Mistake {
        name: "j1_trusts_the_stamp",
        breaks: ISOLATED,
        forgives: |violation, _| is_unpinned(violation),
        ..PLAIN
    },
    Mistake {
        name: "b6_skips_update",
        breaks: TOLERATED,
        forgives: |_, review| matches!(review.asked, Asked::Pod { old: Some(_), .. }),
        ..PLAIN
    },
    Mistake {
        name: "b3_compares_toleration_keys_only",
        breaks: TOLERATED,
        forgives: |violation, review| {
            let keys = own_pools(review).flat_map(|pool| &pool.taints).map(|taint| taint.key);
            toleration(violation, review)
                .is_some_and(|toleration| keys.into_iter().any(|key| key == toleration.key))
        },
        ..PLAIN
    },
    Mistake {
        name: "b8_looks_for_the_keys_of_pools",
        breaks: TOLERATED,
        // So that a toleration without a key passes.
        forgives: |violation, review| {
            toleration(violation, review).is_some_and(|toleration| toleration.key.is_empty())
        },
        ..PLAIN
    },
    Mistake {
        name: "b4_takes_no_operator_for_nothing",
        breaks: TOLERATED,
        forgives: |violation, review| {
            toleration(violation, review).is_some_and(|toleration| toleration.operator.is_empty())
        },
        ..PLAIN
    },
    Mistake {
        name: "b4_takes_no_effect_for_nothing",
        breaks: TOLERATED,
        forgives: |violation, review| {
            toleration(violation, review).is_some_and(|toleration| toleration.effect.is_empty())
        },
        ..PLAIN
    },
    Mistake {
        name: "b5_lets_numbers_be_compared",
        breaks: TOLERATED,
        forgives: |violation, review| {
            toleration(violation, review)
                .is_some_and(|toleration| matches!(&*toleration.operator, "Gt" | "Lt"))
        },
        ..PLAIN
    },
    Mistake {
        name: "b11_adds_no_toleration_of_a_key_that_is_there",
        breaks: &[Claim::RunsInItsPool],
        stamp: Some(|pod, review| {
            let written = pod.tolerations.clone();
            stamp_terms(pod, review, Terms::Every, By::Everything);
            let is_new = |added: &Toleration| !written.iter().any(|written| written.key == added.key);
            pod.tolerations.retain(|toleration| written.contains(toleration) || is_new(toleration));
        }),
        ..NONE
    },
    Mistake {
        name: "b14_replaces_the_tolerations",
        breaks: &[Claim::RunsInItsPool],
        stamp: Some(|pod, review| {
            if review.owner().is_some() {
                pod.tolerations.clear();
            }
            stamp_terms(pod, review, Terms::Every, By::Everything);
        }),
        ..NONE
    },
    Mistake {
        name: "b13_leaves_out_unclaimed_namespaces",
        breaks: ISOLATED,
        forgives: |_, review| review.owner().is_none(),
        ..PLAIN
    },
    Mistake {
        name: "b13_looks_at_node_selectors_only",
        breaks: &[Claim::LeavesPoolsAlone],
        forgives: |violation, _| violation.field.contains("nodeSelectorTerms"),
        ..PLAIN
    },
    Mistake {
        name: "c6_judges_placement_on_create_only",
        breaks: &[Claim::LeavesPoolsAlone],
        forgives: |violation, review| {
            violation.rule == RuleId::NodePlacement && matches!(review.asked, Asked::Pod { old: Some(_), .. })
        },
        ..PLAIN
    },
    Mistake {
        name: "b6_judges_tolerations_on_create_only",
        breaks: TOLERATED,
        forgives: |violation, review| {
            violation.rule == RuleId::Tolerations && matches!(review.asked, Asked::Pod { old: Some(_), .. })
        },
        ..PLAIN
    },
    Mistake {
        name: "c1_trusts_node_name",
        breaks: ISOLATED,
        forgives: |violation, _| violation.field == "spec.nodeName",
        ..PLAIN
    },
    Mistake {
        name: "c2_trusts_who_binds",
        breaks: ISOLATED,
        forgives: |violation, _| violation.field == "target.name",
        ..PLAIN
    },
    Mistake {
        name: "c2_forgets_the_legacy_bindings",
        breaks: ISOLATED,
        forgives: |_, review| matches!(review.asked, Asked::Binding { is_legacy: true, .. }),
        ..PLAIN
    },
    Mistake {
        name: "a10_stamps_updates",
        breaks: &[Claim::UpdatesAreNotPatched],
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Appended, By::Everything)),
        stamps_updates: true,
        ..NONE
    },
    Mistake {
        name: "o21_chooses_the_default_always",
        breaks: ALIVE,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Every, By::Nothing)),
        ..NONE
    },
    Mistake {
        name: "o21_ignores_affinity",
        breaks: ALIVE,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Every, By::Selector)),
        ..NONE
    },
    Mistake {
        name: "o21_chooses_by_the_first_term_only",
        breaks: ALIVE,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Every, By::FirstTerm)),
        ..NONE
    },
    Mistake {
        name: "o21_chooses_a_set_where_one_was_meant",
        breaks: &[Claim::RunsOnlyWhereMeant],
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Every, By::Possibility)),
        ..NONE
    },
    Mistake {
        name: "c6_chooses_for_a_gated_pod_at_once",
        breaks: ALIVE,
        stamp: Some(|pod, review| stamp_terms(pod, review, Terms::Every, By::Ungated)),
        ..NONE
    },
    Mistake {
        name: "k_leaves_a_pod_in_all_pools_when_its_last_gate_goes",
        breaks: &[Claim::FreedOnlyWhereMeant],
        stamp: Some(|pod, review| {
            if matches!(review.asked, Asked::Pod { old: None, .. }) {
                *pod = Partywall.stamp(review);
            }
        }),
        stamps_updates: true,
        ..PLAIN
    },
    Mistake {
        name: "o21_denies_labels_that_no_own_pool_has",
        breaks: ALIVE,
        denies: Some(|pod, review| {
            let is_foreign = |(key, value): (&String, &String)| {
                let mut own = own_pools(review).filter_map(|pool| pool.labels.get(key)).peekable();
                own.peek().is_some() && !own.any(|own| own == value)
            };
            pod.node_selector.iter().any(is_foreign).then_some("another pool's label")
        }),
        ..PLAIN
    },
    Mistake {
        name: "o21_denies_a_term_that_is_impossible",
        breaks: ALIVE,
        denies: Some(|pod, review| {
            let is_impossible = |term: &Term| {
                let contradicts = |pool: &Pool| {
                    term.match_expressions.iter().any(|requirement| {
                        pool.labels.get(&requirement.key).is_some_and(|own| !requirement.holds_of(Some(own)))
                    })
                };
                own_pools(review).next().is_some() && own_pools(review).all(contradicts)
            };
            pod.terms().unwrap_or_default().iter().any(is_impossible).then_some("an impossible term")
        }),
        ..PLAIN
    },
];

impl Wall for Mistake {
    fn stamp(&self, review: &Review<'_>) -> Pod {
        match (self.stamp, review.asked) {
            (Some(stamp), Asked::Pod { pod, old }) if old.is_none() || self.stamps_updates => {
                let mut pod = pod.clone();
                stamp(&mut pod, review);
                pod
            }
            _ => Partywall.stamp(review),
        }
    }

    fn denial(&self, review: &Review<'_>) -> Option<String> {
        let mut left = violations(review);
        left.retain(|violation| !(self.forgives)(violation, review));
        let naive = self.denies.and_then(|denies| match review.asked {
            Asked::Pod { pod, old } => {
                denies(pod, review).filter(|_| old.is_none_or(|old| denies(old, review).is_none()))
            }
            Asked::DaemonSet(_) | Asked::Binding { .. } => None,
        });
        in_words(&left).or_else(|| naive.map(str::to_owned))
    }
}

/// The pod that is created or updated.
fn created<'r>(review: &Review<'r>) -> Option<&'r Pod> {
    match review.asked {
        Asked::Pod { pod, .. } => Some(pod),
        Asked::DaemonSet(_) | Asked::Binding { .. } => None,
    }
}

/// Returns whether the violation says that the pod could run on other nodes.
fn is_unpinned(violation: &Violation) -> bool {
    violation.rule == RuleId::NodePlacement
        && (violation.field == "spec.nodeSelector" || violation.field.contains("nodeSelectorTerms"))
}

/// Returns whether the violation is about the stamp of a tenant's pods.
fn is_of_terms(violation: &Violation, review: &Review<'_>) -> bool {
    let is_about = is_unpinned(violation)
        || violation.field.starts_with("spec.nodeSelector[")
        || violation.field == "spec.tolerations";
    violation.rule == RuleId::NodePlacement && is_about && own_pools(review).next().is_some()
}

/// The toleration that partywall denies.
fn toleration<'r>(violation: &Violation, review: &Review<'r>) -> Option<&'r Toleration> {
    let index = violation.field.strip_prefix("spec.tolerations[")?.strip_suffix(']')?;
    created(review)?.tolerations.get(index.parse::<usize>().ok()?)
}

/// Returns whether there are terms, and each has a requirement for every label of some pool.
fn every_term_has(review: &Review<'_>, will_do: fn(&Requirement, (&String, &String)) -> bool) -> bool {
    let looks_pinned = |term: &Term| {
        own_pools(review).any(|pool| {
            let has = |label| term.match_expressions.iter().any(|requirement| will_do(requirement, label));
            pool.labels.iter().all(has)
        })
    };
    created(review).and_then(Pod::terms).is_some_and(|terms| terms.iter().all(looks_pinned))
}
