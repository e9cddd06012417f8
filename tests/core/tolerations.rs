//! Tolerations that Settings grant to all tenants.

use serde_json::{Value, json};

use crate::support::{create, snapshot, stamped, validate};

const POOLS: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: one}
spec: {nodeSelector: {node-restriction.kubernetes.io/pool: one}, taints: [{key: pool, value: one}]}
---
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: two}
spec: {nodeSelector: {node-restriction.kubernetes.io/pool: two}, taints: [{key: pool, value: two}, {key: gpu}]}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: one}
spec: {namespaces: [one], nodePools: {default: one}}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: two}
spec: {namespaces: [two], nodePools: {default: two}}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: poolless}
spec: {namespaces: [poolless]}
---
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {name: default}
spec: ";

/// Returns the message to a pod with this toleration under these Settings, which is empty if the pod is allowed.
fn message(settings: &str, namespace: &str, toleration: &Value) -> String {
    let snapshot = snapshot(&format!("{POOLS}{settings}\n"));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "a"}], "tolerations": [toleration]},
    });
    let answer = validate(&stamped(&create(pod), &snapshot), &snapshot);
    if answer.is_allowed() { String::new() } else { answer.message().to_owned() }
}

#[test]
fn other_taints_may_be_tolerated_where_settings_allow_it() {
    for toleration in [
        json!({"key": "example.com/spot", "operator": "Exists"}),
        json!({"key": "example.com/spot", "value": "true", "effect": "NoSchedule"}),
        json!({"key": "CriticalAddonsOnly", "operator": "Exists"}),
        json!({"key": "example.com/sla", "operator": "Gt", "value": "95"}),
    ] {
        let allowed = message("{otherTaints: Allow}", "one", &toleration);
        assert_eq!(allowed, "", "{toleration}");
        for settings in ["{otherTaints: Deny}", "{}"] {
            assert!(message(settings, "one", &toleration).contains("(rule tolerations)"), "{toleration}");
        }
    }
}

#[test]
fn b1_b2_b3_b7_no_setting_lets_other_taints_stand_for_pools_and_roles() {
    for toleration in [
        json!({"operator": "Exists"}),
        json!({"operator": "Exists", "effect": "NoExecute"}),
        json!({"key": "pool", "operator": "Exists"}),
        json!({"key": "pool", "value": "two"}),
        json!({"key": "pool", "value": "nobodys"}),
        json!({"key": "pool", "operator": "Gt", "value": "0"}),
        json!({"key": "gpu", "operator": "Exists"}),
        json!({"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}),
        json!({"key": "node-role.kubernetes.io/infra"}),
    ] {
        let denied = message("{otherTaints: Allow}", "one", &toleration);
        assert!(denied.contains("(rule tolerations)"), "{toleration}: {denied}");
    }
}

#[test]
fn b7_a_tenant_without_pools_is_confined_by_nothing_but_taints() {
    let toleration = json!({"key": "example.com/ingress", "operator": "Exists"});
    assert!(message("{otherTaints: Allow}", "poolless", &toleration).contains("the tenant's `tolerations`"));
}

#[test]
fn b7_no_other_taint_is_tolerated_where_the_stamp_confines_nothing() {
    let toleration = json!({"key": "example.com/spot", "operator": "Exists"});
    for mode in ["warn", "audit", "off"] {
        let settings = format!("{{otherTaints: Allow, rules: {{node-placement: {mode}}}}}");
        assert!(message(&settings, "one", &toleration).contains("the tenant's `tolerations`"), "{mode}");
    }
}

#[test]
fn what_settings_list_every_tenant_may_tolerate() {
    let toleration = json!({"key": "example.com/spot", "operator": "Exists"});
    for namespace in ["one", "two", "poolless"] {
        let listed =
            message("{tolerations: [{key: example.com/spot, operator: Exists}]}", namespace, &toleration);
        assert_eq!(listed, "", "{namespace}");
        assert!(
            message("{}", namespace, &toleration).contains("`tolerations` of the Settings"),
            "{namespace}"
        );
    }
    let added = json!({"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NoSchedule"});
    let both = "{provider: GKE, tolerations: [{key: example.com/spot, operator: Exists}]}";
    assert_eq!(message(both, "one", &added), "", "what the provider adds stays allowed");
}

#[test]
fn a_denial_says_how_a_key_is_listed() {
    let settings = "{tolerations: [{key: a, operator: Exists, effect: NoSchedule}, {key: b, value: one}, \
                    {key: b, value: two}, {key: c, effect: NoExecute}]}";
    for (toleration, part) in [
        (json!({"key": "a", "operator": "Exists"}), "`a` is listed with effect `NoSchedule` only"),
        (
            json!({"key": "a", "operator": "Exists", "effect": "NoExecute"}),
            "`a` is listed with effect `NoSchedule` only",
        ),
        (json!({"key": "b", "operator": "Exists"}), "the listed value of `b` is `one`, `two`"),
        (json!({"key": "b", "value": "three"}), "the listed value of `b` is `one`, `two`"),
        (
            json!({"key": "c", "operator": "Exists", "effect": "NoExecute"}),
            "the listed value of `c` is `\"\"`",
        ),
        (json!({"key": "c", "operator": "Equal", "value": ""}), "`c` is listed with effect `NoExecute` only"),
    ] {
        let denied = message(settings, "one", &toleration);
        assert!(denied.contains(part), "{toleration}: {denied}");
    }
}
