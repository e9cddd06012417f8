//! A rollout of partywall under load: no request fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::api::Api;
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::partywall::{Instance, Setup};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
/// Fifty creates a second.
const EVERY: Duration = Duration::from_millis(20);

pub(crate) fn l8_l9_a_rollout_under_load_fails_no_request(cluster: &Cluster) {
    let namespace = "x-restart";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let setup = Setup { drain: 2, ..cluster.setup.clone() };
    let mut first = cluster.instance("first", &setup);
    let mut second = cluster.instance("second", &setup);
    behind(cluster, &[&first, &second]);
    cluster.stop_partywall();

    let load = Load::start(cluster, namespace);
    load.until_created(50);
    for round in ["again", "once-more"] {
        first = replace(cluster, first, &second, &format!("first-{round}"), &setup);
        second = replace(cluster, second, &first, &format!("second-{round}"), &setup);
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
    println!("{created} pods in {took:.1?} ({rate:.0} a second), the slowest took {slowest:.2?}");
    assert!(rate >= 45.0, "the load was {rate:.0} a second");
    // The API server keeps its connections, so the last to start may have none; the one before took them over.
    let answered = first.figure("partywall_reviews_total{endpoint=\"mutate\",verdict=\"stamped\"}");
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

/// Pods that are created all the time, whatever becomes of those before.
struct Load {
    created: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Outcome>,
}

/// What became of a load.
struct Outcome {
    created: usize,
    /// Of those, the ones that were answered when the load ended.
    answered: usize,
    failures: Vec<String>,
    took: Duration,
    slowest: Duration,
}

impl Load {
    fn start(cluster: &Cluster, namespace: &str) -> Self {
        let (stop, stopped) = oneshot::channel();
        let created = Arc::default();
        let (api, path) = (cluster.api(TENANT), cluster.path("Pod", namespace));
        let task = cluster.runtime().spawn(create(api, path, Arc::clone(&created), stopped));
        Self { created, stop, task }
    }

    fn created(&self) -> usize {
        self.created.load(Ordering::Relaxed)
    }

    fn until_created(&self, at_least: usize) {
        eventually(SOON, "pods are created", || match self.created() {
            created if created >= at_least => Ok(()),
            created => Err(format!("{created} of {at_least}")),
        });
    }

    fn stop(self, cluster: &Cluster) -> Outcome {
        self.stop.send(()).unwrap();
        cluster.runtime().block_on(self.task).unwrap()
    }
}

async fn create(
    api: Api,
    path: String,
    created: Arc<AtomicUsize>,
    mut stopped: oneshot::Receiver<()>,
) -> Outcome {
    let mut ticks = interval(EVERY);
    // A slow answer must not thin out the load.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begin, mut next, mut requests) = (Instant::now(), 0_u32, JoinSet::new());
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = ticks.tick() => {}
        }
        next += 1;
        let pod = pod(next);
        let (api, path, created) = (api.clone(), path.clone(), Arc::clone(&created));
        requests.spawn(async move {
            let begin = Instant::now();
            let outcome = api.send_async(Method::POST, &path, &pod).await;
            if outcome.is_ok() {
                created.fetch_add(1, Ordering::Relaxed);
            }
            (outcome.map(drop).map_err(|error| error.to_string()), begin.elapsed())
        });
    }
    // What was answered by now: a server that falls behind has answered less.
    let (took, answered) = (begin.elapsed(), created.load(Ordering::Relaxed));
    let outcomes = requests.join_all().await;
    let slowest = outcomes.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let failures = outcomes.into_iter().filter_map(|(outcome, _)| outcome.err()).collect();
    Outcome { created: created.load(Ordering::Relaxed), answered, failures, took, slowest }
}

fn pod(number: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("load-{number}")},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
}
