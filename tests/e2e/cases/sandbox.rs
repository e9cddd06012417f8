//! A tenant's runtime class is stamped, and the API server takes it for the pod's own.

use serde_json::json;

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-y");

/// RuntimeClass admission comes before all webhooks: that it sees the stamp takes the round after them.
pub(crate) fn c11_the_runtime_class_is_stamped_with_all_that_it_brings(cluster: &Cluster) {
    let namespace = "s-sandbox";
    cluster.tenant_namespace(namespace, "tenants-s", "tenant-y");
    for name in ["sandbox", "plain"] {
        let class = json!({
            "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name},
            "handler": name, "overhead": {"podFixed": {"memory": "64Mi"}},
        });
        cluster.kubectl(User::Admin).create(class.to_string()).succeeds();
    }
    let pod = |name: &str, class: Option<&str>| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"runtimeClassName": class, "containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        })
        .to_string()
    };
    // The API server learns of a new class a moment later.
    cluster.until_creatable(TENANT, namespace, &pod("probe", Some("sandbox")));
    cluster.kubectl(TENANT).within(namespace).create(pod("app", None)).succeeds();
    let stored = cluster.get("Pod", namespace, "app");
    assert_eq!(stored["spec"]["runtimeClassName"], "sandbox");
    assert_eq!(stored["spec"]["overhead"], json!({"memory": "64Mi"}));
    let outcome = cluster.kubectl(TENANT).within(namespace).create(pod("other", Some("plain"))).fails();
    outcome.says("pods.partywall.dev").says("(rule runtime-class)");
}

pub(crate) fn c8_c13_c12_a_pod_cannot_outrank_or_repel_its_neighbours(cluster: &Cluster) {
    let namespace = "x-neighbours";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let far = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/os", "labelSelector": {}, "namespaceSelector": {}}]}});
    for (rule, field, value) in [
        ("scheduler", "schedulerName", json!("mine")),
        ("priority-class", "priorityClassName", json!("system-node-critical")),
        ("pod-affinity", "affinity", far),
    ] {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
            "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
        });
        pod["spec"][field] = value;
        let outcome =
            cluster.kubectl(User::Tenant("tenant-x")).within(namespace).create(pod.to_string()).fails();
        outcome.says("pods.partywall.dev").says(&format!("(rule {rule})"));
    }
}
