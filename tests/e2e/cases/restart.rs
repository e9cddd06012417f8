//! A rollout of partywall under load: no request fails.

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::load::{Load, Outcome};
use crate::partywall::{Instance, Setup};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

pub(crate) fn l8_l9_a_rollout_under_load_fails_no_request(cluster: &Cluster) {
    // Of fifty, since the control planes of other cases share this machine's cores.
    rollouts_fail_no_request_of(Load::start, 25.0, 2, cluster);
}

pub(crate) fn l8_l9_a_hundred_rollouts_under_load_fail_no_request(cluster: &Cluster) {
    rollouts_fail_no_request_of(Load::start_dry, 180.0, 100, cluster);
}

/// Both instances are replaced in each rollout, under a load of at least so many creates a second.
fn rollouts_fail_no_request_of(
    start: fn(&Cluster, User, &str) -> Load,
    at_least: f64,
    rollouts: u32,
    cluster: &Cluster,
) {
    let namespace = "x-restart";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let setup = Setup { drain: 2, ..cluster.setup.clone() };
    let mut first = cluster.instance("first", &setup);
    let mut second = cluster.instance("second", &setup);
    behind(cluster, &[&first, &second]);
    cluster.stop_partywall();

    let load = start(cluster, TENANT, namespace);
    load.until_created(50);
    for rollout in 1..=rollouts {
        first = replace(cluster, first, &second, &format!("first-{rollout}"), &setup);
        second = replace(cluster, second, &first, &format!("second-{rollout}"), &setup);
    }
    load.until_created(load.created() + 50);
    let Outcome { created, answered, failures, took, slowest } = load.stop(cluster);
    assert!(
        failures.is_empty(),
        "{} of {} failed: {:?}",
        failures.len(),
        created + failures.len(),
        failures.first()
    );
    let rate = answered as f64 / took.as_secs_f64();
    println!(
        "{rollouts} rollouts: {created} pods in {took:.1?} ({rate:.0} a second), the slowest took {slowest:.2?}"
    );
    assert!(rate >= at_least, "the load was {rate:.0} a second");
    // The API server keeps its connections, so the last to start may have none; the one before took them over.
    let answered = first.figure("partywall_reviews_total{endpoint=\"mutate/tenants\",verdict=\"stamped\"}");
    assert!(answered > 0, "the last but one to start answered nothing:\n{}", first.metrics());
    drop((first, second));
    cluster.kubectl(User::Admin).args(["delete", "namespace", namespace, "--wait=false"]).succeeds();
}

/// The address leads to those of these that are ready.
fn behind(cluster: &Cluster, instances: &[&Instance]) {
    cluster.balancer.watch(instances.iter().copied());
    eventually(SOON, "all instances are behind the address", || {
        let backends = cluster.balancer.backends();
        if backends.len() == instances.len() { Ok(()) } else { Err(format!("{backends:?}")) }
    });
}

/// Ends one as a rollout does, with SIGTERM while the other serves, and starts its successor.
fn replace(cluster: &Cluster, old: Instance, other: &Instance, name: &str, setup: &Setup) -> Instance {
    let status = old.stop(SOON);
    assert!(status.is_some_and(|status| status.success()), "{name}'s predecessor ended with {status:?}");
    let new = cluster.instance(name, setup);
    behind(cluster, &[other, &new]);
    new
}
