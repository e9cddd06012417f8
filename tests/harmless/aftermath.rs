//! Sends the requests that follow for every object: its controller creates others, the scheduler and the kubelet
//! do their work, a user labels it, and in the end it is deleted.

use serde_json::{Value, json};

use crate::cluster::{Cluster, Stored};
use crate::controllers::{account, child};

/// The names of those that do it.
const SCHEDULER: &str = "system:kube-scheduler";
const KUBELET: &str = "system:node:node-1";

/// Lets it happen to all that is stored.
pub(crate) fn happens(cluster: &mut Cluster<'_>) -> Result<(), String> {
    let mut waiting: Vec<String> = cluster.stored.keys().cloned().collect();
    while let Some(id) = waiting.pop() {
        let stored = cluster.stored[&id].clone();
        // What an old template would make is judged as anything new is.
        if let (Some((object, user)), false) = (child(&stored.object), stored.is_old) {
            let before: Vec<String> = cluster.stored.keys().cloned().collect();
            cluster.create(object, &user, None, false)?;
            waiting.extend(cluster.stored.keys().filter(|id| !before.contains(id)).cloned());
        }
        runs(cluster, &id, &stored)?;
        is_looked_after(cluster, &id, &stored)?;
        goes(cluster, &id, &stored)?;
    }
    Ok(())
}

fn runs(cluster: &mut Cluster<'_>, id: &str, Stored { object, .. }: &Stored) -> Result<(), String> {
    if object["kind"] != "Pod" {
        return Ok(());
    }
    let spec = &object["spec"];
    let is_gated = spec["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
    if !is_gated && spec["nodeName"].is_null() {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"},
        });
        cluster.send_by("CREATE", id, &binding, SCHEDULER, "binding")?;
        // The binding's doing, of which nobody is asked.
        cluster.stored.get_mut(id).unwrap().object["spec"]["nodeName"] = json!("node-1");
    }
    let status = json!({"status": {"phase": "Running", "podIP": "10.0.0.7",
        "conditions": [{"type": "Ready", "status": "True"}]}});
    cluster.update_by(id, &status, KUBELET, "status", None)
}

fn is_looked_after(cluster: &mut Cluster<'_>, id: &str, Stored { user, .. }: &Stored) -> Result<(), String> {
    let manager = "system:kube-controller-manager";
    cluster.update_by(id, &json!({"status": {"observedGeneration": 1}}), manager, "status", None)?;
    let label = json!({"metadata": {"labels": {"team": "web"}, "annotations": {"example.com/note": "seen"}}});
    cluster.update_by(id, &label, user, "", None)
}

/// The garbage collector and the namespace controller see to it.
fn goes(cluster: &mut Cluster<'_>, id: &str, Stored { object, .. }: &Stored) -> Result<(), String> {
    if object["kind"] == "Namespace" {
        return Ok(());
    }
    let collector = account("generic-garbage-collector");
    let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    finalizers.push(json!("foregroundDeletion"));
    let steps = [
        json!({"metadata": {"finalizers": finalizers}}),
        json!({"metadata": {"deletionTimestamp": "2026-11-20T09:00:00Z", "deletionGracePeriodSeconds": 0}}),
        json!({"metadata": {"ownerReferences": Value::Null}}),
        json!({"metadata": {"finalizers": Value::Null}}),
    ];
    for step in steps {
        cluster.update_by(id, &step, &collector, "", None)?;
    }
    cluster.remove(id, &account("namespace-controller"))
}
