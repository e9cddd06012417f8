//! Simulated kubelets: without one, a bound pod never runs, and a deleted pod is never removed.
//!
//! Each acts as its node, so the API server's Node authorizer applies. Pods become ready at once; those that are not
//! restarted succeed at once; deleted pods are removed at once.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, Request};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use kube::core::WatchEvent;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::Api;
use crate::control_plane::ControlPlane;
use crate::nodes::NODES;
use crate::users::User;

/// The time after which it retries after a failure.
const AGAIN: Duration = Duration::from_millis(100);

/// The kubelets of all nodes. Dropping them ends them.
pub(crate) struct Kubelets(#[expect(dead_code, reason = "holds the tasks")] JoinSet<()>);

impl Kubelets {
    /// Starts one for each node. They log what failed to `kubelets.log`, and go on.
    pub(crate) fn start(runtime: &Handle, logs: &Path, control_plane: &ControlPlane) -> Self {
        let log = Arc::new(Mutex::new(File::create(logs.join("kubelets.log")).unwrap()));
        let mut tasks = JoinSet::new();
        for node in &NODES {
            let api = control_plane.api(runtime, User::Kubelet(node.name));
            tasks.spawn_on(run(node.name, api, Arc::clone(&log)), runtime);
        }
        Self(tasks)
    }
}

async fn run(node: &'static str, api: Api, log: Arc<Mutex<File>>) {
    let mut attempts = interval(AGAIN);
    attempts.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        attempts.tick().await;
        if let Err(error) = follow(node, &api).await {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // Nothing is left to tell it to.
            let _written = writeln!(log, "{} {node}: {error}", Timestamp::now());
        }
    }
}

/// Handles all pods of the node, and each of them again when it changes, until the watch ends.
async fn follow(node: &str, api: &Api) -> Result<(), kube::Error> {
    let pods = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}");
    let list = api.send_async(Method::GET, &pods, &Value::Null).await?;
    for pod in list["items"].as_array().into_iter().flatten() {
        tend(api, pod).await?;
    }
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let watch = format!("{pods}&watch=true&timeoutSeconds=240&resourceVersion={version}");
    let request = Request::get(watch).body(Vec::new()).map_err(kube::Error::HttpError)?;
    let mut events = pin!(api.client().request_events::<Value>(request).await?);
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => tend(api, &pod).await?,
            WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(())
}

/// Does the next step for a pod, if there is one.
async fn tend(api: &Api, pod: &Value) -> Result<(), kube::Error> {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let path = format!("/api/v1/namespaces/{}/pods/{}", text("/metadata/namespace"), text("/metadata/name"));
    let uid = text("/metadata/uid");
    let done = if pod["metadata"]["deletionTimestamp"].is_string() {
        // One that still has finalizers is still there with a grace period of 0.
        if pod["metadata"]["deletionGracePeriodSeconds"] == 0 {
            return Ok(());
        }
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": uid}});
        api.send_async(Method::DELETE, &path, &options).await
    } else if text("/status/phase") == "Pending" {
        let patch = json!({"metadata": {"uid": uid}, "status": status(pod)});
        api.send_async(Method::PATCH, &format!("{path}/status"), &patch).await
    } else {
        return Ok(());
    };
    match done {
        // It is gone, or another has its name by now.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

/// The status of a pod that has just started, or just ended if it was to end.
fn status(pod: &Value) -> Value {
    static NEXT_IP: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NEXT_IP.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let ip = format!("10.244.{high}.{low}");
    let runs = pod["spec"]["restartPolicy"] == "Always";
    let now = Timestamp::now().to_string();
    let condition = |kind: &str, met: bool| {
        let status = if met { "True" } else { "False" };
        json!({"type": kind, "status": status, "lastTransitionTime": now})
    };
    let ended =
        json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}});
    let containers = |field: &str, ready: bool, state: &Value| -> Vec<Value> {
        let containers = pod["spec"][field].as_array().into_iter().flatten();
        let status = |container: &Value| {
            json!({
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": ready,
                "restartCount": 0,
                "state": state,
                // The API server resizes only a container of which the node has said what it got.
                "resources": container["resources"],
            })
        };
        containers.map(status).collect()
    };
    let state = if runs { json!({"running": {"startedAt": now}}) } else { ended.clone() };
    json!({
        "phase": if runs { "Running" } else { "Succeeded" },
        "startTime": now,
        "hostIP": "192.0.2.1",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": [
            condition("PodScheduled", true),
            condition("Initialized", true),
            condition("ContainersReady", runs),
            condition("Ready", runs),
        ],
        "initContainerStatuses": containers("initContainers", true, &ended),
        "containerStatuses": containers("containers", runs, &state),
    })
}
