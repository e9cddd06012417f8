//! Only the platform team changes the tenant of a namespace and the objects that it manages there.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");

/// A tenant that may write its namespace tries to change it by every verb and subresource that writes metadata.
pub(crate) fn i2_i3_i4_i8_a_namespace_keeps_its_tenant_through_every_subresource(cluster: &Cluster) {
    let namespace = "x-guarded";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.label(namespace, &json!({"pod-security.kubernetes.io/enforce": "baseline"}));
    let doors = ["namespaces", "namespaces/status", "namespaces/finalize"];
    cluster.grant(TENANT, namespace, &["get", "update", "patch"], &doors);
    let api = cluster.api(TENANT);
    let there = cluster.get("Namespace", "", namespace);
    let changed = |key: &str, value: Value| {
        let mut object = there.clone();
        object["metadata"]["labels"][key] = value;
        object["metadata"]["labels"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
        object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        object
    };
    let attempts = [
        changed("partywall.dev/tenant", Value::Null),
        changed("partywall.dev/tenant", json!("tenants-y")),
        changed("pod-security.kubernetes.io/enforce", json!("privileged")),
        changed("pod-security.kubernetes.io/enforce", Value::Null),
        changed("admission.gatekeeper.sh/ignore", json!("yes")),
    ];
    for door in ["", "/status", "/finalize"] {
        let path = format!("/api/v1/namespaces/{namespace}{door}");
        // Without a label of a tenant it gets its own again; in a write to a subresource that is denied.
        if door.is_empty() {
            api.send(Method::PUT, &path, &attempts[0]).unwrap();
            let label =
                cluster.get("Namespace", "", namespace)["metadata"]["labels"]["partywall.dev/tenant"].take();
            assert_eq!(label, "tenants-x");
        }
        for attempt in attempts.iter().skip(usize::from(door.is_empty())) {
            let refused = api.send(Method::PUT, &path, attempt).map_err(|error| error.to_string());
            let refused = refused.unwrap_err();
            assert!(refused.contains("namespaces.partywall.dev"), "{path}: {refused}");
            assert!(refused.contains("(rule namespaces)"), "{path}: {refused}");
        }
        // A label that protects nothing can be written in each of these ways.
        api.send(Method::PUT, &path, &changed("team", json!(format!("web{}", door.len())))).unwrap();
        let labels = cluster.get("Namespace", "", namespace)["metadata"]["labels"].take();
        assert_eq!(labels["team"], format!("web{}", door.len()), "{path}");
        assert_eq!(labels["partywall.dev/tenant"], "tenants-x", "{path}");
    }
}

pub(crate) fn f13_managed_objects_are_deleted_only_with_their_namespace(cluster: &Cluster) {
    let namespace = "x-managed";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let policy = |name: &str, labels: Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "labels": labels},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        })
    };
    let path = cluster.path("NetworkPolicy", namespace);
    cluster.admin().create(&path, &policy("isolate", json!({"partywall.dev/managed": "platform"})));
    let tenant = || cluster.kubectl(TENANT).within(namespace);
    tenant().create(policy("own", json!({})).to_string()).succeeds();
    for attempt in [
        vec!["delete", "networkpolicy", "isolate"],
        vec!["delete", "networkpolicy", "--all"],
        vec!["label", "networkpolicy", "isolate", "partywall.dev/managed-"],
        vec![
            "patch",
            "networkpolicy",
            "isolate",
            "--type=merge",
            "-p",
            r#"{"spec":{"policyTypes":["Ingress"]}}"#,
        ],
    ] {
        tenant().args(attempt).fails().says("managed.partywall.dev").says("(rule managed-objects)");
    }
    // J8: a deletion of a collection is judged object by object.
    let collection =
        cluster.api(TENANT).send(Method::DELETE, &path, &Value::Null).map_err(|error| error.to_string());
    assert!(collection.unwrap_err().contains("(rule managed-objects)"));
    assert_eq!(cluster.list("NetworkPolicy", namespace)[0]["metadata"]["name"], "isolate");
    // F15: the namespace can still be deleted.
    cluster.admin().delete(&format!("/api/v1/namespaces/{namespace}"));
    eventually(SOON, "the namespace is gone", || {
        cluster.find("Namespace", "", namespace).map_or(Ok(()), |object| Err(object["status"].to_string()))
    });
}
