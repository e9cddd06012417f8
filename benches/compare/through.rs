//! Creates pods at the API server, as a tenant: at a steady rate, and as fast as they are answered.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::Plan;
use crate::api::Api;
use crate::kinds::path;
use crate::payload::{Expect, Size, payload};
use crate::stand::{Server, Stand, TENANT, USER};
use crate::tally::{Tally, nanos};
use crate::usage::Usage;

/// Clients that create one pod after the other.
pub(crate) const CLIENTS: usize = 8;
/// Pods a second at the steady rate.
pub(crate) const RATE: u32 = 20;

/// The figures of a side while pods are created.
pub(crate) struct Through {
    /// As fast as answers come.
    pub(crate) pods_per_second: f64,
    /// At the steady rate, from when a pod was meant to be created, in µs.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// CPU of the side for a pod at the steady rate, in µs; of the side with no webhook, 0.
    pub(crate) cpu: f64,
}

/// Creates pods. The end of the session deletes them.
///
/// # Errors
///
/// If a pod is not created.
pub(crate) fn measure(stand: &Stand, server: Option<&Server>, plan: Plan) -> anyhow::Result<Through> {
    let (api, pod) = (stand.api(USER), pod()?);
    let runtime = stand.runtime();
    runtime.block_on(closed(&api, &pod, plan.warm_up))?;
    let usage = || server.map(|server| Usage::of(server.pid)).transpose();
    let before = usage()?;
    let paced = runtime.block_on(paced(&api, &pod, plan.paced))?;
    let cpu = match (before, usage()?) {
        (Some(before), Some(after)) => {
            after.since(&before).cpu.as_secs_f64() * 1e6 / paced.latencies.len() as f64
        }
        _ => 0.0,
    };
    let begun = Instant::now();
    let created = runtime.block_on(closed(&api, &pod, plan.closed))?;
    let pods_per_second = created as f64 / begun.elapsed().as_secs_f64();
    Ok(Through { pods_per_second, p50: paced.micros(0.5), p99: paced.micros(0.99), cpu })
}

/// The pod of the median review, as its author sends it; it is gated, so that the scheduler leaves it alone.
fn pod() -> anyhow::Result<Value> {
    let review = payload(Size::Median, Expect::Patch).context("there is a median review")?;
    let mut review: Value = serde_json::from_slice(&review.body)?;
    let mut pod = review["request"]["object"].take();
    let metadata = json!({
        "generateName": "web-", "labels": pod["metadata"]["labels"], "annotations": pod["metadata"]["annotations"],
    });
    pod["metadata"] = metadata;
    pod["spec"]["schedulingGates"] = json!([{"name": "partywall.dev/compare"}]);
    pod.as_object_mut().context("a pod is an object")?.remove("status");
    Ok(pod)
}

/// Returns how many pods were created.
async fn closed(api: &Api, pod: &Value, lasting: Duration) -> anyhow::Result<usize> {
    let until = Instant::now() + lasting;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (api, pod) = (api.clone(), pod.clone());
        clients.spawn(async move {
            let mut created = 0;
            while Instant::now() < until {
                api.send_async(Method::POST, &path("Pod", TENANT), &pod).await?;
                created += 1;
            }
            anyhow::Ok(created)
        });
    }
    clients.join_all().await.into_iter().sum()
}

async fn paced(api: &Api, pod: &Value, lasting: Duration) -> anyhow::Result<Tally> {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    // A slow answer must not thin out the load.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begun, mut requests) = (Instant::now(), JoinSet::new());
    while begun.elapsed() < lasting {
        let due = ticks.tick().await;
        let (api, pod) = (api.clone(), pod.clone());
        requests.spawn(async move {
            api.send_async(Method::POST, &path("Pod", TENANT), &pod).await.map(|_| due.elapsed())
        });
    }
    let mut tally = Tally::default();
    for latency in requests.join_all().await {
        tally.latencies.saturating_record(nanos(latency?));
    }
    ensure!(!tally.latencies.is_empty(), "no pod was created");
    Ok(tally)
}
