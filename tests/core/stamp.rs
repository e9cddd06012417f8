//! The stamp, by applying every patch.

use partywall_core::tenancy::Snapshot;
use serde_json::{Value, json};

use crate::support::{create, eks, mutate, patched, pod, snapshot, update, validate};

const POOLS: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: main}, spec: {
  nodeSelector: {node-restriction.kubernetes.io/tenant: x, tier: std},
  taints: [{key: node-restriction.kubernetes.io/tenant, value: x, effect: NoSchedule}, {key: drain/x}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: gpu}, spec: {
  nodeSelector: {node-restriction.kubernetes.io/tenant: x-gpu, tier: gpu},
  taints: [{key: node-restriction.kubernetes.io/tenant, value: x-gpu, effect: NoExecute}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: tenants-x}, spec: {
  namespaces: [tenants-x], nodePools: {default: main, allowed: [gpu]}}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: free}, spec: {namespaces: [free]}}
";

fn with_mode(mode: &str) -> Snapshot {
    snapshot(&format!(
        "{POOLS}---\n{{apiVersion: partywall.dev/v1alpha1, kind: Settings, metadata: {{name: default}}, \
         spec: {{stamp: {mode}}}}}\n"
    ))
}

fn stamp(object: Value, snapshot: &Snapshot) -> Value {
    let review = create(object);
    patched(&review, &mutate(&review, snapshot))
}

fn terms(pod: &Value) -> &Value {
    &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
}

fn with_terms(terms: Value) -> Value {
    pod(json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": terms,
    }}}}))
}

fn tenant_x() -> Value {
    json!({"key": "tenant", "operator": "In", "values": ["tenants-x"]})
}

#[test]
fn k4_every_shape_of_a_missing_parent_ends_in_the_same_affinity() {
    let expected = json!([{"matchExpressions": [tenant_x()]}]);
    for affinity in [
        json!(null),
        json!({}),
        json!({"nodeAffinity": null}),
        json!({"nodeAffinity": {}}),
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": null}}),
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}),
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": null}}}),
    ] {
        // Not merged, since merging takes a null for a removal.
        let mut object = pod(json!({}));
        object["spec"]["affinity"] = affinity.clone();
        object["spec"]["nodeSelector"] = Value::Null;
        object["spec"]["tolerations"] = Value::Null;
        let stamped = stamp(object, &eks());
        assert_eq!(*terms(&stamped), expected, "{affinity}");
        assert_eq!(stamped["spec"]["nodeSelector"], json!({"tenant": "tenants-x"}));
        assert_eq!(stamped["spec"]["tolerations"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a1_a2_a3_every_non_empty_term_is_stamped_and_keeps_what_it_had() {
    let zone = json!({"key": "zone", "operator": "In", "values": ["a"]});
    let field = json!({"key": "metadata.name", "operator": "In", "values": ["node-1"]});
    let stamped = stamp(
        with_terms(json!([
            {"matchExpressions": [zone]},
            {"matchFields": [field]},
            {"matchExpressions": [], "matchFields": [field]},
            {"matchExpressions": null, "matchFields": [field]},
            {"matchExpressions": [zone], "matchFields": [field]},
        ])),
        &eks(),
    );
    assert_eq!(
        *terms(&stamped),
        json!([
            {"matchExpressions": [zone, tenant_x()]},
            {"matchFields": [field], "matchExpressions": [tenant_x()]},
            {"matchExpressions": [tenant_x()], "matchFields": [field]},
            {"matchExpressions": [tenant_x()], "matchFields": [field]},
            {"matchExpressions": [zone, tenant_x()], "matchFields": [field]},
        ])
    );
}

#[test]
fn a5_empty_terms_and_an_empty_list_stay_empty() {
    for empty in [json!([{}]), json!([{"matchExpressions": []}, {"matchFields": null}]), json!([])] {
        assert_eq!(*terms(&stamp(with_terms(empty.clone()), &eks())), empty);
    }
}

#[test]
fn a4_a_look_alike_is_not_taken_for_the_stamp() {
    for requirement in [
        json!({"key": "tenant", "operator": "In", "values": ["tenants-x", "tenants-y"]}),
        json!({"key": "tenant", "operator": "NotIn", "values": ["tenants-y"]}),
        json!({"key": "tenant", "operator": "Exists"}),
        json!({"key": "Tenant", "operator": "In", "values": ["tenants-x"]}),
    ] {
        let stamped = stamp(with_terms(json!([{"matchExpressions": [requirement]}])), &eks());
        assert_eq!(*terms(&stamped), json!([{"matchExpressions": [requirement, tenant_x()]}]));
    }
}

#[test]
fn a6_o21_a_pod_that_could_run_in_no_pool_is_left_as_it_is() {
    let requirement =
        |operator: &str, values: Value| json!({"key": "tenant", "operator": operator, "values": values});
    for impossible in [
        pod(json!({"nodeSelector": {"tenant": "tenants-y"}})),
        with_terms(json!([{"matchExpressions": [requirement("NotIn", json!(["tenants-x"]))]}])),
        with_terms(json!([{"matchExpressions": [requirement("DoesNotExist", json!([]))]}])),
        with_terms(json!([{"matchExpressions": [requirement("Gt", json!(["5"]))]}, {}])),
    ] {
        assert_eq!(stamp(impossible.clone(), &eks()), impossible);
        let answer = validate(&create(impossible.clone()), &eks());
        assert!(answer.message().contains("could run on none of the tenant's pools"), "{}", answer.message());
    }
    // One possible term is enough, and the other one is confined all the same.
    let terms = json!([
        {"matchExpressions": [requirement("In", json!(["tenants-y"]))]},
        {"matchExpressions": [{"key": "zone", "operator": "Exists"}]},
    ]);
    let stamped = stamp(with_terms(terms.clone()), &eks());
    for index in [0, 1] {
        let mut expected = terms[index]["matchExpressions"].as_array().unwrap().clone();
        expected.push(tenant_x());
        assert_eq!(self::terms(&stamped)[index]["matchExpressions"], json!(expected));
    }
    assert!(validate(&create(stamped), &eks()).is_allowed());
}

#[test]
fn a7_what_is_preferred_stays_and_does_not_count() {
    let preferred = json!([{"weight": 1, "preference": {"matchExpressions": [tenant_x()]}}]);
    let stamped = stamp(
        pod(
            json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}),
        ),
        &eks(),
    );
    let affinity = &stamped["spec"]["affinity"]["nodeAffinity"];
    assert_eq!(affinity["preferredDuringSchedulingIgnoredDuringExecution"], preferred);
    assert_eq!(*terms(&stamped), json!([{"matchExpressions": [tenant_x()]}]));
}

#[test]
fn b10_b11_b12_b14_a_toleration_is_added_only_if_none_tolerates_the_taint_for_good() {
    let own = json!({"key": "tenant", "operator": "Equal", "value": "tenants-x", "effect": "NoSchedule"});
    for (why, present, added) in [
        ("the very one", own.clone(), false),
        (
            "without an operator",
            json!({"key": "tenant", "value": "tenants-x", "effect": "NoSchedule"}),
            false,
        ),
        ("every effect", json!({"key": "tenant", "value": "tenants-x"}), false),
        ("every value", json!({"key": "tenant", "operator": "Exists"}), false),
        ("everything", json!({"operator": "Exists"}), false),
        ("B11: the key with another value", json!({"key": "tenant", "value": "tenants-y"}), true),
        ("another effect", json!({"key": "tenant", "value": "tenants-x", "effect": "NoExecute"}), true),
        ("B12: for a while", json!({"key": "tenant", "value": "tenants-x", "tolerationSeconds": 300}), true),
        ("an unknown operator", json!({"key": "tenant", "operator": "Gt", "value": "0"}), true),
    ] {
        let stamped = stamp(pod(json!({"tolerations": [present]})), &eks());
        let expected = if added { json!([present, own]) } else { json!([present]) };
        assert_eq!(stamped["spec"]["tolerations"], expected, "{why}");
    }
}

#[test]
fn the_pool_is_the_allowed_one_that_the_node_selector_names() {
    let snapshot = with_mode("Both");
    let gpu = json!({"node-restriction.kubernetes.io/tenant": "x-gpu", "tier": "gpu"});
    let stamped = stamp(pod(json!({"nodeSelector": gpu})), &snapshot);
    assert_eq!(stamped["spec"]["nodeSelector"], gpu);
    assert_eq!(
        stamped["spec"]["tolerations"],
        json!([{
            "key": "node-restriction.kubernetes.io/tenant",
            "operator": "Equal", "value": "x-gpu", "effect": "NoExecute",
        }])
    );
    // One label names a pool as well, if it contradicts no other label of it.
    for (tier, tenant) in [("std", "x"), ("gpu", "x-gpu")] {
        let stamped = stamp(pod(json!({"nodeSelector": {"tier": tier}})), &snapshot);
        assert_eq!(stamped["spec"]["nodeSelector"]["node-restriction.kubernetes.io/tenant"], tenant);
        assert!(mutate(&create(stamped.clone()), &snapshot).patch.is_none(), "A11: {tier}");
        assert!(validate(&create(stamped), &snapshot).is_allowed(), "{tier}");
    }
}

#[test]
fn o21_a_label_that_one_pool_has_names_it() {
    let snapshot = snapshot(
        "
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: main}, spec: {
  nodeSelector: {t: x, zone: a, disk: ssd}, taints: [{key: t, value: main}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: arm}, spec: {
  nodeSelector: {t: x-arm, kubernetes.io/os: linux}, taints: [{key: t, value: arm}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: other}, spec: {
  nodeSelector: {t: x, gpu: 'yes'}, taints: [{key: t, value: other}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: tenants-x}, spec: {
  namespaces: [tenants-x], nodePools: {default: main, allowed: [arm, other]}}}",
    );
    for (selector, pool) in [
        (json!({}), "main"),
        (json!({"kubernetes.io/os": "linux"}), "arm"),
        (json!({"kubernetes.io/os": "linux", "t": "x-arm"}), "arm"),
        (json!({"zone": "b"}), "arm"),
        (json!({"zone": "b", "t": "x"}), "other"),
        (json!({"gpu": "yes"}), "other"),
        (json!({"gpu": "yes", "disk": "hdd"}), "other"),
    ] {
        let stamped = stamp(pod(json!({"nodeSelector": selector})), &snapshot);
        assert_eq!(stamped["spec"]["tolerations"][0]["value"], pool, "{selector}");
        assert!(mutate(&create(stamped), &snapshot).patch.is_none(), "{selector}");
    }
}

/// Three pools of one label, and a fourth whose labels contain those of the first.
const SEVERAL: &str = "
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: a}, spec: {
  nodeSelector: {t: x, pool: a}, taints: [{key: pool, value: a}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: b}, spec: {
  nodeSelector: {t: x, pool: b}, taints: [{key: pool, value: b}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: c}, spec: {
  nodeSelector: {t: x, pool: c}, taints: [{key: pool, value: c}], runtimeClasses: [kata]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {name: a-fast}, spec: {
  nodeSelector: {t: x, pool: a, disk: ssd}, taints: [{key: pool, value: a-fast}]}}
---
{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {name: tenants-x}, spec: {
  namespaces: [tenants-x], nodePools: {default: a, allowed: [b, c, a-fast]}}}
";

/// Stamps twice and validates; returns the stamped pod, and the pools whose taints it tolerates.
fn confined(object: Value, snapshot: &Snapshot) -> (Value, Vec<String>) {
    let stamped = stamp(object, snapshot);
    assert_eq!(mutate(&create(stamped.clone()), snapshot).patch, None, "A11: {stamped}");
    let answer = validate(&create(stamped.clone()), snapshot);
    assert!(answer.is_allowed(), "{} {stamped}", answer.message());
    let tolerations = stamped["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    let pools = tolerations.iter().filter(|toleration| toleration["key"] == "pool");
    let pools = pools.map(|toleration| toleration["value"].as_str().unwrap().to_owned()).collect();
    (stamped, pools)
}

fn one_of(pools: &[&str]) -> Value {
    json!({"key": "pool", "operator": "In", "values": pools})
}

#[test]
fn o21_every_demand_names_pools() {
    let snapshot = snapshot(SEVERAL);
    let expressions = |expressions: Value| with_terms(json!([{"matchExpressions": expressions}]));
    let disk = |operator: &str| json!({"key": "disk", "operator": operator});
    for (demanding, pools) in [
        (pod(json!({})), &["a"][..]),
        (pod(json!({"nodeSelector": {"t": "x"}})), &["a"]),
        (pod(json!({"nodeSelector": {"pool": "b"}})), &["b"]),
        (pod(json!({"nodeSelector": {"disk": "ssd"}})), &["a-fast"]),
        (pod(json!({"nodeSelector": {"disk": "hdd"}})), &["a"]),
        (pod(json!({"nodeSelector": {"zone": "z"}})), &["a"]),
        (pod(json!({"runtimeClassName": "kata"})), &["c"]),
        (pod(json!({"runtimeClassName": "gvisor"})), &["a"]),
        (pod(json!({"runtimeClassName": "kata", "nodeSelector": {"pool": "b"}})), &["b"]),
        (pod(json!({"nodeSelector": {"kubernetes.io/hostname": "n"}})), &["a", "b", "c", "a-fast"]),
        (expressions(json!([one_of(&["b"])])), &["b"]),
        (expressions(json!([one_of(&["c", "b"])])), &["b", "c"]),
        (expressions(json!([one_of(&["a", "z"])])), &["a"]),
        (expressions(json!([{"key": "pool", "operator": "NotIn", "values": ["a"]}])), &["b", "c"]),
        (
            expressions(json!([one_of(&["b", "c"]), {"key": "pool", "operator": "NotIn", "values": ["c"]}])),
            &["b"],
        ),
        (expressions(json!([disk("Exists")])), &["a-fast"]),
        (expressions(json!([disk("DoesNotExist")])), &["a"]),
        (
            with_terms(json!([{"matchFields": [
                {"key": "metadata.name", "operator": "In", "values": ["n"]},
            ]}])),
            &["a", "b", "c", "a-fast"],
        ),
        (
            with_terms(json!([{"matchFields": [
                {"key": "metadata.name", "operator": "NotIn", "values": ["n"]},
            ]}])),
            &["a"],
        ),
        // Terms are alternatives, and each has its own pools.
        (
            with_terms(json!([
                {"matchExpressions": [one_of(&["c"])]},
                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]},
            ])),
            &["a", "c"],
        ),
        // An empty term matches no node.
        (with_terms(json!([{}, {"matchExpressions": [one_of(&["c"])]}])), &["c"]),
    ] {
        let (stamped, tolerated) = confined(demanding, &snapshot);
        assert_eq!(tolerated, pools, "{stamped}");
    }
}

#[test]
fn o21_several_pools_are_one_list_of_values() {
    let snapshot = snapshot(SEVERAL);
    let zone = json!({"key": "zone", "operator": "Exists"});
    let not_a = json!({"key": "pool", "operator": "NotIn", "values": ["a"]});
    let (stamped, _) = confined(with_terms(json!([{"matchExpressions": [not_a, zone]}])), &snapshot);
    let shared = json!({"key": "t", "operator": "In", "values": ["x"]});
    // The labels are in the order of their keys.
    let expected = json!([{"matchExpressions": [not_a, zone, one_of(&["b", "c"]), shared]}]);
    assert_eq!(*terms(&stamped), expected);
    assert_eq!(stamped["spec"]["nodeSelector"], json!({"t": "x"}));
    // What confines the pod to these pools already stays as it is.
    let written = json!([{"matchExpressions": [one_of(&["c", "b"]), shared]}]);
    assert_eq!(*terms(&confined(with_terms(written.clone()), &snapshot).0), written);
}

#[test]
fn o21_pools_that_differ_in_several_keys_are_copies_of_the_term() {
    let policies = POOLS.replace("tier: gpu", "tier: gpu, size: xl");
    let snapshot = snapshot(&policies);
    let field = json!({"key": "metadata.name", "operator": "In", "values": ["node-1"]});
    let zone = json!({"key": "zone", "operator": "In", "values": ["z"]});
    let stamped =
        stamp(with_terms(json!([{"matchFields": [field]}, {"matchExpressions": [zone]}])), &snapshot);
    let label = |key: &str, value: &str| json!({"key": key, "operator": "In", "values": [value]});
    let tenant = |value: &str| label("node-restriction.kubernetes.io/tenant", value);
    let (main, gpu) =
        ([tenant("x"), label("tier", "std")], [tenant("x-gpu"), label("size", "xl"), label("tier", "gpu")]);
    let terms = terms(&stamped).as_array().unwrap();
    assert_eq!(terms.len(), 3);
    assert_eq!(terms[0], json!({"matchFields": [field], "matchExpressions": main}));
    assert_eq!(terms[1], json!({"matchExpressions": [zone, main[0], main[1]]}));
    assert_eq!(terms[2], json!({"matchFields": [field], "matchExpressions": gpu}));
    assert!(mutate(&create(stamped.clone()), &snapshot).patch.is_none());
    assert!(validate(&create(stamped), &snapshot).is_allowed());
}

#[test]
fn o21_a_tenant_says_where_pods_run_that_name_no_pool() {
    let any = snapshot(&SEVERAL.replace("default: a,", "default: a, unnamed: Any,"));
    let (stamped, pools) = confined(pod(json!({})), &any);
    assert_eq!(pools, ["a", "b", "c", "a-fast"]);
    assert_eq!(stamped["spec"]["nodeSelector"], json!({"t": "x"}));
    let shared = json!({"key": "t", "operator": "In", "values": ["x"]});
    let lists = json!([{"matchExpressions": [one_of(&["a", "b", "c"]), shared]}]);
    assert_eq!(*terms(&stamped), lists);
    assert_eq!(confined(pod(json!({"nodeSelector": {"pool": "b"}})), &any).1, ["b"]);
}

#[test]
fn o21_the_settings_say_where_labels_go_as_far_as_a_node_selector_can_hold_them() {
    let mode = |mode: &str| {
        snapshot(&format!(
            "{SEVERAL}---\n{{apiVersion: partywall.dev/v1alpha1, kind: Settings, metadata: {{name: default}}, \
             spec: {{stamp: {mode}}}}}\n"
        ))
    };
    let two = || with_terms(json!([{"matchExpressions": [one_of(&["b", "c", "z"])]}]));
    let (selector, _) = confined(two(), &mode("NodeSelector"));
    assert_eq!(selector["spec"]["nodeSelector"], json!({"t": "x"}));
    assert_eq!(terms(&selector)[0]["matchExpressions"].as_array().unwrap().len(), 3);
    let (affinity, _) = confined(two(), &mode("NodeAffinity"));
    assert!(affinity["spec"].get("nodeSelector").is_none());
    let one = with_terms(json!([{"matchExpressions": [one_of(&["b", "z"])]}]));
    let (selector, _) = confined(one.clone(), &mode("NodeSelector"));
    assert_eq!(terms(&selector), terms(&one));
    assert_eq!(selector["spec"]["nodeSelector"], json!({"t": "x", "pool": "b"}));
}

#[test]
fn o22_the_stamp_is_written_only_where_the_rule_denies() {
    for mode in ["off", "audit", "warn", "deny"] {
        let policies = SEVERAL.replace(
            "spec: {\n  namespaces",
            &format!("spec: {{rules: {{node-placement: {mode}}},\n  namespaces"),
        );
        let snapshot = snapshot(&policies);
        let review = create(pod(json!({})));
        let answer = mutate(&review, &snapshot);
        assert_eq!(answer.patch.is_some(), mode == "deny", "{mode}");
        if mode == "warn" {
            let warning = answer.response["warnings"][0].as_str().unwrap().to_owned();
            assert!(warning.contains("would go to pool `a`"), "{warning}");
            // What the stamp would mend violates nothing.
            assert_eq!(validate(&review, &snapshot).response["warnings"], Value::Null);
        }
    }
}

#[test]
fn k5_label_keys_with_slashes_and_taints_without_value_or_effect() {
    let snapshot = with_mode("Both");
    let stamped = stamp(pod(json!({"nodeSelector": {"disk": "ssd"}, "tolerations": []})), &snapshot);
    assert_eq!(
        stamped["spec"]["nodeSelector"],
        json!({"disk": "ssd", "node-restriction.kubernetes.io/tenant": "x", "tier": "std"})
    );
    assert_eq!(
        stamped["spec"]["tolerations"],
        json!([
            {"key": "node-restriction.kubernetes.io/tenant", "operator": "Equal", "value": "x", "effect": "NoSchedule"},
            {"key": "drain/x", "operator": "Equal"},
        ])
    );
    // A taint that may have any effect is tolerated only by what tolerates all of them.
    let partly = json!([{"key": "drain/x", "operator": "Exists", "effect": "NoSchedule"}]);
    let stamped = stamp(pod(json!({"tolerations": partly})), &snapshot);
    assert_eq!(stamped["spec"]["tolerations"].as_array().unwrap().len(), 3);
}

#[test]
fn settings_say_where_the_labels_go() {
    let affinity = stamp(pod(json!({})), &with_mode("NodeAffinity"));
    assert!(affinity["spec"].get("nodeSelector").is_none() && terms(&affinity).is_array());
    let selector = stamp(pod(json!({})), &with_mode("NodeSelector"));
    assert!(selector["spec"].get("affinity").is_none() && selector["spec"]["nodeSelector"].is_object());
}

#[test]
fn a9_a17_daemon_set_templates_get_what_their_controller_looks_at_and_other_templates_nothing() {
    let template = json!({"spec": {"template": {"metadata": {}, "spec": {"containers": [{"name": "a"}]}}}});
    let of = |kind: &str, api_version: &str| {
        let mut object = template.clone();
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        object["metadata"] = json!({"name": "agent", "namespace": "tenants-x"});
        object
    };
    let daemon_set = of("DaemonSet", "apps/v1");
    let mut expected = daemon_set.clone();
    expected["spec"]["template"]["spec"]["nodeSelector"] = json!({"tenant": "tenants-x"});
    // Without it the controller would find no node of a tainted pool that wants a pod.
    expected["spec"]["template"]["spec"]["tolerations"] =
        json!([{"key": "tenant", "operator": "Equal", "value": "tenants-x", "effect": "NoSchedule"}]);
    // What was written is recorded, so that it can be replaced.
    let record = json!({
        "nodeSelector": {"tenant": "tenants-x"},
        "tolerations": expected["spec"]["template"]["spec"]["tolerations"],
    });
    let mut stamped = stamp(daemon_set.clone(), &eks());
    let annotations = stamped["metadata"].as_object_mut().unwrap().remove("annotations").unwrap();
    let written = annotations["partywall.dev/stamp"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(written).unwrap(), record);
    assert_eq!(stamped, expected);
    expected["metadata"]["annotations"] = annotations;
    let review = update(create(daemon_set.clone()), daemon_set);
    assert_eq!(patched(&review, &mutate(&review, &eks())), expected, "on an update too");
    for (kind, api_version) in [
        ("Deployment", "apps/v1"),
        ("ReplicaSet", "apps/v1"),
        ("StatefulSet", "apps/v1"),
        ("Job", "batch/v1"),
    ] {
        assert!(mutate(&create(of(kind, api_version)), &eks()).patch.is_none(), "{kind}");
    }
}

#[test]
fn a10_c9_nothing_else_is_ever_patched() {
    let review = create(pod(json!({})));
    assert!(mutate(&update(review.clone(), pod(json!({}))), &eks()).patch.is_none(), "an update of a pod");
    for subresource in ["ephemeralcontainers", "resize", "status"] {
        let mut review = update(review.clone(), pod(json!({})));
        review["request"]["subResource"] = json!(subresource);
        assert!(mutate(&review, &eks()).patch.is_none(), "{subresource}");
    }
    let mut mirror = pod(json!({}));
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "abc"});
    assert!(mutate(&create(mirror), &eks()).patch.is_none(), "C9: a mirror pod");
    for namespace in ["default", "kube-system"] {
        let mut review = review.clone();
        review["request"]["namespace"] = json!(namespace);
        assert!(mutate(&review, &eks()).patch.is_none(), "{namespace}");
    }
    let mut free = review;
    free["request"]["namespace"] = json!("free");
    assert!(mutate(&free, &with_mode("Both")).patch.is_none(), "a tenant without pools");
}

#[test]
fn c11_a11_the_default_runtime_class_is_stamped_once_and_into_pods_alone() {
    let policies = |rules: &str| {
        snapshot(&format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: t}}, spec: {{
  namespaces: [tenants-x], runtimeClasses: {{default: gvisor, allowed: [kata]}}, rules: {{{rules}}}}}}}"
        ))
    };
    let sandboxed = policies("");
    for missing in [json!({}), json!({"runtimeClassName": null}), json!({"runtimeClassName": ""})] {
        let stored = stamp(pod(missing), &sandboxed);
        assert_eq!(stored["spec"]["runtimeClassName"], "gvisor");
        assert!(mutate(&create(stored.clone()), &sandboxed).patch.is_none());
        assert!(validate(&create(stored), &sandboxed).is_allowed());
    }
    let chosen = pod(json!({"runtimeClassName": "kata"}));
    assert!(mutate(&create(chosen), &sandboxed).patch.is_none());
    assert!(mutate(&create(pod(json!({}))), &policies("runtime-class: off")).patch.is_none());
    // A DaemonSet's pods are stamped when they are made; a mirror pod's kubelet would delete it.
    let daemon_set = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "tenants-x"},
        "spec": {"template": {"spec": {"containers": []}}},
    });
    assert!(mutate(&create(daemon_set), &sandboxed).patch.is_none());
    let mut mirror = pod(json!({}));
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    assert!(mutate(&create(mirror.clone()), &sandboxed).patch.is_none());
    assert_eq!(validate(&create(mirror), &sandboxed).rules(), ["node-placement"]);
    let update = update(create(pod(json!({}))), pod(json!({})));
    assert!(mutate(&update, &sandboxed).patch.is_none());
    assert!(validate(&update, &sandboxed).is_allowed(), "a pod that predates the default");
}

#[test]
fn j7_the_request_says_which_namespace_it_is() {
    let mut object = pod(json!({}));
    object["metadata"].as_object_mut().unwrap().remove("namespace");
    let mut review = create(object);
    review["request"]["namespace"] = json!("tenants-x");
    assert!(mutate(&review, &eks()).patch.is_some());
    review["request"]["object"]["metadata"]["namespace"] = json!("kube-system");
    assert!(mutate(&review, &eks()).patch.is_some());
}
