//! Many clients that send hostile objects as fast as they can, beside one honest tenant.
//!
//! `make siege` makes each siege last five minutes, by `PARTYWALL_SIEGE_SECONDS`.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::users::User;

/// The length of a siege in the suite.
const SECONDS: u64 = 10;
/// The honest tenant's namespace, which the suite creates.
const HONEST: &str = "tenants-x";

/// Who sends what.
pub(crate) struct Siege<'s> {
    pub(crate) namespace: &'s str,
    pub(crate) user: User,
    pub(crate) clients: usize,
    /// The pods that the clients create in turn.
    pub(crate) bodies: Vec<Value>,
}

/// What came of a siege.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Hostile pods that were stored.
    pub(crate) stored: usize,
    /// Hostile pods that were refused.
    pub(crate) refused: usize,
    /// The honest tenant's creates, by how long each took.
    pub(crate) honest: Vec<Duration>,
    /// The honest tenant's failures.
    pub(crate) failures: Vec<String>,
    /// One refusal of a hostile pod.
    pub(crate) example: String,
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

impl Siege<'_> {
    /// Runs the siege, hands the report to `check`, and writes it to `siege.txt` in the run's folder.
    #[track_caller]
    pub(crate) fn run(self, cluster: &Cluster, check: impl FnOnce(&Report)) {
        let seconds = std::env::var("PARTYWALL_SIEGE_SECONDS").ok().and_then(|text| text.parse().ok());
        let time = Duration::from_secs(seconds.unwrap_or(SECONDS));
        let clients = self.clients;
        let report = cluster.runtime().block_on(self.rage(cluster, time));
        let line = format!(
            "{clients} clients for {} s in {}: {} stored, {} refused; honest creates: {} answered, {} failed, \
             p50 {:?}, p99 {:?}",
            time.as_secs(),
            std::thread::current().name().unwrap_or_default(),
            report.stored,
            report.refused,
            report.honest.len(),
            report.failures.len(),
            report.percentile(50),
            report.percentile(99),
        );
        let mut file =
            OpenOptions::new().create(true).append(true).open(cluster.folder.join("siege.txt")).unwrap();
        writeln!(file, "{line}").unwrap();
        assert!(report.refused > 0, "{line}");
        assert!(report.failures.is_empty(), "{line}: {:?}", report.failures.first());
        assert!(!report.honest.is_empty(), "{line}");
        check(&report);
    }

    async fn rage(self, cluster: &Cluster, time: Duration) -> Report {
        let end = Instant::now() + time;
        let path = cluster.path("Pod", self.namespace);
        let bodies = Arc::new(self.bodies);
        let mut hostile = JoinSet::new();
        for client in 0..self.clients {
            let (api, path, bodies) = (cluster.api(self.user), path.clone(), Arc::clone(&bodies));
            hostile.spawn(async move {
                let (mut stored, mut refused, mut example) = (0, 0, String::new());
                for body in bodies.iter().cycle().skip(client) {
                    if Instant::now() >= end {
                        break;
                    }
                    match api.send_async(Method::POST, &path, body).await {
                        Ok(_) => stored += 1,
                        Err(error) => {
                            refused += 1;
                            example = error.to_string();
                        }
                    }
                }
                (stored, refused, example)
            });
        }
        let mut report = Report::default();
        let (api, path) = (cluster.api(User::Tenant("tenant-x")), cluster.path("Pod", HONEST));
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "honest-"},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        });
        while Instant::now() < end {
            let begun = Instant::now();
            match api.send_async(Method::POST, &format!("{path}?dryRun=All"), &pod).await {
                Ok(_) => report.honest.push(begun.elapsed()),
                Err(error) => report.failures.push(error.to_string()),
            }
        }
        while let Some(client) = hostile.join_next().await {
            let (stored, refused, example) = client.unwrap();
            report.stored += stored;
            report.refused += refused;
            report.example = example;
        }
        report
    }
}

/// Checks the API server's own count of requests that went on without an answer.
#[track_caller]
pub(crate) fn assert_nothing_failed_open(cluster: &Cluster) {
    let metrics = cluster.admin().text("/metrics").unwrap();
    for line in
        metrics.lines().filter(|line| line.starts_with("apiserver_admission_webhook_fail_open_count{"))
    {
        let is_advice =
            ["workloads", "pod-statuses", "label-administrators"].iter().any(|name| line.contains(name));
        assert!(is_advice || !line.contains("partywall.dev"), "{line}");
    }
}
