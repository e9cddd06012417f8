//! Ratcheting: the API server takes an object that its schema no longer allows, as long as what is wrong stays.

use axum::http::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
const GROUP: &str = "ratcheted.example.com";

fn definition(size: &Value) -> Value {
    let spec = json!({"type": "object", "properties": {"host": {"type": "string"}, "size": size}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("sites.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"plural": "sites", "singular": "site", "kind": "Site", "listKind": "SiteList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }],
        },
    })
}

pub(crate) fn j11_an_object_that_its_schema_grandfathers_is_still_judged(cluster: &Cluster) {
    let namespace = "x-ratcheted";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.grant(TENANT, namespace, &["create", "get", "update", "patch"], &["sites"]);
    let definitions = cluster.path("CustomResourceDefinition", "");
    cluster.admin().create(&definitions, &definition(&json!({"type": "integer"})));
    let path = format!("/apis/{GROUP}/v1/namespaces/{namespace}/sites");
    let site = |name: &str, host: &str, size: u32| {
        json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": "Site", "metadata": {"name": name},
            "spec": {"host": host, "size": size},
        })
    };
    let api = cluster.api(TENANT);
    eventually(SOON, "a Site is created", || {
        api.send(Method::POST, &path, &site("large", "app.x.example.com", 100)).map(drop)
    });
    let foreign = api.send(Method::POST, &path, &site("foreign", "app.y.example.com", 1)).unwrap_err();
    assert!(foreign.to_string().contains("(rule foreign-routes)"), "{foreign}");
    let limited = json!({"type": "integer", "maximum": 10});
    let versions = definition(&limited)["spec"]["versions"].take();
    cluster.admin().patch(&format!("{definitions}/sites.{GROUP}"), &json!({"spec": {"versions": versions}}));
    eventually(SOON, "the new schema holds", || {
        match api.send(Method::POST, &format!("{path}?dryRun=All"), &site("new", "app.x.example.com", 100)) {
            Err(kube::Error::Api(status)) if status.reason == "Invalid" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    let path = format!("{path}/large");
    let patch = |patch: Value| api.send(Method::PATCH, &path, &patch).map_err(|error| error.to_string());
    patch(json!({"metadata": {"labels": {"tier": "front"}}})).unwrap();
    let refused = patch(json!({"spec": {"host": "app.y.example.com"}})).unwrap_err();
    assert!(refused.contains("(rule foreign-routes)"), "{refused}");
    let moved = patch(json!({"spec": {"host": "api.x.example.com"}})).unwrap();
    assert_eq!(moved["spec"], json!({"host": "api.x.example.com", "size": 100}));
}
