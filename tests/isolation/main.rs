//! The isolation theorem: *if a pod as finally stored was allowed, then every node it could run on is in its
//! tenant's pools; and if it was harmless, it was allowed.*
//!
//! The liveness theorem stands beside it: *if some node that could exist in the tenant's pools meets all that a pod
//! demands, and no rule but `node-placement` objects, then the stamped pod is allowed, and could run on such a
//! node.*
//! What a node could have beside its pool's labels and taints is found by [`witness`], which knows nothing of the
//! stamp. So a denial by `node-placement` is right only where no such node can be.
//!
//! A case is a random cluster (pools, tenants with one pool, several or none, RuntimeClasses, nodes in pools, beside
//! them and in between), a random pod in a tenant's namespace or one that nobody claims, random things that other
//! webhooks do to it before and after the stamp, a binding by somebody, and a random update. It goes the way of a
//! pod in a cluster: RuntimeClass, `/mutate`, the other webhooks, RuntimeClass again, perhaps `/mutate` again, the
//! API server's own validation, `/validate`. DaemonSets have their template stamped and their controller make the
//! pod. Then an independent model of the scheduler and of kubelets ([`kube`]), written from what Kubernetes does and
//! from nothing of partywall, says where the pod could run. What is claimed of that is [`property::Claim`].
//!
//! Beside a tenant's pods stand the others: one in an unclaimed namespace, or of a tenant without pools, can run on
//! no node of a pool that carries one of the pool's taints (by effect `NoSchedule` or `NoExecute`; what keeps nobody
//! off keeps nobody off). And of any pod that is allowed the taints alone would do: it tolerates none of a pool that
//! is not its tenant's.
//!
//! What the operator grants belongs to the case: tolerations of single tenants and of everybody
//! (`Settings.tolerations`), all taints that are no pool's and no role's (`otherTaints`), topologies in which pods may
//! keep off those of others (`podAffinity.topologyKeys`), and devices whose taints Kubernetes lets their pods tolerate.
//! A pod that is allowed tolerates no more than that, and keeps no pod of others off a node beyond it.
//!
//! What stands outside: nodes that lie about their labels, static pods, schedulers and kubelets of a tenant's own,
//! rules that are not in mode `deny`, exemptions, and pods that were there before partywall (of these it is only
//! claimed that they may be updated otherwise).
//!
//! `cargo test` runs some thousand cases, new ones each time; a failure prints the smallest case that was found, and
//! the seed, which `PARTYWALL_ISOLATION_SEED` takes. For millions of them, in the night, with a line every ten
//! seconds of how far it is:
//!
//! ```sh
//! PARTYWALL_ISOLATION_CASES=5000000 cargo test --release --test isolation theorem
//! ```
//!
//! That the property can fail is shown by walls with one mistake each ([`mistakes`]), those that published policies
//! make among them: each breaks the claim that it should within some thousand cases, from a fixed seed; and
//! the same scaffold without a mistake breaks none.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test reads its environment, prints how far it is, and fails by panicking"
)]

mod api_server;
mod case;
mod choices;
mod harmless;
mod kube;
mod mistakes;
mod naive;
mod pen;
mod property;
mod run;
mod tally;
mod wall;
mod witness;
mod world;

use self::property::Claim;
use self::run::How;
use self::wall::Partywall;

/// The number of cases that plain `cargo test` runs.
const CASES: u64 = 2_500;
/// The number of cases among which a planted mistake must be found; most are found among the first hundred.
const SEARCHED: u64 = 4 * CASES;
/// The seed at which the search for a planted mistake begins.
const SEED: u64 = 1;

#[test]
fn theorem_holds_of_partywall() {
    let cases = number("PARTYWALL_ISOLATION_CASES").unwrap_or(CASES);
    let seed = seed(run::any_seed());
    let how = if cases > CASES { How::Long } else { How::Plain };
    match run::run(&Partywall, Claim::ALL, cases, seed, how) {
        // Too few cases may lack something by chance.
        Ok(tally) if cases >= CASES => tally_is_fair(&tally),
        Ok(_) => {}
        Err(failure) => panic!("PARTYWALL_ISOLATION_SEED={seed}, after {failure}"),
    }
}

/// Returns the seed of the first case.
fn seed(otherwise: u64) -> u64 {
    number("PARTYWALL_ISOLATION_SEED").unwrap_or(otherwise)
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Of a thousand cases at least so many are like that, or else a property that holds says little.
fn tally_is_fair(tally: &tally::Tally) {
    let cases = tally.of("case");
    for (what, per_thousand) in run::FAIR {
        let count = tally.of(what);
        assert!(count * 1000 >= cases * per_thousand, "only {count} of {cases}: {what}\n{tally}");
    }
}

/// Fails unless the mistake breaks a claim that it should.
fn is_found(name: &str) {
    let mistake = mistakes::all().find(|mistake| mistake.name == name).expect("a mistake of that name");
    match run::run(mistake, mistake.breaks, SEARCHED, seed(SEED), How::Unshrunk) {
        Ok(_) => panic!("not found in {SEARCHED} cases"),
        Err(failure) => {
            eprintln!("{name} is found after {} cases: {:?}", failure.cases, failure.broken.claim)
        }
    }
}

/// A test for every mistake.
macro_rules! planted {
    ($($name:ident,)*) => {
        mod planted {
            $(#[test]
            fn $name() {
                super::is_found(stringify!($name));
            })*
        }

        #[test]
        fn every_mistake_has_a_test() {
            let names: Vec<_> = mistakes::all().map(|mistake| mistake.name).collect();
            assert_eq!(names, [$(stringify!($name),)*]);
        }
    };
}

planted! {
    a1_appends_a_term,
    a2_stamps_the_last_term,
    a8_replaces_the_terms,
    a8_replaces_the_term_of_a_daemon,
    a3_forgets_match_fields,
    a5_fills_empty_terms,
    a4_takes_exists_for_in,
    a4_takes_any_list_with_the_value,
    a4_takes_not_in_another,
    a7_counts_what_is_preferred,
    a1_counts_terms_as_one,
    j1_trusts_the_stamp,
    b6_skips_update,
    b3_compares_toleration_keys_only,
    b8_looks_for_the_keys_of_pools,
    b4_takes_no_operator_for_nothing,
    b4_takes_no_effect_for_nothing,
    b5_lets_numbers_be_compared,
    b11_adds_no_toleration_of_a_key_that_is_there,
    b14_replaces_the_tolerations,
    b13_leaves_out_unclaimed_namespaces,
    b13_looks_at_node_selectors_only,
    c6_judges_placement_on_create_only,
    b6_judges_tolerations_on_create_only,
    c1_trusts_node_name,
    c2_trusts_who_binds,
    c2_forgets_the_legacy_bindings,
    a10_stamps_updates,
    o21_chooses_the_default_always,
    o21_ignores_affinity,
    o21_chooses_by_the_first_term_only,
    o21_chooses_a_set_where_one_was_meant,
    c6_chooses_for_a_gated_pod_at_once,
    k_leaves_a_pod_in_all_pools_when_its_last_gate_goes,
    o21_denies_labels_that_no_own_pool_has,
    o21_denies_a_term_that_is_impossible,
    b7_takes_every_key_for_another_taint,
    b7_takes_a_role_for_another_taint,
    b7_lets_tenants_without_pools_tolerate_other_taints,
    b7_compares_the_keys_of_listed_tolerations_only,
    o21_denies_what_everybody_may_tolerate,
    b16_trusts_the_name_of_a_device,
    c12_looks_at_no_anti_affinity,
    c12_grants_a_topology_to_all,
    c12_takes_every_node_for_its_own,
    o21_denies_a_topology_that_is_granted,
}

#[test]
fn the_scaffold_of_the_mistakes_has_none() {
    // It writes a term for each pool, which the update of a gated pod does not take for partywall's own.
    let claims: Vec<_> =
        Claim::ALL.iter().copied().filter(|claim| *claim != Claim::FreedOnlyWhereMeant).collect();
    if let Err(failure) = run::run(&mistakes::NONE, &claims, CASES, seed(SEED), How::Plain) {
        panic!("after {failure}");
    }
}
