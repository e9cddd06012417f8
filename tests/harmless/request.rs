//! Reviews as the API server writes them, and what it makes of an object before it asks anybody.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, review};
use serde_json::{Value, json};

/// The namespace of objects that name none.
const NAMESPACE: &str = "shop";

/// A request.
#[derive(Clone)]
pub(crate) struct Request<'r> {
    pub(crate) operation: &'r str,
    pub(crate) user: &'r str,
    /// The plural of the resource that a subresource is of; absent: the object's.
    pub(crate) resource: Option<String>,
    pub(crate) subresource: &'r str,
    pub(crate) object: Value,
    pub(crate) old: Value,
    pub(crate) dry_run: bool,
}

impl Request<'_> {
    /// Whether it changes a pod that had gates, which may still be stamped.
    pub(crate) fn is_of_gated_pod(&self) -> bool {
        let had_gates = self.old["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
        self.object["kind"] == "Pod" && self.operation == "UPDATE" && had_gates
    }

    fn review(&self) -> Value {
        let described = if self.object.is_null() { &self.old } else { &self.object };
        let api_version = described["apiVersion"].as_str().unwrap();
        let kind = described["kind"].as_str().unwrap();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = json!({"group": group, "version": version, "kind": kind});
        let resource = self.resource.clone().unwrap_or_else(|| plural(kind));
        let metadata = &described["metadata"];
        // Of a Namespace, and of nothing else without a namespace, its own name.
        let namespace = if kind == "Namespace" { &metadata["name"] } else { &metadata["namespace"] };
        json!({
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "request": {
                "uid": "7f0b2891-916f-4ed6-b7cd-27bff1815a8c",
                "kind": gvk,
                "resource": {"group": group, "version": version, "resource": resource},
                "subResource": self.subresource,
                "requestKind": gvk,
                "name": metadata["name"].as_str().unwrap_or_default(),
                "namespace": namespace.as_str().unwrap_or_default(),
                "operation": self.operation,
                "userInfo": {"username": self.user, "uid": "a5e1", "groups": groups(self.user)},
                "object": self.object,
                "oldObject": self.old,
                "dryRun": self.dry_run,
                "options": {"apiVersion": "meta.k8s.io/v1", "kind": "PatchOptions", "fieldManager": "kubectl"},
            },
        })
    }

    /// Asks one of the webhooks, in bytes both ways; the patch, if there is one.
    ///
    /// The error is a denial, or what else somebody who wants nothing bad should not be answered.
    pub(crate) fn ask(&self, entry: Entry, snapshot: &Snapshot) -> Result<Option<Value>, String> {
        let body = self.review().to_string();
        let answer = partywall_core::answer(entry, body.as_bytes(), snapshot).unwrap();
        let bytes = review::encode(&answer.uid, &answer.verdict);
        let review: Value = serde_json::from_slice(&bytes).unwrap();
        let response = &review["response"];
        let about = || format!("{entry:?} {} {}", self.operation, described(self));
        if response["allowed"] != true {
            let message = response["status"]["message"].as_str().unwrap_or_default();
            return Err(format!("{}: denied: {message}", about()));
        }
        if let Some(warnings) = response.get("warnings") {
            return Err(format!("{}: warned: {warnings}", about()));
        }
        let patch = response["patch"].as_str().map(|patch| STANDARD.decode(patch).unwrap());
        Ok(patch.map(|patch| serde_json::from_slice(&patch).unwrap()))
    }
}

fn described(request: &Request<'_>) -> String {
    let object = if request.object.is_null() { &request.old } else { &request.object };
    let slash = if request.subresource.is_empty() { "" } else { "/" };
    format!("{}{slash}{} by {}", id(object), request.subresource, request.user)
}

/// `Kind/name` of an object.
pub(crate) fn id(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// The plural of a kind, as resources are called.
pub(crate) fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "endpoints" => lower,
        _ if lower.ends_with("ss") => format!("{lower}es"),
        _ if lower.ends_with("cy") => format!("{}ies", lower.trim_end_matches('y')),
        _ => format!("{lower}s"),
    }
}

/// The groups that the API server would add to a user.
fn groups(user: &str) -> Vec<String> {
    let mut groups = vec!["system:authenticated".to_owned()];
    let account = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    if let Some((namespace, _)) = account {
        groups.push("system:serviceaccounts".to_owned());
        groups.push(format!("system:serviceaccounts:{namespace}"));
    } else if user.starts_with("system:node:") {
        groups.push("system:nodes".to_owned());
    }
    groups
}

/// An object with what the API server has filled in before the first webhook is asked.
pub(crate) fn filled_in(mut object: Value) -> Value {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let metadata = &mut object["metadata"];
    if kind != "Namespace" && metadata.get("namespace").is_none() {
        metadata["namespace"] = json!(NAMESPACE);
    }
    let filled = json!({
        "uid": "2f6f6c1e-0a7c-4a54-8d3e-4a0f5f2c8a55",
        "creationTimestamp": "2026-11-20T08:00:00Z",
        "managedFields": [{
            "manager": "kubectl", "operation": "Apply", "apiVersion": object["apiVersion"],
            "time": "2026-11-20T08:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {}},
        }],
    });
    let metadata = object["metadata"].as_object_mut().unwrap();
    for (key, value) in filled.as_object().unwrap() {
        metadata.entry(key).or_insert_with(|| value.clone());
    }
    if kind == "Pod" {
        fill_in_pod(&mut object["spec"]);
    }
    object
}

/// The defaults of a pod's spec, and what the plugins that are always on add to it.
fn fill_in_pod(spec: &mut Value) {
    let defaults = json!({
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default", "serviceAccount": "default", "securityContext": {},
        "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
        "preemptionPolicy": "PreemptLowerPriority", "tolerations": [], "volumes": [],
    });
    let fields = spec.as_object_mut().unwrap();
    for (key, value) in defaults.as_object().unwrap() {
        fields.entry(key).or_insert_with(|| value.clone());
    }
    for key in ["not-ready", "unreachable"].map(|key| format!("node.kubernetes.io/{key}")) {
        let tolerations = spec["tolerations"].as_array_mut().unwrap();
        if tolerations.iter().all(|toleration| toleration["key"] != key) {
            tolerations.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
    let token = json!({"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace",
            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}});
    if spec["automountServiceAccountToken"] != false {
        spec["volumes"].as_array_mut().unwrap().push(token);
    }
    for container in
        ["initContainers", "containers"].iter().filter_map(|list| spec.get(list)?.as_array()).flatten()
    {
        // The corpus is of what is real: no container does without these.
        assert!(container["name"].is_string() && container["image"].is_string(), "{container}");
    }
}
