//! Many clients that send hostile requests as fast as they can, beside one honest tenant.
//!
//! `make siege` makes each siege last five minutes (`PARTYWALL_SIEGE_SECONDS`), by 16 clients and then by 64
//! (`PARTYWALL_SIEGE_CLIENTS`).

use std::collections::BTreeSet;
use std::env;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::api::Api;
use crate::cluster::Cluster;
use crate::users::User;

/// The length of a siege in the suite, and its clients.
const SECONDS: &str = "10";
const CLIENTS: &str = "16";
/// The honest tenant's namespace, which the suite creates.
const HONEST: &str = "tenants-x";

/// Who sends what.
pub(crate) struct Siege {
    /// The row of the catalogue that it belongs to, for the report.
    pub(crate) name: &'static str,
    pub(crate) user: User,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// What the clients send in turn.
    pub(crate) bodies: Vec<Value>,
}

/// What came of a siege.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Hostile requests that the API server carried out.
    pub(crate) stored: usize,
    /// Hostile requests that partywall denied.
    pub(crate) denied: usize,
    /// Hostile requests that the API server refused, since partywall's answer came too late.
    pub(crate) late: usize,
    /// The honest tenant's creates, by how long each took.
    pub(crate) honest: Vec<Duration>,
    /// The honest tenant's failures.
    pub(crate) failures: Vec<String>,
    /// Refusals for other reasons.
    pub(crate) other: Vec<String>,
    /// The hostile requests that were refused, by their places in [`Siege::bodies`].
    pub(crate) refused: BTreeSet<usize>,
}

impl Report {
    /// Returns the time within which this many of a hundred honest creates were answered.
    fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.honest.clone();
        sorted.sort_unstable();
        let index = sorted.len() * percent / 100;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// A number of the environment, or of `default`; or several, with commas between them.
fn numbers(variable: &str, default: &str) -> Vec<usize> {
    let text = env::var(variable).unwrap_or_else(|_| default.to_owned());
    text.split(',')
        .map(|number| number.trim().parse().unwrap_or_else(|_| panic!("{variable}={text}")))
        .collect()
}

/// The length of a siege.
pub(crate) fn duration() -> Duration {
    let seconds = numbers("PARTYWALL_SIEGE_SECONDS", SECONDS);
    Duration::from_secs(seconds.first().copied().unwrap_or_default().try_into().unwrap())
}

impl Siege {
    /// Runs the siege with each number of clients, and holds that nothing hostile is carried out and nothing honest
    /// fails. `beside` runs once, while the first one lasts. It prints the report.
    #[track_caller]
    pub(crate) fn run(&self, cluster: &Cluster, beside: impl FnOnce()) {
        let mut beside = Some(beside);
        for clients in numbers("PARTYWALL_SIEGE_CLIENTS", CLIENTS) {
            // Other cases register entries that go on without an answer.
            let before = failed_open(cluster);
            let end = Instant::now() + duration();
            let running = self.begin(cluster, clients, end);
            if let Some(beside) = beside.take() {
                beside();
            }
            let report = cluster.runtime().block_on(running.finish());
            let line = format!(
                "{}: {clients} clients for {} s: {} carried out, {} denied, {} refused without an answer in time; \
                 honest creates: {} answered, {} failed, p50 {:?}, p99 {:?}",
                self.name,
                duration().as_secs(),
                report.stored,
                report.denied,
                report.late,
                report.honest.len(),
                report.failures.len(),
                report.percentile(50),
                report.percentile(99),
            );
            println!("{line}");
            assert!(report.failures.is_empty(), "{line}: {:?}", report.failures.first());
            assert!(!report.honest.is_empty(), "{line}");
            assert_eq!(report.stored, 0, "{line}");
            assert!(report.other.is_empty(), "{line}: {:?}", report.other.first());
            assert_eq!(report.refused.len(), self.bodies.len(), "{line}");
            assert_eq!(failed_open(cluster), before, "{line}");
        }
    }

    fn begin(&self, cluster: &Cluster, clients: usize, end: Instant) -> Running {
        let bodies = Arc::new(self.bodies.clone());
        let mut hostile = JoinSet::new();
        for client in 0..clients {
            let (api, path, method) = (cluster.api(self.user), self.path.clone(), self.method.clone());
            let bodies = Arc::clone(&bodies);
            let rage = async move {
                let mut report = Report::default();
                for (index, body) in bodies.iter().enumerate().cycle().skip(client) {
                    if Instant::now() >= end {
                        break;
                    }
                    match api.send_async(method.clone(), &path, body).await {
                        Ok(_) => report.stored += 1,
                        Err(error) => {
                            let reason = error.to_string();
                            report.refused.insert(index);
                            if reason.contains("partywall.dev\" denied the request") {
                                report.denied += 1;
                            } else if reason.contains("failed calling webhook") {
                                report.late += 1;
                            } else {
                                report.other.push(reason);
                            }
                        }
                    }
                }
                report
            };
            hostile.spawn_on(rage, cluster.runtime());
        }
        let (api, path) = (cluster.api(User::Tenant("tenant-x")), cluster.path("Pod", HONEST));
        let honest = cluster.runtime().spawn(create_honestly(api, format!("{path}?dryRun=All"), end));
        Running { hostile, honest }
    }
}

/// A siege that has begun.
struct Running {
    hostile: JoinSet<Report>,
    honest: JoinHandle<Report>,
}

impl Running {
    async fn finish(self) -> Report {
        let mut report = self.honest.await.unwrap();
        for client in self.hostile.join_all().await {
            report.stored += client.stored;
            report.denied += client.denied;
            report.late += client.late;
            report.other.extend(client.other);
            report.refused.extend(client.refused);
        }
        report
    }
}

/// Creates pods one after the other.
async fn create_honestly(api: Api, path: String, end: Instant) -> Report {
    let mut report = Report::default();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "honest-"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    while Instant::now() < end {
        let begun = Instant::now();
        match api.send_async(Method::POST, &path, &pod).await {
            Ok(_) => report.honest.push(begun.elapsed()),
            Err(error) => report.failures.push(error.to_string()),
        }
    }
    report
}

/// The API server's own counts of requests that went on without an answer, of the entries that protect something.
fn failed_open(cluster: &Cluster) -> Vec<String> {
    let metrics = cluster.admin().text("/metrics").unwrap();
    let is_advice = |line: &str| {
        ["workloads", "pod-statuses", "label-administrators"].iter().any(|name| line.contains(name))
    };
    let counts =
        metrics.lines().filter(|line| line.starts_with("apiserver_admission_webhook_fail_open_count{"));
    counts.filter(|line| line.contains("partywall.dev") && !is_advice(line)).map(str::to_owned).collect()
}
