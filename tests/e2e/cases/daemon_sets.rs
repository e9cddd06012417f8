//! A DaemonSet and its controller agree with partywall on which nodes it is for.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

const DAEMON_SET: &str = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers: [{name: agent, image: 'registry.example.com/agent:1'}]
";

/// The DaemonSet, once its controller has seen it as it is and all its pods run.
fn settled(cluster: &Cluster, namespace: &str) -> Value {
    eventually(SOON, "the DaemonSet has settled", || {
        let set = cluster.get("DaemonSet", namespace, "agent");
        let status = &set["status"];
        let has_settled = status["observedGeneration"] == set["metadata"]["generation"]
            && status["updatedNumberScheduled"] == status["desiredNumberScheduled"]
            && status["numberReady"] == status["desiredNumberScheduled"]
            && status["numberReady"].as_i64() > Some(0);
        if has_settled { Ok(set) } else { Err(status.to_string()) }
    })
}

/// The controller says that it made so many pods, and no more: it says so a moment later.
fn made(cluster: &Cluster, namespace: &str, pods: i64) {
    let found = eventually(SOON, &format!("the controller says it made {pods} pods"), || {
        let made = events(cluster, namespace);
        if made >= pods { Ok(made) } else { Err(made) }
    });
    assert_eq!(found, pods);
}

fn events(cluster: &Cluster, namespace: &str) -> i64 {
    let events = cluster.list("Event", namespace);
    let of_set = events.iter().filter(|event| event["involvedObject"]["kind"] == "DaemonSet");
    of_set
        .filter(|event| event["reason"] == "SuccessfulCreate")
        .map(|event| event["count"].as_i64().unwrap_or(1))
        .sum()
}

pub(crate) fn a8_a9_a_daemon_set_makes_one_pod_for_each_node_of_the_pool(cluster: &Cluster) {
    let namespace = "x-daemonset";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.kubectl(TENANT).within(namespace).apply(DAEMON_SET).succeeds();
    let set = settled(cluster, namespace);
    assert_eq!(set["status"]["desiredNumberScheduled"], 1);
    assert_eq!(set["status"]["currentNumberScheduled"], 1);
    assert_eq!(set["status"]["numberMisscheduled"], 0);
    let pods = cluster.pods(namespace);
    let [pod] = pods.as_slice() else { panic!("{} pods", pods.len()) };
    assert_eq!(pod["spec"]["nodeName"], "node-x");
    assert_eq!(
        pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"],
        json!([{
            "matchExpressions": [{"key": "tenant", "operator": "In", "values": ["tenants-x"]}],
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-x"]}],
        }])
    );

    // Two more rounds of the controller: one that changes nothing about pods, one that replaces them.
    let annotate = ["annotate", "daemonset/agent", "seen=again"];
    cluster.kubectl(TENANT).within(namespace).args(annotate).succeeds();
    assert_eq!(settled(cluster, namespace)["metadata"]["generation"], set["metadata"]["generation"]);
    assert_eq!(cluster.pods(namespace)[0]["metadata"]["uid"], pod["metadata"]["uid"]);
    made(cluster, namespace, 1);
    let image = ["set", "image", "daemonset/agent", "agent=registry.example.com/agent:2"];
    cluster.kubectl(TENANT).within(namespace).args(image).succeeds();
    let rollout = ["rollout", "status", "daemonset/agent", "--timeout=50s"];
    cluster.kubectl(TENANT).within(namespace).args(rollout).succeeds();
    settled(cluster, namespace);
    let pods = cluster.pods(namespace);
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0]["spec"]["nodeName"], "node-x");
    made(cluster, namespace, 2);

    // The stamp of the template cannot be taken away.
    let strip = r#"[{"op": "remove", "path": "/spec/template/spec/nodeSelector"}]"#;
    let patch = ["patch", "daemonset/agent", "--type=json", "-p", strip];
    cluster.kubectl(TENANT).within(namespace).args(patch).succeeds();
    let set = settled(cluster, namespace);
    assert_eq!(set["spec"]["template"]["spec"]["nodeSelector"], json!({"tenant": "tenants-x"}));
    assert_eq!(set["status"]["desiredNumberScheduled"], 1);
}
