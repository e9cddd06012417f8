//! Server-side apply: the stamp and the applied fields get along, and what is applied is judged.

use serde_json::json;

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

fn manifests(image: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{containers: [{{name: app, image: 'registry.example.com/{image}'}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: app}}
spec: {{containers: [{{name: app, image: 'registry.example.com/{image}'}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web}}
spec:
  rules:
    - host: app.x.example.com
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"
    )
}

pub(crate) fn j18_what_is_applied_on_the_server_is_judged_and_applied_again_without_a_conflict(
    cluster: &Cluster,
) {
    let namespace = "x-applied";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let apply = |manifests: String, more: &[&str]| {
        let kubectl = cluster.kubectl(TENANT).within(namespace).apply(manifests);
        kubectl.args(["--server-side"]).args(more.iter().copied())
    };
    for image in ["app:1", "app:1", "app:2"] {
        apply(manifests(image), &[]).succeeds();
    }
    let pod = cluster.get("Pod", namespace, "app");
    assert_eq!(pod["spec"]["nodeSelector"]["tenant"], "tenants-x", "{pod}");
    assert_eq!(pod["spec"]["containers"][0]["image"], "registry.example.com/app:2", "{pod}");
    let template = cluster.get("DaemonSet", namespace, "agent")["spec"]["template"].take();
    assert_eq!(template["spec"]["nodeSelector"]["tenant"], "tenants-x", "{template}");
    let on_nodes = |pods: &[serde_json::Value]| {
        let mut agents = pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == "agent");
        agents.all(|pod| pod["spec"]["nodeName"] == "node-x") && pods.len() == 2
    };
    cluster.pods_until(namespace, "one agent runs, on the tenant's node", on_nodes);

    let object = |version: &str, kind: &str, name: &str, spec: serde_json::Value| {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}).to_string()
    };
    let containers = json!([{"name": "app", "image": "registry.example.com/app:2"}]);
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    for (object, rule) in [
        (
            object("v1", "Service", "web", json!({"type": "NodePort", "ports": [{"port": 80}]})),
            "service-exposure",
        ),
        // What is not there yet is created by an apply.
        (
            object("v1", "Service", "new", json!({"type": "NodePort", "ports": [{"port": 80}]})),
            "service-exposure",
        ),
        (
            object(
                "v1",
                "Pod",
                "tolerant",
                json!({
                    "containers": containers, "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
                }),
            ),
            "tolerations",
        ),
        (object("v1", "Pod", "new", json!({"containers": containers, "hostPID": true})), "pod-security"),
        (
            object(
                "networking.k8s.io/v1",
                "Ingress",
                "web",
                json!({"rules": [
                    {"host": "app.y.example.com", "http": {"paths": paths}},
                ]}),
            ),
            "ingress-hosts",
        ),
    ] {
        for more in [&["--force-conflicts"][..], &["--force-conflicts", "--field-manager=another"]] {
            apply(object.clone(), more).fails().says(&format!("(rule {rule}"));
        }
    }
}
