//! The label that names a namespace's tenant, and namespaces in which it and the policies contradict each other.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const LABEL: &str = "partywall.dev/tenant";

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    })
}

/// A namespace labelled for a tenant that does not list it gets nothing but a reason, which is counted.
pub(crate) fn o4_a_labelled_namespace_that_no_tenant_lists_gets_nothing_but_a_reason(cluster: &Cluster) {
    let namespace = "x-preview-17";
    let count = || cluster.partywall().as_ref().map(|instance| instance.metrics()).unwrap_or_default();
    let manifest = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": namespace, "labels": {LABEL: "tenants-x"}},
    });
    let outcome = cluster.kubectl(User::Admin).create(manifest.to_string()).succeeds();
    assert!(outcome.stderr.contains("no Tenant lists it"), "{}", outcome.stderr);
    let tenant = User::Tenant("tenant-x");
    cluster.grant_edit(tenant, namespace);
    eventually(SOON, "the namespace has its ServiceAccount", || {
        cluster.find("ServiceAccount", namespace, "default").map(drop).ok_or("none")
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}]},
    });
    for object in [pod("app"), service] {
        let outcome = cluster.kubectl(tenant).within(namespace).create(object.to_string()).fails();
        outcome.says("no Tenant has this namespace").says("ask the platform team");
    }
    let metrics = count();
    for series in [
        r#"partywall_reviews_total{endpoint="mutate/tenants",verdict="no_tenant"} "#,
        r#"partywall_reviews_total{endpoint="validate/tenants",verdict="no_tenant"} "#,
    ] {
        let line = metrics.lines().find(|line| line.starts_with(series)).unwrap();
        assert_ne!(line.strip_prefix(series), Some("0"), "{line}");
    }
}

/// A namespace that a Tenant lists gets the label when somebody creates it, and gets it back when it was taken away.
pub(crate) fn o4_a_listed_namespace_gets_its_label_and_gets_it_back(cluster: &Cluster) {
    let namespace = "x-labelled";
    cluster.namespace(namespace, &json!({"team": "web"}));
    let label = || cluster.get("Namespace", "", namespace)["metadata"]["labels"][LABEL].clone();
    assert_eq!(label(), "tenants-x");
    // Whoever takes it away, here a cluster administrator.
    cluster.label(namespace, &json!({LABEL: null}));
    assert_eq!(label(), "tenants-x");
    cluster.grant_edit(User::Tenant("tenant-x"), namespace);
    let created = cluster.api(User::Tenant("tenant-x")).create(&cluster.path("Pod", namespace), &pod("app"));
    assert_eq!(created["spec"]["nodeSelector"]["tenant"], "tenants-x", "{created}");
}

/// A node of one tenant shows no static pod in a namespace of another.
pub(crate) fn o7_no_kubelet_shows_its_pod_in_a_tenants_namespace(cluster: &Cluster) {
    let node = cluster.get("Node", "", "node-y");
    let mut mirror = pod("static-node-y");
    mirror["metadata"]["annotations"] = json!({
        "kubernetes.io/config.mirror": "0f2c", "kubernetes.io/config.source": "file",
        "kubernetes.io/config.hash": "0f2c",
    });
    mirror["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "Node", "name": "node-y", "uid": node["metadata"]["uid"], "controller": true,
    }]);
    mirror["spec"]["nodeName"] = json!("node-y");
    mirror["spec"]["tolerations"] = json!([{"operator": "Exists", "effect": "NoExecute"}]);
    let kubelet = cluster.api(User::Kubelet("node-y"));
    let refused = kubelet.send(Method::POST, &cluster.path("Pod", "tenants-x"), &mirror);
    let refused = refused.map_err(|error| error.to_string()).unwrap_err();
    assert!(refused.contains("mirrorPods: Allow"), "{refused}");
    let namespace = cluster.fresh_namespace("o7");
    kubelet.create(&cluster.path("Pod", &namespace), &mirror);
}
