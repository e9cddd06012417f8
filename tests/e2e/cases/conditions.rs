//! The match conditions as registered: none fails, and each leaves out the requests that it says.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::cluster::{Cluster, Counted};
use crate::eventually::{SOON, eventually};
use crate::users::User;

/// A controller of `kube-system` that may update any object.
const COLLECTOR: &str = "--as=system:serviceaccount:kube-system:generic-garbage-collector";
const TENANT: User = User::Tenant("tenant-x");
const OUTSIDER: User = User::Tenant("outsider");

/// Returns the names of the webhooks with conditions, of which the API server serves a resource.
fn conditional(cluster: &Cluster) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let configuration = cluster.get(kind, "", "partywall");
        for webhook in configuration["webhooks"].as_array().unwrap() {
            let has_conditions = webhook["matchConditions"].as_array().is_some_and(|all| !all.is_empty());
            if has_conditions
                && webhook["rules"].as_array().unwrap().iter().any(|rule| is_served(cluster, rule))
            {
                names.insert(webhook["name"].as_str().unwrap().to_owned());
            }
        }
    }
    names
}

/// Tells whether the API server serves a group of a rule, with one of its resources.
fn is_served(cluster: &Cluster, rule: &Value) -> bool {
    let texts = |field: &str| -> Vec<String> { serde_json::from_value(rule[field].clone()).unwrap() };
    texts("apiGroups").iter().any(|group| {
        let versions = match group.as_str() {
            "" => vec!["/api/v1".to_owned()],
            _ => {
                let found = cluster.admin().get(&format!("/apis/{group}")).unwrap_or_default();
                let versions = found["versions"].as_array().into_iter().flatten();
                versions
                    .map(|version| format!("/apis/{}", version["groupVersion"].as_str().unwrap()))
                    .collect()
            }
        };
        versions.iter().any(|version| {
            let found = cluster.admin().get(version).unwrap_or_default();
            let mut served = found["resources"].as_array().into_iter().flatten();
            served.any(|resource| texts("resources").iter().any(|name| resource["name"] == name.as_str()))
        })
    })
}

/// Sends, for each webhook with conditions, a request that they leave out.
fn send(cluster: &Cluster, tenants: &str, elsewhere: &str) {
    let minor = cluster.version().minor;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    let mut objects = vec![pod, service, claim];
    if minor >= 34 {
        objects.push(json!({
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "gpu"},
            "spec": {"devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "gpu.example.com"}}]}},
        }));
    }
    if minor >= 37 {
        objects.push(json!({
            "apiVersion": "scheduling.k8s.io/v1beta1", "kind": "PodGroup", "metadata": {"name": "train"},
            "spec": {"schedulingPolicy": {"basic": {}}},
        }));
    }
    for (user, namespace) in [(TENANT, tenants), (OUTSIDER, elsewhere)] {
        for object in &objects {
            cluster.kubectl(User::Admin).within(namespace).create(object.to_string()).succeeds();
        }
        // By the scheduler, the kubelet, and the controllers of addresses.
        cluster.until("Pod", namespace, "app", "running", |pod| pod["status"]["phase"] == "Running");
        cluster.until("Endpoints", namespace, "web", "those of the pod", |endpoints| {
            endpoints["subsets"][0]["addresses"].is_array()
        });
        cluster.kubectl(user).within(namespace).args(["label", "pod", "app", "seen=yes"]).succeeds();
        cluster.kubectl(user).within(namespace).args(["create", "secret", "generic", "plain"]).succeeds();
        for object in &objects {
            let target = format!("{}/{}", object["kind"], object["metadata"]["name"]).replace('"', "");
            let label = ["label", &target, "collected=yes", COLLECTOR];
            cluster.kubectl(User::Admin).within(namespace).args(label).succeeds();
        }
        let binder = "--as=system:serviceaccount:kube-system:persistent-volume-binder";
        let annotate =
            ["annotate", "persistentvolumeclaim/data", "seen=yes", binder, "--as-group=system:masters"];
        cluster.kubectl(User::Admin).within(namespace).args(annotate).succeeds();
        let status = |object: &str, user: &str| {
            let patch = ["patch", object, "--subresource=status", "--type=merge", "--patch={\"status\":{}}"];
            let user = [&format!("--as={user}"), "--as-group=system:masters"];
            cluster.kubectl(User::Admin).within(namespace).args(patch).args(user).succeeds();
        };
        status("persistentvolumeclaim/data", "system:serviceaccount:kube-system:persistent-volume-binder");
        if minor >= 34 {
            status("resourceclaim/gpu", "system:kube-scheduler");
        }
        let label = ["label", "namespace", namespace, "collected=yes", COLLECTOR];
        cluster.kubectl(User::Admin).args(label).succeeds();
        let label = ["label", "namespace", namespace, "collected=no", "--overwrite"];
        cluster.kubectl(User::Admin).args(label).succeeds();
    }
}

pub(crate) fn o1_each_condition_leaves_out_what_it_says_and_none_fails(cluster: &Cluster) {
    let tenants = "x-conditions";
    let names = conditional(cluster);
    assert!(names.len() >= 14, "{names:?}");
    let before = cluster.conditions(Counted::Exclusions);
    cluster.tenant_namespace(tenants, "tenants-x", "tenant-x");
    let elsewhere = cluster.fresh_namespace("o1");
    cluster.grant_edit(OUTSIDER, &elsewhere);
    send(cluster, tenants, &elsewhere);
    eventually(SOON, "requests are left out for the conditions of each webhook", || {
        let after = cluster.conditions(Counted::Exclusions);
        let count = |counts: &HashMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or_default();
        let missing: Vec<&String> =
            names.iter().filter(|name| count(&after, name) <= count(&before, name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("none for {missing:?}")) }
    });
    assert_eq!(cluster.conditions(Counted::Errors), HashMap::new(), "conditions failed");
}
