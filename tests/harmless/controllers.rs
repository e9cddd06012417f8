//! Creates what the controllers of the control plane create from a stored object.

use serde_json::{Value, json};

/// A ServiceAccount of the controller manager.
pub(crate) fn account(name: &str) -> String {
    format!("system:serviceaccount:kube-system:{name}")
}

/// Returns the object that the owner's controller creates, and the controller's user.
pub(crate) fn child(owner: &Value) -> Option<(Value, String)> {
    let spec = &owner["spec"];
    let name = owner["metadata"]["name"].as_str().unwrap();
    let (object, controller) = match owner["kind"].as_str().unwrap() {
        "Deployment" => (replica_set(owner), "deployment-controller"),
        "ReplicaSet" => (pod(owner), "replicaset-controller"),
        "ReplicationController" => (pod(owner), "replication-controller"),
        "DaemonSet" => (daemon_pod(owner), "daemon-set-controller"),
        "StatefulSet" => (stateful_pod(owner), "statefulset-controller"),
        "Job" if spec["suspend"] != true => (job_pod(owner), "job-controller"),
        "CronJob" => {
            let mut job = owned(owner, &spec["jobTemplate"]);
            job["apiVersion"] = owner["apiVersion"].clone();
            job["kind"] = json!("Job");
            job["metadata"]["name"] = json!(format!("{name}-29012345"));
            (job, "cronjob-controller")
        }
        _ => return None,
    };
    Some((object, account(controller)))
}

/// A copy of a template that has a controller.
fn owned(owner: &Value, template: &Value) -> Value {
    let mut object = template.clone();
    object["metadata"]["namespace"] = owner["metadata"]["namespace"].clone();
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }]);
    object
}

fn replica_set(deployment: &Value) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!("5d4f8c7b9d");
    let mut set = owned(deployment, &json!({"metadata": {"labels": template["metadata"]["labels"]}}));
    set["apiVersion"] = json!("apps/v1");
    set["kind"] = json!("ReplicaSet");
    set["metadata"]["name"] =
        json!(format!("{}-5d4f8c7b9d", deployment["metadata"]["name"].as_str().unwrap()));
    set["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    set["spec"] = json!({"replicas": 1, "selector": {"matchLabels": template["metadata"]["labels"]}});
    set["spec"]["template"] = template;
    set
}

fn pod(owner: &Value) -> Value {
    let mut pod = owned(owner, &owner["spec"]["template"]);
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["generateName"] = json!(format!("{}-", owner["metadata"]["name"].as_str().unwrap()));
    pod
}

/// The controller of DaemonSets names the node by a field, in place of all required terms.
fn daemon_pod(set: &Value) -> Value {
    let mut pod = pod(set);
    pod["metadata"]["labels"]["controller-revision-hash"] = json!("7c9d8f6b5");
    let spec = &mut pod["spec"];
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]},
        ],
    });
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    let shapes = [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    ];
    // The last one is for pods on the node's network.
    let shapes = shapes.iter().take(if spec["hostNetwork"] == true { 7 } else { 6 });
    tolerations.extend(shapes.map(|(key, effect)| {
        json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect})
    }));
    spec["tolerations"] = json!(tolerations);
    pod
}

fn stateful_pod(set: &Value) -> Value {
    let mut pod = pod(set);
    let name = format!("{}-0", set["metadata"]["name"].as_str().unwrap());
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = json!("0");
    pod["spec"]["hostname"] = json!(name);
    pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    for claim in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let claim = claim["metadata"]["name"].as_str().unwrap();
        volumes
            .push(json!({"name": claim, "persistentVolumeClaim": {"claimName": format!("{claim}-{name}")}}));
    }
    pod["spec"]["volumes"] = json!(volumes);
    pod
}

fn job_pod(job: &Value) -> Value {
    let mut pod = pod(job);
    let name = job["metadata"]["name"].clone();
    pod["metadata"]["finalizers"] = json!(["batch.kubernetes.io/job-tracking"]);
    pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] = name.clone();
    pod["metadata"]["labels"]["job-name"] = name;
    if job["spec"]["completionMode"] == "Indexed" {
        pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] = json!("0");
    }
    pod
}
