//! Certificates and CAs are replaced while the API server calls, and no call fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::Installation;
use crate::load::Load;
use crate::partywall::Instance;
use crate::users::User;

const LEAF: &str = "partywall_certificate_expiry_timestamp_seconds{certificate=\"serving\"}";
const CA: &str = "partywall_certificate_expiry_timestamp_seconds{certificate=\"current_ca\"}";
const NAMESPACE: &str = "x-rollover";
/// What the API server itself says when it has no room; then it calls no webhook.
pub(super) const NO_ROOM: &str = "Too many requests, please try again later";
const LONG: Duration = Duration::from_mins(15);

/// How often each certificate is to be replaced.
struct Goal {
    leaves: usize,
    cas: usize,
    compromised: usize,
    /// How many loads of fifty pods a second there are.
    loads: usize,
}

/// Counts how often a figure changes.
struct Changes {
    last: u64,
    count: usize,
}

impl Changes {
    fn look(&mut self, figure: u64) {
        if figure != self.last {
            (self.last, self.count) = (figure, self.count + 1);
        }
    }
}

pub(crate) fn certificates_roll_over_under_load(cluster: &Cluster) {
    roll_over(cluster, &Goal { leaves: 2, cas: 1, compromised: 0, loads: 1 }, "60", "20");
}

pub(crate) fn many_certificates_roll_over_under_load(cluster: &Cluster) {
    roll_over(cluster, &Goal { leaves: 20, cas: 5, compromised: 2, loads: 4 }, "120", "30");
}

/// How often the current CA is replaced while replicas are killed.
const PROMOTIONS: usize = 3;

/// A promotion is several writes: the Secret, and the bundles of both configurations before and after it. At each of
/// them a replica is killed, one after the other in turn.
pub(crate) fn replicas_that_are_killed_at_each_step_of_a_promotion_go_on(cluster: &Cluster) {
    const NAMES: [&str; 2] = ["killed-1", "killed-2"];
    const FLAGS: [&str; 2] = ["--ca-lifetime=60", "--leaf-lifetime=20"];
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let mut replicas = installation.start(&NAMES, &FLAGS);
    installation.until_armed();

    let current = |installation: &Installation<'_>| installation.secret()["data"]["current.crt"].clone();
    let (mut seen, mut ca) = (installation.steps(), current(&installation));
    let (mut killed, mut promotions) = (0, 0);
    eventually(LONG, "CAs are promoted", || {
        let step = installation.steps();
        if step == seen {
            return Err(format!("{promotions} promotions, {killed} killed"));
        }
        seen = step;
        let index = killed % NAMES.len();
        // Dropped, it is killed, before the next one has its name.
        drop(replicas.remove(index));
        replicas.insert(index, installation.start_unready(NAMES[index], &FLAGS));
        cluster.balancer.watch(&replicas);
        replicas.iter_mut().for_each(Instance::until_ready);
        killed += 1;
        let now = current(&installation);
        if now != ca {
            (ca, promotions) = (now, promotions + 1);
        }
        // Whatever was half done is done, or done again, by the next one.
        cluster.until_judged();
        if promotions >= PROMOTIONS {
            Ok(())
        } else {
            Err(format!("{promotions} promotions, {killed} killed"))
        }
    });
    println!("{promotions} promotions, at whose steps {killed} replicas were killed");
    assert!(killed >= 3 * PROMOTIONS, "a promotion has more steps than {killed} in {promotions}");
    eventually(SOON, "all replicas are trusted", || {
        let trusts = |replica| installation.trusts(replica);
        if replicas.iter().all(trusts) { Ok(()) } else { Err("a replica is not trusted") }
    });
    installation.remove(replicas);
}

fn roll_over(cluster: &Cluster, goal: &Goal, ca: &str, leaf: &str) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let (ca, leaf) = (format!("--ca-lifetime={ca}"), format!("--leaf-lifetime={leaf}"));
    let replicas = installation.start(&["rollover-1", "rollover-2"], &[&ca, &leaf]);
    installation.until_armed();
    cluster.tenant_namespace(NAMESPACE, "tenants-x", "tenant-x");

    let loads: Vec<Load> =
        (0..goal.loads).map(|_| Load::start(cluster, User::Tenant("tenant-x"), NAMESPACE)).collect();
    let (over, fresh) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let client = scope.spawn(|| connect_again_and_again(&installation, &replicas, &over, &fresh));
        let begun = Instant::now();
        wait(&replicas[0], goal, |done| {
            // The others follow by themselves.
            let compromised = installation.partywall("rotate-ca --compromised").succeeded();
            println!(
                "compromised rotation {done}: {}",
                compromised.stdout.lines().last().unwrap_or_default()
            );
        });
        println!("all were replaced in {:.0?}", begun.elapsed());
        over.store(true, Ordering::Relaxed);
        client.join().unwrap();
    });
    let (mut created, mut failures) = (0, Vec::new());
    for load in loads {
        let outcome = load.stop(cluster);
        created += outcome.created;
        failures.extend(outcome.failures);
    }
    let count = failures.len();
    failures.retain(|failure| !failure.contains(NO_ROOM));
    println!(
        "{created} pods created, for {} the API server had no room; {} fresh connections",
        count - failures.len(),
        fresh.load(Ordering::Relaxed)
    );
    assert!(failures.is_empty(), "{} of {created} failed: {:?}", failures.len(), failures.first());
    let namespace = ["delete", "namespace", NAMESPACE, "--wait=false"];
    cluster.kubectl(User::Admin).args(namespace).succeeds();
    installation.remove(replicas);
}

/// Waits until all is replaced, and rotates in between.
fn wait(replica: &Instance, goal: &Goal, rotate: impl Fn(usize)) {
    let mut leaves = Changes { last: replica.figure(LEAF), count: 0 };
    let mut cas = Changes { last: replica.figure(CA), count: 0 };
    let mut rotated = 0;
    eventually(LONG, "certificates and CAs are replaced", || {
        leaves.look(replica.figure(LEAF));
        cas.look(replica.figure(CA));
        if rotated < goal.compromised && cas.count > rotated * 2 {
            rotated += 1;
            rotate(rotated);
        }
        let is_done = leaves.count >= goal.leaves
            && cas.count >= goal.cas + goal.compromised
            && rotated == goal.compromised;
        if is_done {
            Ok(())
        } else {
            Err(format!("{} leaves, {} CAs, {rotated} rotations", leaves.count, cas.count))
        }
    });
    println!("{} leaves, {} CAs, {rotated} of them compromised", leaves.count, cas.count);
}

/// Connects to each replica with the bundle that is registered, until it is over.
fn connect_again_and_again(
    installation: &Installation<'_>,
    replicas: &[Instance],
    over: &AtomicBool,
    count: &AtomicUsize,
) {
    while !over.load(Ordering::Relaxed) {
        for replica in replicas {
            installation.must_trust(replica);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
