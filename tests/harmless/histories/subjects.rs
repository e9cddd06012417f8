//! The kinds of objects whose histories are looked at, and what can happen to each.

mod network;
mod pods;

use serde_json::{Value, json};

/// A kind of object, and what can happen to it.
pub(super) struct Subject {
    pub(super) kind: &'static str,
    /// One that violates nothing.
    pub(super) clean: fn() -> Value,
    /// The violations that it may have had since before partywall.
    pub(super) flaws: fn() -> Vec<Flaw>,
    /// Changes that add no violation, beside those that hold for every kind.
    pub(super) benign: fn() -> Vec<Value>,
    /// Changes that add a violation.
    pub(super) worse: fn() -> Vec<Worsening>,
}

/// A violation that an object may have had since before partywall.
pub(super) struct Flaw {
    /// The rule that has something against it.
    pub(super) rule: &'static str,
    /// The change of the clean object that makes it.
    pub(super) making: Value,
    /// The change that mends it, if the API server lets anything mend it.
    pub(super) mending: Option<Value>,
}

fn flaw(rule: &'static str, making: Value) -> Flaw {
    Flaw { rule, making, mending: None }
}

fn mendable(rule: &'static str, making: Value, mending: Value) -> Flaw {
    Flaw { rule, making, mending: Some(mending) }
}

/// A change for the worse, unless it changes nothing, and the one rule that has something against it.
pub(super) struct Worsening {
    pub(super) rule: &'static str,
    pub(super) subresource: &'static str,
    pub(super) change: Value,
}

fn worsening(rule: &'static str, change: Value) -> Worsening {
    Worsening { rule, subresource: "", change }
}

pub(super) const SUBJECTS: [Subject; 4] = [
    Subject {
        kind: "pod",
        clean: pods::pod,
        flaws: pods::pod_flaws,
        benign: pods::pod_benign,
        worse: pods::pod_worse,
    },
    Subject {
        kind: "gated_pod",
        clean: pods::gated_pod,
        flaws: pods::gated_pod_flaws,
        benign: pods::gated_pod_benign,
        worse: pods::gated_pod_worse,
    },
    Subject {
        kind: "service",
        clean: network::service,
        flaws: network::service_flaws,
        benign: network::service_benign,
        worse: network::service_worse,
    },
    Subject {
        kind: "ingress",
        clean: network::ingress,
        flaws: network::ingress_flaws,
        benign: network::ingress_benign,
        worse: network::ingress_worse,
    },
];

fn add(path: &str, value: Value) -> Value {
    json!([{"op": "add", "path": path, "value": value}])
}

/// Returns changes that add a violation to no object.
pub(super) fn benign_to_all() -> Vec<Value> {
    let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "1", "controller": true});
    vec![
        json!({"metadata": {"labels": {"team": "web"}}}),
        json!({"metadata": {"labels": null}}),
        json!({"metadata": {"annotations": {"example.com/note": "seen"}}}),
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}}),
        json!({"metadata": {"finalizers": ["example.com/hold", "foregroundDeletion"]}}),
        json!({"metadata": {"finalizers": []}}),
        json!({"metadata": {"deletionTimestamp": "2026-11-20T09:00:00Z", "deletionGracePeriodSeconds": 30}}),
        json!({"metadata": {"ownerReferences": [owner]}}),
        json!({"metadata": {"ownerReferences": null}}),
        json!({"metadata": {"managedFields": []}}),
        json!({"metadata": {"resourceVersion": "4711"}}),
        json!({"status": {"observedGeneration": 2}}),
    ]
}
