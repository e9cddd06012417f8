//! Very many violations: what is said of them, and that it costs no more than their number.

use serde_json::{Value, json};

use crate::support::{create, pod, snapshot, update, validate};

const TENANT: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, spec: {
  namespaces: [tenants-x], nodePools: {default: a, allowed: [b]}, domains: [own.example.com],
  rules: {tolerations: warn}}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: a}, spec: {
  nodeSelector: {pool: x, part: a}, taints: [{key: pool, value: a}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: b}, spec: {
  nodeSelector: {pool: x, part: b}, taints: [{key: pool, value: b}]}}
";

fn many(n: usize, item: impl Fn(usize) -> Value) -> Value {
    (0..n).map(item).collect()
}

#[test]
fn k12_what_is_denied_is_named_however_much_is_only_warned_about() {
    let tolerations = many(250, |i| json!({"key": format!("k{i}"), "operator": "Exists"}));
    let answer =
        validate(&create(pod(json!({"hostPID": true, "tolerations": tolerations}))), &snapshot(TENANT));
    assert_eq!(answer.causes(), ["node-placement spec.nodeSelector", "pod-security spec.hostPID"]);
    assert!(answer.message().lines().count() == 2, "{}", answer.message());
    let warnings = answer.response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 10);
    assert_eq!(warnings[9], "tenant `t`: and 241 more");
    assert_eq!(
        answer.response["auditAnnotations"]["violations"],
        "node-placement=deny,tolerations=warn,pod-security=deny"
    );
}

#[test]
fn k12_a_hundred_of_a_rule_are_named_and_the_rest_counted() {
    let containers = many(300, |i| json!({"name": format!("c{i}"), "securityContext": {"privileged": true}}));
    let answer = validate(&create(pod(json!({"containers": containers}))), &snapshot(TENANT));
    assert_eq!(answer.causes().len(), 101);
    let shown = answer.message().lines().count() - 1;
    assert!(answer.message().ends_with(&format!("and {} more", 301 - shown)), "{}", answer.message());
}

/// Nothing here measures time: what is quadratic or worse takes so long that nobody overlooks it.
#[test]
fn l13_hostile_objects_cost_no_more_than_their_length() {
    let snapshot = snapshot(TENANT);
    let ingress = |annotations: Value, rules: Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": rules},
            "metadata": {"name": "web", "namespace": "tenants-x", "annotations": annotations},
        })
    };
    let www: Value = (0..2_000)
        .map(|i| (format!("p{i}/from-to-www-redirect"), json!("true")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let selector: Value =
        (0..40_000).map(|i| (format!("k{i}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let one_label = json!({"key": "pool", "operator": "In", "values": ["x"]});
    let terms = |terms: Value| {
        let required = json!({"nodeSelectorTerms": terms});
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})
    };
    let requirements = terms(json!([{"matchExpressions": many(20_000, |_| one_label.clone())}]));
    let mut outside = pod(json!({"affinity": requirements}));
    outside["metadata"]["namespace"] = json!("default");
    for (why, object) in [
        (
            "hosts by annotations",
            ingress(www, many(10_000, |i| json!({"host": format!("h{i}.example.org")}))),
        ),
        ("tolerations", pod(json!({"tolerations": many(20_000, |i| json!({"key": format!("k{i}")}))}))),
        (
            "terms and a nodeSelector",
            pod(json!({
                "nodeSelector": selector,
                "affinity": terms(many(1_000, |_| json!({"matchExpressions": [one_label]}))),
            })),
        ),
        ("requirements of one term", pod(json!({"affinity": requirements}))),
        ("requirements of one term, outside tenants", outside),
        (
            "capabilities",
            pod(json!({"containers": [{
                "name": "app", "securityContext": {"capabilities": {"add": many(20_000, |i| json!(format!("C{i}")))}},
            }]})),
        ),
    ] {
        assert!(validate(&create(object.clone()), &snapshot).response.is_object(), "{why}");
        let again = validate(&update(create(object.clone()), object), &snapshot);
        assert!(again.is_allowed(), "{why}: {}", again.message());
    }
}

#[test]
fn l13_a_list_that_no_real_object_has_is_undecidable() {
    let answer =
        validate(&create(pod(json!({"tolerations": many(20_001, |_| json!({}))}))), &snapshot(TENANT));
    assert_eq!(answer.response["status"]["code"], 422);
    assert!(answer.message().contains("`spec.tolerations`"), "{}", answer.message());
}
