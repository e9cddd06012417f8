//! Leaves out of an object what a cluster has filled in since somebody wrote it.
//!
//! `check --live` judges objects as `kubectl get -o yaml` prints them. The API server, its admission plugins, the
//! scheduler and the controllers add fields that no tenant may write, and that are no violation of whoever wrote the
//! object.

use serde_json::{Map, Value};

/// The fields of `metadata` that the API server writes.
const METADATA: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The annotations that controllers and network plugins write; those that end in `/` are prefixes.
const ANNOTATIONS: [&str; 26] = [
    "batch.kubernetes.io/job-tracking",
    "cni.projectcalico.org/containerID",
    "cni.projectcalico.org/podIP",
    "cni.projectcalico.org/podIPs",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "k8s.ovn.org/pod-networks",
    "k8s.v1.cni.cncf.io/network-status",
    "k8s.v1.cni.cncf.io/networks-status",
    "kubernetes.io/limit-ranger",
    "ovn.kubernetes.io/allocated",
    "ovn.kubernetes.io/cidr",
    "ovn.kubernetes.io/gateway",
    "ovn.kubernetes.io/ip_address",
    "ovn.kubernetes.io/logical_switch",
    "ovn.kubernetes.io/mac_address",
    "ovn.kubernetes.io/routed",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/migrated-to",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-resizer",
    "openshift.io/scc",
];

/// The labels and annotations by which controllers of the cluster mark what they write.
const BY_CONTROLLERS: [(&str, &str, Option<&[&str]>); 4] = [
    (
        "EndpointSlice",
        "/metadata/labels/endpointslice.kubernetes.io~1managed-by",
        Some(&["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"]),
    ),
    ("Endpoints", "/metadata/labels/endpoints.kubernetes.io~1managed-by", Some(&["endpoint-controller"])),
    ("Endpoints", "/metadata/annotations/endpoints.kubernetes.io~1last-change-trigger-time", None),
    ("Pod", "/metadata/annotations/kubernetes.io~1config.mirror", None),
];

/// The kinds that controllers write for an object of another kind, which owns them.
const OWNED: [(&str, &str); 3] =
    [("CertificateRequest", "Certificate"), ("Order", "CertificateRequest"), ("Challenge", "Order")];

/// Returns whether a controller of the cluster wrote an object, so that nobody has to correct it.
pub(super) fn is_of_controller(object: &Value) -> bool {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let is_marked = BY_CONTROLLERS.into_iter().any(|(marked, path, values)| {
        let value = object.pointer(path).and_then(Value::as_str).filter(|_| marked == kind);
        value.is_some_and(|value| values.is_none_or(|values| values.contains(&value)))
    });
    is_marked || OWNED.into_iter().any(|(owned, owner)| owned == kind && is_owned_by(object, owner))
}

fn is_owned_by(object: &Value, kind: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
    owners.into_iter().any(|owner| owner.get("kind").and_then(Value::as_str) == Some(kind))
}

/// Leaves out what the cluster filled in.
pub(super) fn leave_out_filled_in(object: &mut Value) {
    let is_of_daemon_set = is_owned_by(object, "DaemonSet");
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(fields) = object.as_object_mut() else { return };
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        remove(metadata, &METADATA);
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !is_filled_in(key));
        }
    }
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
    match kind.as_str() {
        "Pod" => pod(spec, is_of_daemon_set),
        "PersistentVolumeClaim" => remove(spec, &["volumeName"]),
        "Service" => service(spec),
        _ => {}
    }
}

fn is_filled_in(key: &str) -> bool {
    ANNOTATIONS
        .into_iter()
        .any(|known| if known.ends_with('/') { key.starts_with(known) } else { key == known })
}

fn remove(fields: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        fields.remove(*name);
    }
}

/// Leaves out what the scheduler, admission plugins and the DaemonSet controller write into a pod.
fn pod(spec: &mut Map<String, Value>, is_of_daemon_set: bool) {
    remove(spec, &["nodeName", "overhead", "preemptionPolicy", "priority"]);
    if let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
        tolerations.retain(|toleration| !is_of_admission(toleration));
    }
    if is_of_daemon_set {
        place_of_daemon(spec);
    }
}

/// Returns whether an admission plugin or the DaemonSet controller adds such a toleration to pods.
fn is_of_admission(toleration: &Value) -> bool {
    let field = |name| toleration.get(name).and_then(Value::as_str).unwrap_or_default();
    let condition = field("key").strip_prefix("node.kubernetes.io/");
    field("operator") == "Exists"
        && match field("effect") {
            "NoExecute" => matches!(condition, Some("not-ready" | "unreachable")),
            "NoSchedule" => matches!(
                condition,
                Some(
                    "disk-pressure"
                        | "memory-pressure"
                        | "network-unavailable"
                        | "pid-pressure"
                        | "unschedulable"
                )
            ),
            _ => false,
        }
}

/// Leaves out the node to which the DaemonSet controller ties a pod.
fn place_of_daemon(spec: &mut Map<String, Value>) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let affinity = spec.get_mut("affinity").and_then(|affinity| affinity.get_mut("nodeAffinity"));
    let Some(affinity) = affinity.and_then(Value::as_object_mut) else { return };
    let terms = affinity.get_mut(REQUIRED).and_then(|required| required.get_mut("nodeSelectorTerms"));
    let Some(terms) = terms.and_then(Value::as_array_mut) else { return };
    for term in terms.iter_mut() {
        let Some(term) = term.as_object_mut() else { continue };
        let is_of_controller = term.get("matchFields").and_then(Value::as_array).is_some_and(|fields| {
            fields.iter().all(|field| field.get("key").and_then(Value::as_str) == Some("metadata.name"))
        });
        if is_of_controller {
            term.remove("matchFields");
        }
    }
    terms.retain(|term| term.as_object().is_none_or(|term| !term.is_empty()));
    if terms.is_empty() {
        affinity.remove(REQUIRED);
    }
}

/// Leaves out the addresses and ports that the API server allocates to a Service.
fn service(spec: &mut Map<String, Value>) {
    if spec.get("clusterIP").and_then(Value::as_str) != Some("None") {
        remove(spec, &["clusterIP", "clusterIPs"]);
    }
    remove(spec, &["healthCheckNodePort", "ipFamilies", "ipFamilyPolicy"]);
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.remove("nodePort");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(mut object: Value) -> Value {
        leave_out_filled_in(&mut object);
        object
    }

    #[test]
    fn a_pod_is_as_it_was_written() {
        let pod = json!({
            "kind": "Pod",
            "metadata": {
                "name": "a", "uid": "u", "managedFields": [], "resourceVersion": "7",
                "annotations": {"cni.projectcalico.org/podIP": "10.0.0.7/32", "example.com/a": "b"},
            },
            "spec": {
                "nodeName": "node-1", "priority": 0, "containers": [{"name": "a", "image": "a"}],
                "tolerations": [
                    {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                     "tolerationSeconds": 300},
                    {"key": "pool", "value": "blue"},
                ],
            },
            "status": {"phase": "Running"},
        });
        let expected = json!({
            "kind": "Pod",
            "metadata": {"name": "a", "annotations": {"example.com/a": "b"}},
            "spec": {
                "containers": [{"name": "a", "image": "a"}],
                "tolerations": [{"key": "pool", "value": "blue"}],
            },
        });
        assert_eq!(written(pod), expected);
    }

    #[test]
    fn the_node_of_a_daemon_is_left_out_and_what_was_demanded_beside_it_stays() {
        let pod = |kind: &str| {
            json!({
                "kind": "Pod",
                "metadata": {"ownerReferences": [{"kind": kind}]},
                "spec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                    {"nodeSelectorTerms": [
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
                        {"matchExpressions": [{"key": "a", "operator": "Exists"}],
                         "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
                    ]}}}},
            })
        };
        let terms =
            "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
        let left = written(pod("DaemonSet"));
        assert_eq!(
            left.pointer(terms),
            Some(&json!([{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]))
        );
        let of_others = pod("ReplicaSet");
        assert_eq!(written(of_others.clone()).pointer(terms), of_others.pointer(terms));
    }

    #[test]
    fn what_controllers_write_is_told_from_what_people_write() {
        let slice = |by: &str| {
            json!({"kind": "EndpointSlice",
                   "metadata": {"labels": {"endpointslice.kubernetes.io/managed-by": by}}})
        };
        assert!(is_of_controller(&slice("endpointslice-controller.k8s.io")));
        assert!(!is_of_controller(&slice("somebody")));
        assert!(!is_of_controller(&json!({"kind": "Endpoints", "metadata": {"name": "a"}})));
        let order =
            json!({"kind": "Order", "metadata": {"ownerReferences": [{"kind": "CertificateRequest"}]}});
        assert!(is_of_controller(&order));
    }
}
