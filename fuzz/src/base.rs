//! Harmless objects, from which something worse may be arrived at.

use serde_json::{Value, json};

use crate::review::{stamped, with};

/// An object of the review's kind that is harmless wherever the review is about; `None`: the kind has none.
pub fn harmless(review: &Value) -> Option<Value> {
    let metadata = json!({"name": "web", "namespace": review["request"]["namespace"]});
    let spec = json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "runtimeClassName": "gvisor",
        "priorityClassName": "team-low",
        "containers": [{
            "name": "app", "image": "registry.example.com/app:1",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
    });
    let template = json!({"metadata": {}, "spec": &spec});
    let rest = match review["request"]["kind"]["kind"].as_str()? {
        "Pod" => json!({"spec": spec}),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            json!({"spec": {"template": template}})
        }
        "CronJob" => json!({"spec": {"jobTemplate": {"spec": {"template": template}}}}),
        "PodTemplate" => json!({"template": template}),
        "Service" => json!({"spec": {"type": "ClusterIP"}}),
        "Ingress" => json!({"spec": {"ingressClassName": "public"}}),
        "Endpoints" => json!({"subsets": []}),
        "EndpointSlice" => json!({"endpoints": [], "addressType": "IPv4"}),
        _ => return None,
    };
    let mut object = json!({"metadata": metadata});
    for (key, value) in rest.as_object()? {
        object[key] = value.clone();
    }
    // As it would have been stored.
    let mut created = with(review, "CREATE", &object, &Value::Null);
    created["request"]["subResource"] = Value::Null;
    Some(stamped(&created).unwrap_or(object))
}
