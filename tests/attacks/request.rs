//! From a step to the reviews that the API server sends.

use serde_json::{Value, json};

use crate::entry::{Step, User};

/// Of the kinds that are written most, what their `apiVersion` is where none is written.
const API_VERSIONS: &[(&str, &[&str])] = &[
    (
        "v1",
        &[
            "Pod",
            "Service",
            "Endpoints",
            "Namespace",
            "Binding",
            "ReplicationController",
            "PodTemplate",
            "PodExecOptions",
            "PersistentVolumeClaim",
            "ResourceQuota",
            "LimitRange",
            "ServiceAccount",
            "Secret",
            "ConfigMap",
        ],
    ),
    ("apps/v1", &["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]),
    ("batch/v1", &["Job", "CronJob"]),
    ("networking.k8s.io/v1", &["Ingress", "NetworkPolicy"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("gateway.networking.k8s.io/v1", &["Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "ListenerSet"]),
    ("cert-manager.io/v1", &["Certificate", "CertificateRequest"]),
    ("snapshot.storage.k8s.io/v1", &["VolumeSnapshot"]),
    ("rbac.authorization.k8s.io/v1", &["Role", "RoleBinding"]),
];

/// The object with all that is usual.
pub(crate) fn complete(mut object: Value, namespace: &str) -> Value {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    if object.get("apiVersion").is_none() {
        let known = API_VERSIONS.iter().find(|(_, kinds)| kinds.contains(&kind.as_str()));
        object["apiVersion"] = json!(known.unwrap_or_else(|| panic!("{kind} needs an apiVersion")).0);
    }
    let metadata = &mut object["metadata"];
    if metadata.get("name").is_none() && metadata.get("generateName").is_none() {
        metadata["name"] = json!("app");
    }
    if metadata.get("namespace").is_none() && kind != "Namespace" {
        metadata["namespace"] = json!(namespace);
    }
    // A spec that is `null` is meant to be none.
    if kind == "Pod" && object.get("spec").is_none() {
        object["spec"] = json!({});
    }
    if kind == "Pod" && object["spec"].is_object() && object["spec"].get("containers").is_none() {
        object["spec"]["containers"] = json!([{"name": "app", "image": "registry.example.com/app:1"}]);
    }
    object
}

/// The object changed by a JSON merge patch, or by the operations of a JSON patch.
pub(crate) fn change(mut object: Value, change: &Value) -> Result<Value, String> {
    if change.is_array() {
        let patch: json_patch::Patch = serde_json::from_value(change.clone()).map_err(|e| e.to_string())?;
        json_patch::patch(&mut object, &patch).map_err(|e| e.to_string())?;
    } else {
        json_patch::merge(&mut object, change);
    }
    Ok(object)
}

/// The plural of a kind, as resources are called.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_bytes() {
        [.., b'e', b'n', b'd', b'p', b'o', b'i', b'n', b't', b's'] => lower,
        [.., b's', b's'] => lower + "es",
        [.., b'a' | b'e', b'y'] => lower + "s",
        [.., b'y'] => format!("{}ies", lower.trim_end_matches('y')),
        _ => lower + "s",
    }
}

fn user(user: &User) -> Value {
    let name = match user {
        User::In { username, groups } => return json!({"username": username, "groups": groups}),
        User::Named(name) => name,
    };
    let mut groups = vec!["system:authenticated".to_owned()];
    if let Some(namespace) =
        name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split(':').next())
    {
        groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
    } else if name.starts_with("system:node:") {
        groups.push("system:nodes".to_owned());
    }
    json!({"username": name, "groups": groups})
}

/// The review of a step about `object`, which was `old`.
pub(crate) fn review(step: &Step, operation: &str, object: &Value, old: &Value) -> Value {
    let mut review = plain(&step.namespace, step.resource.as_deref(), operation, object, old);
    review["request"]["userInfo"] = user(&step.user);
    if let Some(request) = &step.request {
        json_patch::merge(&mut review["request"], request);
    }
    review
}

/// The review of the creation of `object` by an ordinary user.
pub(crate) fn creation(namespace: &str, object: &Value) -> Value {
    plain(namespace, None, "CREATE", object, &Value::Null)
}

fn plain(namespace: &str, resource: Option<&str>, operation: &str, object: &Value, old: &Value) -> Value {
    let shown = if object.is_null() { old } else { object };
    let api_version = shown["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = shown["kind"].as_str().unwrap_or_default();
    let written = resource.map_or_else(|| plural(kind), str::to_owned);
    let (resource, subresource) = written.split_once('/').unwrap_or((&written, ""));
    let name = shown["metadata"]["name"].as_str().unwrap_or_default();
    // The API server says of a namespace that it is in itself.
    let namespace = if kind == "Namespace" { name } else { namespace };
    let mut review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "0b4f6a8e-7d3c-4a1b-9a57-5f0f4c1e2d3a",
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": resource},
            "requestKind": {"group": group, "version": version, "kind": kind},
            "requestResource": {"group": group, "version": version, "resource": resource},
            "name": name,
            "namespace": namespace,
            "operation": operation,
            "userInfo": user(&User::default()),
            "object": object,
            "oldObject": old,
            "dryRun": false,
            "options": null,
        },
    });
    if !subresource.is_empty() {
        review["request"]["subResource"] = json!(subresource);
    }
    review
}
