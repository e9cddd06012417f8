//! Groups of pods, from which the scheduler takes the priority of their pods.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
const BETA: &str = "scheduling.k8s.io/v1beta1";
const ALPHA: &str = "scheduling.k8s.io/v1alpha3";

fn group(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Objects whose class is `class`. The API server wants one class throughout a tree of templates.
fn of_class(class: &str) -> Vec<Value> {
    let of = |name: &str, rest: Value| {
        let mut object = json!({"name": name, "schedulingPolicy": {"basic": {}}, "priorityClassName": class});
        json_patch::merge(&mut object, &rest);
        object
    };
    let own = json!({"schedulingPolicy": {"basic": {}}, "priorityClassName": class});
    let mut composite = own.clone();
    composite["workloadRef"] = json!({"workloadName": "train", "templateName": "a"});
    let flat = json!({"podGroupTemplates": [of("c", json!({}))]});
    let middle = json!({"compositePodGroupTemplates": [of("b", flat.clone())]});
    let deep = json!({"compositePodGroupTemplates": [of("a", middle.clone())]});
    vec![
        group(BETA, "PodGroup", "own", &own),
        group(ALPHA, "PodGroup", "own-alpha", &own),
        group(ALPHA, "CompositePodGroup", "own", &composite),
        group(BETA, "Workload", "flat", &flat),
        group(ALPHA, "Workload", "flat-alpha", &flat),
        group(BETA, "Workload", "middle", &middle),
        group(ALPHA, "Workload", "deep", &deep),
    ]
}

fn path(cluster: &Cluster, namespace: &str, object: &Value) -> String {
    let of_kind = cluster.path(object["kind"].as_str().unwrap(), namespace);
    of_kind.replace(BETA, object["apiVersion"].as_str().unwrap())
}

pub(crate) fn c15_groups_of_pods_have_the_tenants_priority(cluster: &Cluster) {
    let namespace = "g-groups";
    cluster.tenant_namespace(namespace, "tenants-g", "tenant-x");
    for (name, value) in [("ordinary", 100), ("urgent", 1_000_000)] {
        let class = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
        });
        cluster.admin().create("/apis/scheduling.k8s.io/v1/priorityclasses", &class);
    }
    let api = cluster.api(TENANT);
    for object in of_class("ordinary") {
        let created = api.send(Method::POST, &path(cluster, namespace, &object), &object);
        created.unwrap_or_else(|error| panic!("{object}: {error}"));
    }
    for mut object in of_class("urgent") {
        object["metadata"]["name"] = json!("urgent");
        let refused = api.send(Method::POST, &path(cluster, namespace, &object), &object);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("pod-groups.partywall.dev"), "{refused}");
        assert!(refused.contains("(rule priority-class)"), "{refused}");
    }
    // The number is that of the class, or the API server refuses it.
    let own = cluster.get("PodGroup", namespace, "own");
    assert_eq!(own["spec"]["priority"], 100, "{own}");
    let spec =
        json!({"schedulingPolicy": {"basic": {}}, "priorityClassName": "ordinary", "priority": 1_000_000});
    let raised = group(BETA, "PodGroup", "raised", &spec);
    let refused = api.send(Method::POST, &path(cluster, namespace, &raised), &raised).unwrap_err();
    assert!(refused.to_string().contains("must match the priority computed"), "{refused}");

    // A group takes claims and pods of its own namespace only, so its other fields are the tenant's.
    let spec = json!({
        "schedulingPolicy": {"gang": {"minCount": 1}},
        "disruptionMode": {"all": {}},
        "schedulingConstraints": {"topology": [{"key": "kubernetes.io/hostname"}]},
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}],
    });
    let gang = group(BETA, "PodGroup", "gang", &spec);
    api.send(Method::POST, &path(cluster, namespace, &gang), &gang).unwrap();
    let pod = |name: &str, class: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {
                "schedulingGroup": {"podGroupName": "own"}, "priorityClassName": class,
                "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
            },
        })
    };
    let kubectl = || cluster.kubectl(TENANT).within(namespace);
    kubectl().create(pod("member", "ordinary").to_string()).succeeds();
    let member = cluster.get("Pod", namespace, "member");
    assert_eq!(member["spec"]["schedulingGroup"]["podGroupName"], "own", "{member}");
    kubectl().create(pod("outranks", "urgent").to_string()).fails().says("(rule priority-class)");
    // A namespace with groups ends although partywall is not asked about their finalizers.
    cluster.admin().delete(&format!("/api/v1/namespaces/{namespace}"));
    cluster.until_gone("Namespace", "", namespace);
}
