//! `--dry-run=server` answers as the real thing would, and stores nothing.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

pub(crate) fn j9_a_dry_run_is_judged_and_nothing_is_stored(cluster: &Cluster) {
    let namespace = "x-dry-run";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    let apply = ["--dry-run=server", "-o", "json"];
    let outcome = cluster.kubectl(TENANT).within(namespace).apply(pod.to_string()).args(apply).succeeds();
    let shown: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(shown["spec"]["nodeSelector"], json!({"tenant": "tenants-x"}));
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    let dry = ["--dry-run=server"];
    let outcome = cluster.kubectl(TENANT).within(namespace).apply(service.to_string()).args(dry).fails();
    outcome.says("services.partywall.dev").says("(rule service-exposure)");
    assert!(cluster.pods(namespace).is_empty());
    assert!(cluster.find("Service", namespace, "web").is_none());
}
