//! Pods that run, and pods that wait.

use serde_json::{Value, json};

use super::{Flaw, Worsening, add, flaw, mendable, worsening};

pub(super) fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0"},
        "spec": {
            "nodeName": "node-1",
            "nodeSelector": {"node-restriction.kubernetes.io/tenant": "shop"},
            "tolerations": [{"key": "tenant", "operator": "Equal", "value": "shop"}],
            "containers": [{"name": "web", "image": "nginx:1.29"}, {"name": "log", "image": "busybox:1.37"}],
            "ephemeralContainers": [],
        },
    })
}

pub(super) fn pod_flaws() -> Vec<Flaw> {
    let security = "pod-security";
    let far = json!({"topologyKey": "kubernetes.io/os", "namespaceSelector": {}, "labelSelector": {}});
    let app_armor = |value: Value| {
        let annotations = json!({"container.apparmor.security.beta.kubernetes.io/web": value});
        json!({"metadata": {"annotations": annotations}})
    };
    vec![
        flaw(security, json!({"spec": {"hostNetwork": true}})),
        flaw(security, add("/spec/containers/0/securityContext", json!({"privileged": true}))),
        flaw(security, add("/spec/volumes/-", json!({"name": "root", "hostPath": {"path": "/"}}))),
        mendable(security, app_armor(json!("unconfined")), app_armor(Value::Null)),
        flaw("node-placement", json!({"spec": {"nodeSelector": null}})),
        flaw("priority-class", json!({"spec": {"priorityClassName": "system-node-critical"}})),
        flaw("scheduler", json!({"spec": {"schedulerName": "mine"}})),
        flaw(
            "tolerations",
            add(
                "/spec/tolerations/-",
                json!({"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}),
            ),
        ),
        flaw("pod-affinity", add("/spec/affinity", json!({"podAntiAffinity": {REQUIRED: [far]}}))),
    ]
}

pub(super) fn pod_benign() -> Vec<Value> {
    vec![
        json!({"spec": {"activeDeadlineSeconds": 600}}),
        json!({"spec": {"terminationGracePeriodSeconds": 1}}),
        add(
            "/spec/tolerations/-",
            json!({"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}),
        ),
        add("/spec/tolerations/-", json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"})),
        add("/spec/tolerations/-", json!({"key": "tenant", "value": "shop", "effect": "NoExecute"})),
        add("/spec/containers/0/resources", json!({"requests": {"cpu": "2"}})),
    ]
}

pub(super) fn pod_worse() -> Vec<Worsening> {
    let debugger = |security: Value| {
        let container = json!({"name": "debugger", "image": "busybox:1.37", "securityContext": security});
        Worsening {
            rule: "pod-security",
            subresource: "ephemeralcontainers",
            change: add("/spec/ephemeralContainers/-", container),
        }
    };
    vec![
        worsening("tolerations", add("/spec/tolerations/-", json!({"operator": "Exists"}))),
        worsening("tolerations", add("/spec/tolerations/0", json!({"key": "tenant", "operator": "Exists"}))),
        worsening("tolerations", add("/spec/tolerations/-", json!({"key": "tenant", "value": "rival"}))),
        debugger(json!({"privileged": true})),
        debugger(json!({"capabilities": {"add": ["SYS_ADMIN"]}})),
        worsening(
            "pod-security",
            json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/log": "unconfined"}}}),
        ),
    ]
}

/// A pod that waits: where it goes may still be narrowed.
pub(super) fn gated_pod() -> Value {
    let mut pod = pod();
    let spec = pod["spec"].as_object_mut().unwrap();
    spec.remove("nodeName");
    spec.insert("schedulingGates".to_owned(), json!([{"name": "kueue.x-k8s.io/admission"}]));
    spec.insert(
        "affinity".to_owned(),
        json!({"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [own_term()]}}}),
    );
    pod
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

fn own_term() -> Value {
    let own = json!({"key": "node-restriction.kubernetes.io/tenant", "operator": "In", "values": ["shop"]});
    json!({"matchExpressions": [own]})
}

pub(super) fn gated_pod_flaws() -> Vec<Flaw> {
    vec![
        flaw("pod-security", json!({"spec": {"hostNetwork": true}})),
        flaw("tolerations", add("/spec/tolerations/-", json!({"operator": "Exists"}))),
    ]
}

pub(super) fn gated_pod_benign() -> Vec<Value> {
    let arm = json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]});
    vec![
        json!({"spec": {"nodeSelector": {"zone": "a"}}}),
        json!({"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}),
        add(&format!("{TERMS}/0/matchExpressions/-"), arm),
        json!({"spec": {"schedulingGates": []}}),
        json!({"spec": {"schedulingGates": null}}),
        add("/spec/tolerations/-", json!({"key": "spot", "operator": "Exists", "effect": "NoSchedule"})),
    ]
}

pub(super) fn gated_pod_worse() -> Vec<Worsening> {
    // A term more is confined as well, as long as there are gates: `tests/core/gated.rs`.
    vec![
        worsening(
            "node-placement",
            json!({"spec": {"nodeSelector": {"node-restriction.kubernetes.io/tenant": "rival"}}}),
        ),
        worsening("node-placement", json!({"spec": {"nodeName": "node-9"}})),
        worsening("tolerations", add("/spec/tolerations/-", json!({"key": "tenant", "operator": "Exists"}))),
    ]
}
