//! A steady load of pods.

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
use crate::users::User;

/// Fifty creates a second.
const EVERY: Duration = Duration::from_millis(20);

/// Pods that are created all the time, whatever becomes of those before.
pub(crate) struct Load {
    created: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Outcome>,
}

/// The result of a load.
pub(crate) struct Outcome {
    pub(crate) created: usize,
    /// Of those, the ones that were answered when the load ended.
    pub(crate) answered: usize,
    pub(crate) failures: Vec<String>,
    pub(crate) took: Duration,
    pub(crate) slowest: Duration,
}

impl Load {
    pub(crate) fn start(cluster: &Cluster, user: User, namespace: &str) -> Self {
        Self::start_at(cluster, user, cluster.path("Pod", namespace), EVERY)
    }

    /// Two hundred creates a second that store nothing: so many pods would busy the scheduler for longer than the load.
    pub(crate) fn start_dry(cluster: &Cluster, user: User, namespace: &str) -> Self {
        let path = format!("{}?dryRun=All", cluster.path("Pod", namespace));
        Self::start_at(cluster, user, path, EVERY / 4)
    }

    fn start_at(cluster: &Cluster, user: User, path: String, every: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let created = Arc::default();
        let task =
            cluster.runtime().spawn(create(cluster.api(user), path, every, Arc::clone(&created), stopped));
        Self { created, stop, task }
    }

    pub(crate) fn created(&self) -> usize {
        self.created.load(Ordering::Relaxed)
    }

    pub(crate) fn until_created(&self, at_least: usize) {
        eventually(SOON, "pods are created", || match self.created() {
            created if created >= at_least => Ok(()),
            created => Err(format!("{created} of {at_least}")),
        });
    }

    pub(crate) fn stop(self, cluster: &Cluster) -> Outcome {
        self.stop.send(()).unwrap();
        cluster.runtime().block_on(self.task).unwrap()
    }
}

async fn create(
    api: Api,
    path: String,
    every: Duration,
    created: Arc<AtomicUsize>,
    mut stopped: oneshot::Receiver<()>,
) -> Outcome {
    let mut ticks = interval(every);
    // A slow answer must not thin out the load.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begin, mut requests) = (Instant::now(), JoinSet::new());
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = ticks.tick() => {}
        }
        let pod = pod();
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

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "load-"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
}
