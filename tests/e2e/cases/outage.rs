//! partywall does not answer: tenants wait, and the rest of the cluster goes on.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
/// The API server waits 3 s for each webhook. This is less than its default for one webhook, 10 s.
const AT_MOST: Duration = Duration::from_secs(9);

fn pod(name: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
    .to_string()
}

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}]
";

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: patient}
spec:
  selector: {matchLabels: {app: patient}}
  template:
    metadata: {labels: {app: patient}}
    spec:
      containers: [{name: app, image: 'registry.example.com/app:1'}]
";

pub(crate) fn l1_l2_c5_an_outage_stops_tenants_and_not_the_rest_of_the_cluster(cluster: &Cluster) {
    let namespace = "x-outage";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let elsewhere = cluster.fresh_namespace("goes-on");
    // Admitted, and not bound yet: its pool is full.
    cluster.cordon("node-x", true);
    cluster.kubectl(TENANT).within(namespace).create(pod("admitted")).succeeds();
    cluster.pods_until(namespace, "the scheduler has found no node", |pods| {
        pods[0]["status"]["conditions"][0]["reason"] == "Unschedulable"
    });

    cluster.stop_partywall();
    refused(cluster, namespace);
    goes_on(cluster, namespace, &elsewhere, "stopped");
    // What needs no answer: deletion, and the bindings of the scheduler.
    cluster.cordon("node-x", false);
    cluster.pods_until(namespace, "the admitted pod runs", |pods| {
        pods[0]["spec"]["nodeName"] == "node-x" && pods[0]["status"]["phase"] == "Running"
    });
    cluster.kubectl(TENANT).within(namespace).args(["delete", "pod", "admitted", "--timeout=50s"]).succeeds();
    cluster.kubectl(TENANT).within(namespace).apply(DEPLOYMENT).succeeds();

    cluster.restore();
    cluster.pods_until(namespace, "what waited is made now", |pods| {
        pods.len() == 1 && pods[0]["spec"]["nodeName"] == "node-x"
    });
}

/// A server that accepts connections and never answers costs more time than one that refuses them.
pub(crate) fn l7_a_server_that_never_answers_delays_requests_only_briefly(cluster: &Cluster) {
    let namespace = "x-silence";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let elsewhere = cluster.fresh_namespace("goes-on");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    cluster.stop_partywall();
    cluster.balancer.set_backends(vec![silent.local_addr().unwrap()]);
    refused(cluster, namespace);
    goes_on(cluster, namespace, &elsewhere, "silent");
}

/// Checks that requests fail closed, and that the message names the webhook.
fn refused(cluster: &Cluster, namespace: &str) {
    for (object, webhook) in [(pod("app"), "stamp-pods"), (SERVICE.to_owned(), "services")] {
        let start = Instant::now();
        let outcome = cluster.kubectl(TENANT).within(namespace).create(object).fails();
        outcome.says(&format!("failed calling webhook \"{webhook}.partywall.dev\""));
        assert!(start.elapsed() < AT_MOST, "{:?}", start.elapsed());
    }
}

/// Checks that requests outside tenants go on; `how` makes the object names of two outages differ.
fn goes_on(cluster: &Cluster, namespace: &str, elsewhere: &str, how: &str) {
    let name = format!("goes-on-{how}");
    // Even a system namespace that has a tenant's label by mistake.
    cluster.label("kube-system", &json!({"partywall.dev/tenant": "tenants-x"}));
    for namespace in ["kube-system", "default", elsewhere] {
        let start = Instant::now();
        cluster.kubectl(User::Admin).within(namespace).create(pod(&name)).succeeds();
        assert!(start.elapsed() < AT_MOST, "{:?}", start.elapsed());
        cluster.pods_until(namespace, "the scheduler binds", |pods| {
            let mut pods = pods.iter().filter(|pod| pod["metadata"]["name"] == name.as_str());
            pods.any(|pod| pod["spec"]["nodeName"] == "node-shared" && pod["status"]["phase"] == "Running")
        });
    }
    cluster.label("kube-system", &json!({"partywall.dev/tenant": null}));
    // So do the tenant's own objects of kinds that are not sent to partywall.
    let config = ["create", "configmap", &name];
    cluster.kubectl(TENANT).within(namespace).args(config).succeeds();
}
