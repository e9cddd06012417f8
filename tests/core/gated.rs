//! The stamp of pods with scheduling gates, until the last gate is gone.

use partywall_core::tenancy::Snapshot;
use serde_json::{Value, json};

use crate::support::{create, mutate, patched, pod, snapshot, update, validate};

const POLICIES: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: blue}, spec: {
  nodeSelector: {pool: blue}, taints: [{key: pool, value: blue}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: gpu}, spec: {
  nodeSelector: {pool: gpu}, taints: [{key: pool, value: gpu}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: big}, spec: {
  nodeSelector: {pool: big, size: xl}, taints: [{key: pool, value: big}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: t}, spec: {
  namespaces: [tenants-x], nodePools: {default: blue, allowed: [gpu]}}}
";

fn gated(spec: Value) -> Value {
    let mut gated =
        json!({"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}, {"name": "example.com/quota"}]});
    json_patch::merge(&mut gated, &spec);
    pod(gated)
}

fn created(spec: Value, snapshot: &Snapshot) -> Value {
    let review = create(gated(spec));
    let stored = patched(&review, &mutate(&review, snapshot));
    assert!(validate(&create(stored.clone()), snapshot).is_allowed());
    stored
}

/// Updates a stored pod as the API server does.
fn updated(old: &Value, change: impl Fn(&mut Value), snapshot: &Snapshot) -> Value {
    let mut new = old.clone();
    change(&mut new["spec"]);
    let review = update(create(new), old.clone());
    let stored = patched(&review, &mutate(&review, snapshot));
    let again = update(create(stored.clone()), old.clone());
    assert_eq!(mutate(&again, snapshot).patch, None, "A11: {stored}");
    let answer = validate(&again, snapshot);
    assert!(answer.is_allowed(), "{}", answer.message());
    stored
}

fn terms(pod: &Value) -> &Value {
    &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
}

fn one_of(pools: &[&str]) -> Value {
    json!({"key": "pool", "operator": "In", "values": pools})
}

#[test]
fn k_o21_a_queue_chooses_the_pool_of_a_pod_that_it_holds_back() {
    let snapshot = snapshot(POLICIES);
    let held = created(json!({}), &snapshot);
    assert!(
        held["spec"].get("nodeSelector").is_none(),
        "the API server lets nobody change a key that is set"
    );
    assert_eq!(*terms(&held), json!([{"matchExpressions": [one_of(&["blue", "gpu"])]}]));
    for pool in ["blue", "gpu"] {
        let admitted = updated(
            &held,
            |spec| {
                spec["schedulingGates"] = json!([]);
                spec["nodeSelector"] = json!({"pool": pool});
            },
            &snapshot,
        );
        assert_eq!(admitted["spec"]["nodeSelector"], json!({"pool": pool}));
        // Terms may only be narrowed.
        assert_eq!(
            *terms(&admitted),
            json!([{"matchExpressions": [one_of(&["blue", "gpu"]), one_of(&[pool])]}])
        );
        // Without gates it is never patched again.
        let mut labelled = admitted.clone();
        labelled["metadata"]["labels"] = json!({"a": "b"});
        assert_eq!(mutate(&update(create(labelled), admitted), &snapshot).patch, None);
    }
    // One gate less decides nothing.
    let still =
        updated(&held, |spec| spec["schedulingGates"] = json!([{"name": "example.com/quota"}]), &snapshot);
    assert_eq!(terms(&still), terms(&held));
}

#[test]
fn k_o21_a_pod_that_names_no_pool_gets_the_default_when_its_last_gate_goes() {
    let with = |pools: &str| POLICIES.replace("default: blue, allowed: [gpu]", pools);
    let free = |spec: &mut Value| spec["schedulingGates"] = json!([]);
    let required = |terms: Value| {
        let required = json!({"nodeSelectorTerms": terms});
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}})
    };
    let (both, blue) = (one_of(&["blue", "gpu"]), one_of(&["blue"]));
    let [big, xl] = [one_of(&["big"]), json!({"key": "size", "operator": "In", "values": ["xl"]})];
    let zone = json!({"key": "zone", "operator": "Exists"});
    let rack = json!({"key": "rack", "operator": "Exists"});

    let two = snapshot(POLICIES);
    let freed = updated(&created(json!({}), &two), free, &two);
    assert_eq!(freed["spec"]["nodeSelector"], json!({"pool": "blue"}));
    assert_eq!(*terms(&freed), json!([{"matchExpressions": [both, blue]}]));
    // A label that names no pool changes nothing.
    let labelled = updated(
        &created(json!({}), &two),
        |spec| {
            spec["schedulingGates"] = json!([]);
            spec["nodeSelector"] = json!({"zone": "z"});
        },
        &two,
    );
    assert_eq!(labelled["spec"]["nodeSelector"], json!({"zone": "z", "pool": "blue"}));
    // Nor does a term of its own.
    let own = created(required(json!([{"matchExpressions": [zone]}, {"matchExpressions": [rack]}])), &two);
    assert_eq!(
        *terms(&updated(&own, free, &two)),
        json!([{"matchExpressions": [zone, both, blue]}, {"matchExpressions": [rack, both, blue]}])
    );
    // A pool that its author names stays, also beside a term that names none.
    let named = created(required(json!([{"matchExpressions": [zone, one_of(&["gpu"])]}])), &two);
    assert_eq!(updated(&named, free, &two)["spec"]["nodeSelector"], json!({"pool": "gpu"}));
    let listed = created(required(json!([{"matchExpressions": [one_of(&["gpu", "blue"])]}])), &two);
    assert_eq!(*terms(&updated(&listed, free, &two)), *terms(&listed));

    // Of pools that one list does not select, the terms of the others match no node.
    let three = snapshot(&with("default: blue, allowed: [gpu, big]"));
    let held = created(required(json!([{"matchExpressions": [zone]}])), &three);
    assert_eq!(
        *terms(&held),
        json!([{"matchExpressions": [zone, both]}, {"matchExpressions": [zone, big, xl]}])
    );
    let freed = updated(&held, free, &three);
    assert_eq!(freed["spec"]["nodeSelector"], json!({"pool": "blue"}));
    assert_eq!(
        *terms(&freed),
        json!([{"matchExpressions": [zone, both, blue]}, {"matchExpressions": [zone, big, xl, blue]}])
    );
    let freed = updated(&created(json!({}), &three), free, &three);
    assert_eq!(
        *terms(&freed),
        json!([{"matchExpressions": [both, blue]}, {"matchExpressions": [big, xl, blue]}])
    );
    let sized = updated(
        &held,
        |spec| {
            spec["schedulingGates"] = json!([]);
            spec["nodeSelector"] = json!({"size": "xl"});
        },
        &three,
    );
    assert_eq!(sized["spec"]["nodeSelector"], json!({"size": "xl", "pool": "big"}));
    // A term that names a pool in the words of the stamp is not the stamp's, since the terms of other pools lack.
    let own = required(json!([{"matchExpressions": [zone, big, xl]}, {"matchExpressions": [rack, big, xl]}]));
    let held = created(own, &three);
    let freed = updated(&held, free, &three);
    assert_eq!(freed["spec"]["nodeSelector"], json!({"pool": "big", "size": "xl"}));
    assert_eq!(*terms(&freed), *terms(&held));

    let any = snapshot(&with("default: blue, allowed: [gpu, big], unnamed: Any"));
    let held = created(json!({}), &any);
    assert_eq!(*terms(&updated(&held, free, &any)), *terms(&held));
}

#[test]
fn k_o21_an_older_pod_with_gates_is_stamped_when_it_is_updated() {
    let snapshot = snapshot(POLICIES);
    let old = gated(json!({}));
    let still =
        updated(&old, |spec| spec["schedulingGates"] = json!([{"name": "example.com/quota"}]), &snapshot);
    assert_eq!(*terms(&still), json!([{"matchExpressions": [one_of(&["blue", "gpu"])]}]));
    let free = updated(&old, |spec| spec["schedulingGates"] = json!([]), &snapshot);
    assert_eq!(free["spec"]["nodeSelector"], json!({"pool": "blue"}));
}

#[test]
fn k_o21_a_queue_that_chooses_no_pool_of_the_tenant_is_denied() {
    let snapshot = snapshot(POLICIES);
    let held = created(json!({}), &snapshot);
    let mut lost = held.clone();
    lost["spec"]["schedulingGates"] = json!([]);
    lost["spec"]["nodeSelector"] = json!({"pool": "red"});
    let review = update(create(lost), held);
    assert_eq!(mutate(&review, &snapshot).patch, None);
    let answer = validate(&review, &snapshot);
    assert!(answer.message().contains("with `pool=red` the pod could run on none"), "{}", answer.message());
}

#[test]
fn a11_of_pools_that_no_list_selects_the_first_gets_the_pod_whose_last_gate_goes() {
    let pool = |name: &str, labels: &str, more: &str| {
        format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: {name}}}, spec: {{
  nodeSelector: {{{labels}}}, taints: [{{key: pool, value: {name}}}]{more}}}}}\n---\n"
        )
    };
    let snapshot = snapshot(&format!(
        "{}{}{}{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: t}}, spec: {{
  namespaces: [tenants-x], nodePools: {{default: a, allowed: [c, b]}}}}}}\n",
        pool("a", "pool: a", ", runtimeClasses: [gvisor]"),
        pool("b", "pool: b", ""),
        pool("c", "pool: b, zone: z", ""),
    ));
    // The class names one pool, and the label another.
    let held = created(json!({"runtimeClassName": "gvisor", "nodeSelector": {"zone": "z"}}), &snapshot);
    assert_eq!(*terms(&held), json!([{"matchExpressions": [one_of(&["a", "b"])]}]));
    let free = updated(&held, |spec| spec["schedulingGates"] = json!([]), &snapshot);
    assert_eq!(*terms(&free), json!([{"matchExpressions": [one_of(&["a", "b"]), one_of(&["a"])]}]));
    assert_eq!(free["spec"]["nodeSelector"], json!({"zone": "z", "pool": "a"}));
}

#[test]
fn c6_no_term_is_added_on_an_update() {
    let policies = POLICIES.replace("allowed: [gpu]", "allowed: [gpu, big], unnamed: Any");
    let snapshot = snapshot(&policies);
    let zone = json!({"key": "zone", "operator": "Exists"});
    let required = |terms: Value| {
        let required = json!({"nodeSelectorTerms": terms});
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})
    };
    let held = created(json!({"affinity": required(json!([{"matchExpressions": [zone]}]))}), &snapshot);
    assert_eq!(terms(&held).as_array().unwrap().len(), 2, "for `big` a copy: {held}");
    // Of a pod that predates partywall the terms stay as many as they are.
    let old = gated(json!({"affinity": required(json!([{"matchExpressions": [zone]}]))}));
    let free = updated(&old, |spec| spec["schedulingGates"] = json!([]), &snapshot);
    assert_eq!(*terms(&free), json!([{"matchExpressions": [zone, one_of(&["blue", "gpu"])]}]));
}
