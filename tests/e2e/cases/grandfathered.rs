//! Objects that are older than partywall: they may stay, be looked after, and go.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

const BEFORE: &str = "
apiVersion: v1
kind: Pod
metadata: {name: root, finalizers: [example.com/wait]}
spec:
  hostPID: true
  tolerations: [{operator: Exists}]
  containers: [{name: root, image: 'registry.example.com/root:1', securityContext: {privileged: true}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: roots}
spec:
  replicas: 1
  selector: {matchLabels: {app: roots}}
  template:
    metadata: {labels: {app: roots}}
    spec:
      containers: [{name: root, image: 'registry.example.com/root:1', securityContext: {privileged: true}}]
---
apiVersion: v1
kind: Service
metadata: {name: public, finalizers: [service.kubernetes.io/load-balancer-cleanup]}
spec:
  type: LoadBalancer
  externalIPs: [192.0.2.7]
  ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: squatter, finalizers: [example.com/wait]}
spec:
  rules: [{host: app.y.example.com}]
";

/// The one of the Deployment.
fn replica_set(cluster: &Cluster, namespace: &str) -> String {
    cluster.list("ReplicaSet", namespace)[0]["metadata"]["name"].as_str().unwrap().to_owned()
}

pub(crate) fn j11_older_objects_can_be_updated_and_deleted(cluster: &Cluster) {
    let namespace = "x-grandfathered";
    cluster.unregister();
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.kubectl(TENANT).within(namespace).apply(BEFORE).succeeds();
    cluster.pods_until(namespace, "both pods run", |pods| {
        pods.len() == 2 && pods.iter().all(|pod| pod["status"]["phase"] == "Running")
    });
    cluster.register();

    for command in [
        "label pod root tier=old",
        "annotate service public seen=today",
        "label ingress squatter tier=old",
        "annotate deployment roots seen=today",
        "scale deployment roots --replicas=2",
    ] {
        cluster.kubectl(TENANT).within(namespace).args(command.split(' ')).succeeds();
    }
    for (kind, name) in [("Pod", "root"), ("Service", "public"), ("Ingress", "squatter")] {
        let path = format!("{}/{name}/status", cluster.path(kind, namespace));
        let object = cluster.admin().patch(&path, &json!({"metadata": {"labels": {"by": "controller"}}}));
        assert_eq!(object["metadata"]["labels"]["by"], "controller");
    }
    // The workload is scaled, but gets no pod more than it had.
    cluster.until("ReplicaSet", namespace, &replica_set(cluster, namespace), "refused a pod", |set| {
        let mut conditions = set["status"]["conditions"].as_array().into_iter().flatten();
        set["spec"]["replicas"] == 2 && conditions.any(|condition| condition["type"] == "ReplicaFailure")
    });
    assert_eq!(cluster.pods(namespace).len(), 2);
    // It may stay as it is, and not get worse.
    let worse = r#"[{"op": "add", "path": "/spec/rules/-", "value": {"host": "www.y.example.com"}}]"#;
    let patch = ["patch", "ingress/squatter", "--type=json", "-p", worse];
    cluster.kubectl(TENANT).within(namespace).args(patch).fails().says("www.y.example.com");
    let worse = r#"[{"op": "add", "path": "/spec/externalIPs/-", "value": "192.0.2.8"}]"#;
    let patch = ["patch", "service/public", "--type=json", "-p", worse];
    cluster.kubectl(TENANT).within(namespace).args(patch).fails().says("192.0.2.8");

    // The namespace goes, though each finalizer is removed by an update of a violating object.
    cluster.kubectl(User::Admin).args(["delete", "namespace", namespace, "--wait=false"]).succeeds();
    for (kind, name) in [("Pod", "root"), ("Service", "public"), ("Ingress", "squatter")] {
        let path = format!("{}/{name}", cluster.path(kind, namespace));
        let is_deleted = |object: &Value| object["metadata"]["deletionTimestamp"].is_string();
        cluster.until(kind, namespace, name, "being deleted", is_deleted);
        // J10: deletion opens no door either.
        if kind == "Ingress" {
            let worse = json!({"spec": {"rules": [{"host": "www.y.example.com"}]}});
            let error = cluster.admin().send(axum::http::Method::PATCH, &path, &worse).unwrap_err();
            assert!(error.to_string().contains("rule ingress-hosts"), "{error}");
        }
        cluster.admin().patch(&path, &json!({"metadata": {"finalizers": null}}));
    }
    cluster.until_gone("Namespace", "", namespace);
}
