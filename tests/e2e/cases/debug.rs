//! `kubectl debug`, as people run it: what a profile adds is judged like what a tenant writes by hand.

use serde_json::json;

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
const IMAGE: &str = "--image=registry.example.com/sh:1";

pub(crate) fn e3_each_profile_of_kubectl_debug_is_judged_by_what_it_adds(cluster: &Cluster) {
    let namespace = "x-debugged";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.grant(TENANT, namespace, &["get", "update", "patch"], &["pods/ephemeralcontainers"]);
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    kubectl().create(pod.to_string()).succeeds();
    cluster.until("Pod", namespace, "app", "running", |pod| pod["status"]["phase"] == "Running");
    let debug = |target: &str, profile: &str, more: &[&str]| {
        let profile = format!("--profile={profile}");
        kubectl().args(["debug", target, IMAGE, "--attach=false", &profile]).args(more.iter().copied())
    };
    for profile in ["baseline", "restricted"] {
        debug("app", profile, &["-c", profile]).succeeds();
    }
    for (profile, says) in [("general", "SYS_PTRACE"), ("netadmin", "NET_ADMIN"), ("sysadmin", "privileged")]
    {
        let outcome = debug("app", profile, &["-c", profile]).fails();
        outcome.says("pods.partywall.dev").says("(rule pod-security").says(says);
    }
    let stored = cluster.get("Pod", namespace, "app");
    assert_eq!(stored["spec"]["ephemeralContainers"].as_array().unwrap().len(), 2, "{stored}");

    // A copy is a new pod: it is stamped, and judged as a whole.
    debug("app", "baseline", &["--copy-to=copy", "-c", "baseline"]).succeeds();
    let copy = cluster.until("Pod", namespace, "copy", "running", |pod| pod["status"]["phase"] == "Running");
    assert_eq!(copy["spec"]["nodeName"], "node-x", "{copy}");
    debug("app", "sysadmin", &["--copy-to=root", "-c", "sysadmin"]).fails().says("privileged");

    // A pod on a node of the tenant's choice, in the node's own namespaces.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "sees-nodes"},
        "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
    });
    cluster.admin().create("/apis/rbac.authorization.k8s.io/v1/clusterroles", &role);
    cluster.grant_cluster_role(TENANT, "sees-nodes", "get", "nodes");
    for node in ["node/node-x", "node/node-y"] {
        for profile in ["general", "sysadmin"] {
            debug(node, profile, &[]).fails().says("pods.partywall.dev").says("spec.nodeName");
        }
    }
}
