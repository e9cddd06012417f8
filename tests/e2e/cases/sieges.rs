//! Attacks under load: nothing hostile is carried out, no entry that matters goes on without an answer, and an honest
//! tenant's pods are created meanwhile.

use std::net::SocketAddr;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::siege::Siege;
use crate::users::User;

const OUTSIDER: User = User::Tenant("outsider");
/// The bytes of a large object: the API server takes 3 MiB, and a `<` has six bytes in a review. What is built without
/// optimisation takes ten times as long for each.
const LARGE: usize = if cfg!(debug_assertions) { 200_000 } else { 1_400_000 };
/// The connections that wait in silence.
const SILENT: usize = 2_000;

fn pod(spec: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "storm-"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    json_patch::merge(&mut pod["spec"], spec);
    pod
}

/// The spec with a variable of which a review makes 8.4 MB.
fn huge(mut spec: Value) -> Value {
    let value = "<".repeat(1_400_000);
    spec["containers"] = json!([
        {"name": "app", "image": "registry.example.com/app:1", "env": [{"name": "A", "value": value}]},
    ]);
    spec
}

/// As many as fit into a large object, or as a list may have that partywall reads.
fn many(one: impl Fn(usize) -> Value) -> Vec<Value> {
    let size = one(100_000).to_string().len();
    (0..20_000.min(LARGE / size)).map(one).collect()
}

/// Pods that tolerate everything, in a namespace of nobody.
fn elsewhere(cluster: &Cluster) -> Siege {
    let namespace = cluster.fresh_namespace("storm");
    cluster.grant_edit(OUTSIDER, &namespace);
    let all = json!({"operator": "Exists"});
    let tolerations = many(|index| json!({"key": format!("tenant-{index}"), "operator": "Exists"}));
    let bodies = vec![
        pod(&huge(json!({"tolerations": [all]}))),
        pod(&json!({"tolerations": tolerations.into_iter().chain([all.clone()]).collect::<Vec<_>>()})),
        pod(&json!({"tolerations": [{"key": "tenant", "value": "tenants-x"}]})),
        pod(&json!({"nodeName": "node-x", "tolerations": [all]})),
    ];
    let path = cluster.path("Pod", &namespace);
    Siege { name: "O1, O3 elsewhere", user: OUTSIDER, method: Method::POST, path, bodies }
}

pub(crate) fn o1_o3_a_storm_elsewhere_stores_nothing_and_holds_up_no_tenant(cluster: &Cluster) {
    elsewhere(cluster).run(cluster, || ());
}

/// A tenant's own pods are as large and as many-sided as the API server takes them, and each asks for the neighbour's
/// nodes.
pub(crate) fn o2_o3_a_storm_in_a_tenants_namespace_reaches_no_neighbour(cluster: &Cluster) {
    let term = |value: &str, index: usize| {
        json!({"matchExpressions": [
            {"key": "tenant", "operator": "In", "values": [value]},
            {"key": format!("zone-{index}"), "operator": "Exists"},
        ]})
    };
    let affinity = |terms: Vec<Value>| {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": terms,
        }}}})
    };
    let neighbours = |mut spec: Value| {
        spec["nodeSelector"] = json!({"tenant": "tenants-x"});
        spec
    };
    let values: Vec<_> = many(|index| json!(format!("tenants-{index}")));
    let listed = json!({"matchExpressions": [{"key": "tenant", "operator": "In", "values": values}]});
    let others = json!({"key": "tenant", "operator": "Equal", "value": "tenants-x"});
    let bodies = vec![
        pod(&affinity(many(|index| term("tenants-x", index)))),
        pod(&neighbours(affinity(vec![listed]))),
        pod(&json!({"tolerations": many(|index| json!({"key": format!("k{index}"), "operator": "Exists"}))})),
        pod(&neighbours(json!({"tolerations": [others]}))),
        pod(&json!({"containers": many(|index| json!({
            "name": format!("c{index}"), "image": "registry.example.com/app:1",
            "securityContext": {"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}},
        }))})),
    ];
    let user = User::Tenant("tenant-y");
    let path = cluster.path("Pod", "tenants-y");
    Siege { name: "O2, O3 in a tenant's namespace", user, method: Method::POST, path, bodies }
        .run(cluster, || ());
    let is_hostile = |pod: &&Value| pod["metadata"]["generateName"] == "storm-";
    assert_eq!(cluster.pods("tenants-y").iter().find(is_hostile), None);
}

/// Connections that say nothing, or not all of it, leave the API server its own.
pub(crate) fn o5_silent_connections_hold_up_no_tenant(cluster: &Cluster) {
    let webhook = cluster.partywall().as_ref().unwrap().webhook;
    let flood = cluster.runtime().block_on(silent(webhook));
    elsewhere(cluster).run(cluster, || ());
    drop(flood);
}

/// Opens connections from eight addresses and from that of the API server: half of them say nothing, and half begin a
/// handshake.
async fn silent(server: SocketAddr) -> Vec<TcpStream> {
    let mut connecting = JoinSet::new();
    for index in 0..SILENT {
        connecting.spawn(async move {
            let from: SocketAddr = format!("127.0.0.{}:0", index % 9 + 1).parse().unwrap();
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(from).unwrap();
            let mut stream = socket.connect(server).await.unwrap();
            if index % 2 == 0 {
                // The header of a ClientHello of 512 bytes, which never comes.
                stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
            }
            stream
        });
    }
    connecting.join_all().await
}

/// Whoever may change a tenant's namespace gives it none of the labels by which managed control planes leave it out.
pub(crate) fn o6_a_storm_of_opt_out_labels_leaves_the_namespace_in(cluster: &Cluster) {
    let namespace = "x-opt-out";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.grant(OUTSIDER, namespace, &["get", "patch", "update"], &["namespaces"]);
    let labels = [
        json!({"control-plane": "true"}),
        json!({"kubernetes.azure.com/managedby": "aks"}),
        json!({"shoot.gardener.cloud/no-cleanup": "true", "partywall.dev/tenant": null}),
    ];
    let bodies: Vec<_> = labels.iter().map(|labels| json!({"metadata": {"labels": labels}})).collect();
    let path = format!("{}/{namespace}", cluster.path("Namespace", ""));
    Siege { name: "O6 opt-out labels", user: OUTSIDER, method: Method::PATCH, path, bodies }
        .run(cluster, || ());
    let labels = cluster.get("Namespace", "", namespace)["metadata"]["labels"].take();
    assert_eq!(labels["partywall.dev/tenant"], "tenants-x", "{labels}");
}

/// The kubelet of one tenant's node shows no pod in another's namespace, however often it tries.
pub(crate) fn o7_a_storm_of_mirror_pods_shows_none_to_a_neighbour(cluster: &Cluster) {
    let node = cluster.get("Node", "", "node-y");
    let mut mirror = pod(&json!({
        "nodeName": "node-y", "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
    }));
    mirror["metadata"] = json!({
        "name": "static-node-y",
        "annotations": {
            "kubernetes.io/config.mirror": "0f2c", "kubernetes.io/config.source": "file",
            "kubernetes.io/config.hash": "0f2c",
        },
        "ownerReferences": [{
            "apiVersion": "v1", "kind": "Node", "name": "node-y", "uid": node["metadata"]["uid"], "controller": true,
        }],
    });
    let (user, path) = (User::Kubelet("node-y"), cluster.path("Pod", "tenants-x"));
    Siege { name: "O7 mirror pods", user, method: Method::POST, path, bodies: vec![mirror] }
        .run(cluster, || ());
}

/// While others storm, a Job finishes and its namespace ends.
pub(crate) fn o19_jobs_finish_and_namespaces_end_in_a_storm(cluster: &Cluster) {
    let namespace = "x-stormy";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
        }}},
    });
    elsewhere(cluster).run(cluster, || {
        cluster.kubectl(User::Tenant("tenant-x")).within(namespace).create(job.to_string()).succeeds();
        cluster.until("Job", namespace, "once", "complete", |job| job["status"]["succeeded"] == 1);
        cluster.admin().delete(&format!("/api/v1/namespaces/{namespace}"));
        cluster.until_gone("Namespace", "", namespace);
    });
}
