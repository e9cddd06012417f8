//! Updates that must pass, and updates that must not.

use serde_json::json;

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

const APP: &str = "
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers: [{name: app, image: 'registry.example.com/app:1'}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: 'registry.example.com/web:1'}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - host: app.x.example.com
      http:
        paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]
";

/// The application in a namespace of its own, and running.
fn deploy(cluster: &Cluster, namespace: &str) {
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.kubectl(TENANT).within(namespace).apply(APP).succeeds();
    cluster.pods_until(namespace, "both pods run", |pods| {
        pods.len() == 2 && pods.iter().all(|pod| pod["status"]["phase"] == "Running")
    });
}

pub(crate) fn ordinary_changes_are_allowed(cluster: &Cluster) {
    let namespace = "x-updates";
    deploy(cluster, namespace);
    for command in [
        "label pod app tier=front",
        "annotate pod app seen=today",
        "label deployment web tier=front",
        "scale deployment web --replicas=3",
        "set image deployment/web web=registry.example.com/web:2",
        "rollout status deployment web --timeout=50s",
        "rollout restart deployment web",
        "rollout status deployment web --timeout=50s",
        "rollout undo deployment web",
        "scale deployment web --replicas=0",
        "annotate service web seen=today",
        "label ingress web tier=front",
        "set image pod/app app=registry.example.com/app:2",
    ] {
        cluster.kubectl(TENANT).within(namespace).args(command.split(' ')).succeeds();
    }
    // What controllers write: status, with the metadata that comes along.
    for (kind, name) in [("Pod", "app"), ("Service", "web"), ("Ingress", "web")] {
        let path = format!("{}/{name}/status", cluster.path(kind, namespace));
        let object = cluster.admin().patch(&path, &json!({"metadata": {"labels": {"by": "controller"}}}));
        assert_eq!(object["metadata"]["labels"]["by"], "controller", "{kind}");
    }
    // A finalizer comes and goes.
    for finalizers in [json!(["example.com/wait"]), json!(null)] {
        let path = format!("{}/app", cluster.path("Pod", namespace));
        cluster.admin().patch(&path, &json!({"metadata": {"finalizers": finalizers}}));
    }
    let delete = ["delete", "pod/app", "service/web", "ingress/web", "deployment/web", "--timeout=50s"];
    cluster.kubectl(TENANT).within(namespace).args(delete).succeeds();
}

pub(crate) fn changes_that_add_violations_are_denied(cluster: &Cluster) {
    let namespace = "x-worse";
    deploy(cluster, namespace);
    let mut transcript = String::new();
    for (what, target, patch) in [
        (
            "b6: a toleration is added to a running pod",
            "pod/app",
            json!([{"op": "add", "path": "/spec/tolerations/-", "value": {"operator": "Exists"}}]),
        ),
        (
            "f2: a Service becomes a NodePort",
            "service/web",
            json!([{"op": "add", "path": "/spec/type", "value": "NodePort"}]),
        ),
        (
            "f3: a Service gets an external IP",
            "service/web",
            json!([{"op": "add", "path": "/spec/externalIPs", "value": ["192.0.2.7"]}]),
        ),
        (
            "g12: a host is added to an Ingress",
            "ingress/web",
            json!([{"op": "add", "path": "/spec/rules/-", "value": {"host": "app.y.example.com"}}]),
        ),
        (
            "g7: an alias is added to an Ingress",
            "ingress/web",
            json!([{"op": "add", "path": "/metadata/annotations/nginx.ingress.kubernetes.io~1server-alias",
                "value": "app.y.example.com"}]),
        ),
    ] {
        let patch = patch.to_string();
        let args = ["patch", target, "--type=json", "-p", &patch];
        let outcome = cluster.kubectl(TENANT).within(namespace).args(args).fails();
        transcript.push_str(&format!("# {what}\n{}\n", outcome.errors()));
    }
    insta::assert_snapshot!("denied_updates", transcript);
}

pub(crate) fn e3_e5_an_ephemeral_container_is_judged_like_any_other(cluster: &Cluster) {
    let namespace = "x-ephemeral";
    deploy(cluster, namespace);
    cluster.grant(TENANT, namespace, &["get", "update", "patch"], &["pods/ephemeralcontainers"]);
    let path = format!("{}/app/ephemeralcontainers", cluster.path("Pod", namespace));
    let with = |security: serde_json::Value| {
        let mut object = cluster.admin().get(&path).unwrap();
        let container = json!({"name": "debugger", "image": "registry.example.com/sh:1",
            "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent", "securityContext": security});
        object["spec"]["ephemeralContainers"] = json!([container]);
        object.to_string()
    };
    let replace = ["replace", "--raw", &path, "-f", "-"];
    let privileged = with(json!({"privileged": true}));
    let outcome = cluster.kubectl(TENANT).args(replace).stdin(privileged).fails();
    outcome.says("pods.partywall.dev").says("spec.ephemeralContainers[0].securityContext.privileged");
    let harmless = with(json!({"runAsUser": 1000}));
    cluster.kubectl(TENANT).args(replace).stdin(harmless).succeeds();
    let pod = cluster.get("Pod", namespace, "app");
    assert_eq!(pod["spec"]["ephemeralContainers"][0]["name"], "debugger");
}
