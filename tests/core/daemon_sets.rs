//! The stamp of DaemonSets: what is recorded of it, and how it is replaced.

use partywall_core::tenancy::Snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, create, mutate, patched, snapshot, update, validate};

const STAMP: &str = "partywall.dev/stamp";

/// Pools of one label each, of which the tenant has these.
fn policies(pools: &str) -> Snapshot {
    let pool = |name: &str| {
        format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: {name}}}, spec: {{
  nodeSelector: {{pool: {name}}}, taints: [{{key: pool, value: {name}}}]}}}}\n---\n"
        )
    };
    snapshot(&format!(
        "{}{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: t}}, spec: {{
  namespaces: [tenants-x], nodePools: {pools}}}}}\n",
        ["old", "blue", "gpu"].map(pool).concat()
    ))
}

fn daemon_set(template: Value) -> Value {
    let mut spec = json!({"containers": [{"name": "app", "image": "registry.example.com/app:1"}]});
    json_patch::merge(&mut spec, &template);
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "tenants-x"},
        "spec": {"selector": {}, "template": {"metadata": {}, "spec": spec}},
    })
}

fn required(terms: Value) -> Value {
    let required = json!({"nodeSelectorTerms": terms});
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}})
}

fn terms(object: &Value) -> &Value {
    let affinity = &object["spec"]["template"]["spec"]["affinity"]["nodeAffinity"];
    &affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
}

fn one_of(pools: &[&str]) -> Value {
    json!({"key": "pool", "operator": "In", "values": pools})
}

fn toleration(pool: &str) -> Value {
    json!({"key": "pool", "operator": "Equal", "value": pool})
}

/// Writes the new object over the old one; it may not be patched twice.
fn written(new: &Value, old: Option<&Value>, snapshot: &Snapshot) -> (Value, Answer) {
    let review = |object: &Value| match old {
        Some(old) => update(create(object.clone()), old.clone()),
        None => create(object.clone()),
    };
    let answer = mutate(&review(new), snapshot);
    let stored = patched(&review(new), &answer);
    assert_eq!(mutate(&review(&stored), snapshot).patch, None, "A11: {stored}");
    let verdict = validate(&review(&stored), snapshot);
    assert!(verdict.is_allowed() && verdict.response.get("warnings").is_none(), "{}", verdict.response);
    (stored, answer)
}

fn spec(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]
}

#[test]
fn gates_of_the_pods_leave_the_template_its_pool() {
    let snapshot = policies("{default: blue, allowed: [gpu]}");
    let gated = daemon_set(json!({"schedulingGates": [{"name": "example.com/quota"}]}));
    let (stored, _) = written(&gated, None, &snapshot);
    let spec = &stored["spec"]["template"]["spec"];
    assert_eq!(spec["nodeSelector"], json!({"pool": "blue"}));
    assert_eq!(spec["tolerations"], json!([toleration("blue")]));
}

#[test]
fn i_a_stamp_whose_pool_is_gone_is_replaced_on_the_next_write() {
    let before = policies("{default: old}");
    let (stored, first) = written(&daemon_set(json!({})), None, &before);
    assert_eq!(spec(&stored)["nodeSelector"], json!({"pool": "old"}));
    assert!(first.response.get("warnings").is_none(), "a new DaemonSet has no pods");
    let record: Value =
        serde_json::from_str(stored["metadata"]["annotations"][STAMP].as_str().unwrap()).unwrap();
    assert_eq!(record, json!({"nodeSelector": {"pool": "old"}, "tolerations": [toleration("old")]}));
    // Nothing changes until the tenant's pools do.
    let mut labelled = stored.clone();
    labelled["metadata"]["labels"] = json!({"rev": "2"});
    assert_eq!(written(&labelled, Some(&stored), &before).0, labelled);

    let after = policies("{default: blue, allowed: [gpu]}");
    let (moved, answer) = written(&labelled, Some(&stored), &after);
    assert_eq!(spec(&moved)["nodeSelector"], json!({"pool": "blue"}));
    assert_eq!(spec(&moved)["tolerations"], json!([toleration("blue")]));
    let warning = answer.response["warnings"][0].as_str().unwrap();
    assert!(warning.contains("the DaemonSet's pods restart"), "{warning}");
    let record: Value =
        serde_json::from_str(moved["metadata"]["annotations"][STAMP].as_str().unwrap()).unwrap();
    assert_eq!(record["nodeSelector"], json!({"pool": "blue"}));
    // The next write restarts nothing.
    let (_, answer) = written(&moved, Some(&moved), &after);
    assert!(answer.response.get("warnings").is_none());
}

#[test]
fn i_what_the_tenant_wrote_itself_stays() {
    let before = policies("{default: old}");
    let own = json!({
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
    });
    let (mut stored, _) = written(&daemon_set(own.clone()), None, &before);
    stored["metadata"]["annotations"]["team"] = json!("web");
    let (moved, _) = written(&stored, Some(&stored), &policies("{default: blue}"));
    assert_eq!(spec(&moved)["nodeSelector"], json!({"disk": "ssd", "pool": "blue"}));
    assert_eq!(spec(&moved)["tolerations"], json!([own["tolerations"][0], toleration("blue")]));
    assert_eq!(moved["metadata"]["annotations"]["team"], "web");
    // A manifest that is applied anew resets the list of tolerations; its stamp comes back, and nothing restarts.
    let mut applied = moved.clone();
    applied["spec"]["template"]["spec"]["tolerations"] = own["tolerations"].clone();
    let (again, answer) = written(&applied, Some(&moved), &policies("{default: blue}"));
    assert_eq!(again, moved);
    assert!(answer.response.get("warnings").is_none(), "{}", answer.response);
}

#[test]
fn i_a_stamp_of_before_the_record_is_named_in_a_warning() {
    let unrecorded = daemon_set(json!({"nodeSelector": {"pool": "old"}, "tolerations": [toleration("old")]}));
    let snapshot = policies("{default: blue}");
    let review = update(create(unrecorded.clone()), unrecorded.clone());
    assert_eq!(mutate(&review, &snapshot).patch, None);
    let warning =
        validate(&create(unrecorded), &snapshot).response["warnings"][0].as_str().unwrap().to_owned();
    for part in [
        "spec.template.spec.nodeSelector[pool]",
        "`pool=old`",
        "could run on none",
        "remove it (an earlier stamp",
    ] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn i_the_tenant_may_write_the_record_and_gains_nothing_by_it() {
    let snapshot = policies("{default: blue}");
    for forged in [
        "nonsense",
        "{}",
        "[]",
        r#"{"nodeSelector":{"pool":"gpu"}}"#,
        r#"{"nodeSelector":{"pool":"blue"}}"#,
        r#"{"tolerations":[{"key":"pool","operator":"Equal","value":"blue"}]}"#,
        r#"{"requirements":[{"key":"pool","operator":"In","values":["blue"]}]}"#,
    ] {
        for template in [
            json!({}),
            json!({"nodeSelector": {"pool": "blue"}, "tolerations": [toleration("blue")]}),
            required(json!([{"matchExpressions": [one_of(&["blue"])]}])),
        ] {
            let mut object = daemon_set(template);
            object["metadata"]["annotations"] = json!({STAMP: forged});
            let (stored, _) = written(&object, None, &snapshot);
            assert_eq!(spec(&stored)["nodeSelector"], json!({"pool": "blue"}), "{forged}");
            assert_eq!(spec(&stored)["tolerations"], json!([toleration("blue")]), "{forged}");
        }
    }
}

#[test]
fn i_o21_a_daemon_set_of_several_pools_is_stamped_in_its_terms() {
    let both = policies("{default: blue, allowed: [gpu], unnamed: Any}");
    let (stored, _) = written(&daemon_set(json!({})), None, &both);
    assert!(spec(&stored).get("nodeSelector").is_none());
    assert_eq!(*terms(&stored), json!([{"matchExpressions": [one_of(&["blue", "gpu"])]}]));
    assert_eq!(spec(&stored)["tolerations"], json!([toleration("blue"), toleration("gpu")]));
    // One pool is left: its label goes into the nodeSelector, and the terms go.
    let (moved, _) = written(&stored, Some(&stored), &policies("{default: gpu}"));
    assert_eq!(spec(&moved)["nodeSelector"], json!({"pool": "gpu"}));
    assert_eq!(*terms(&moved), Value::Null);
    assert_eq!(spec(&moved)["tolerations"], json!([toleration("gpu")]));
    // Two others.
    let (moved, _) =
        written(&stored, Some(&stored), &policies("{default: old, allowed: [gpu], unnamed: Any}"));
    assert_eq!(*terms(&moved), json!([{"matchExpressions": [one_of(&["old", "gpu"])]}]));
    assert_eq!(spec(&moved)["tolerations"], json!([toleration("gpu"), toleration("old")]));

    // A term of its own keeps what it demands.
    let zone = json!({"key": "zone", "operator": "Exists"});
    let own = required(json!([{"matchExpressions": [zone]}]));
    let (stored, _) = written(&daemon_set(own), None, &both);
    assert_eq!(*terms(&stored), json!([{"matchExpressions": [zone, one_of(&["blue", "gpu"])]}]));
    let (moved, _) =
        written(&stored, Some(&stored), &policies("{default: old, allowed: [gpu], unnamed: Any}"));
    assert_eq!(*terms(&moved), json!([{"matchExpressions": [zone, one_of(&["old", "gpu"])]}]));
}

/// Pools of one label, and one of two labels, which no list of values selects together with the others.
fn with_big(pools: &str) -> Snapshot {
    let pool = |name: &str, labels: &str| {
        format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: NodePool, metadata: {{name: {name}}}, spec: {{
  nodeSelector: {{{labels}}}, taints: [{{key: pool, value: {name}}}]}}}}\n---\n"
        )
    };
    let pools_of = ["old", "blue", "gpu"].map(|name| pool(name, &format!("pool: {name}"))).concat();
    snapshot(&format!(
        "{pools_of}{}{}{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: t}}, spec: {{
  namespaces: [tenants-x], nodePools: {pools}}}}}\n",
        pool("big", "pool: big, size: xl"),
        pool("huge", "pool: huge, size: xxl, disk: ssd"),
    ))
}

fn big() -> [Value; 2] {
    [one_of(&["big"]), json!({"key": "size", "operator": "In", "values": ["xl"]})]
}

#[test]
fn o21_the_terms_of_a_daemon_set_are_copied_for_each_kind_of_pool() {
    let zone = json!({"key": "zone", "operator": "In", "values": ["z"]});
    let rack = json!({"key": "rack", "operator": "Exists"});
    let field = json!({"key": "metadata.name", "operator": "NotIn", "values": ["n"]});
    let own = required(json!([
        {"matchExpressions": [zone]},
        {"matchFields": [field], "matchExpressions": [rack]},
        {},
        {"matchExpressions": [{"key": "size", "operator": "In", "values": ["xl"]}]},
    ]));
    let [pool, size] = big();
    let any = with_big("{default: blue, allowed: [gpu, big], unnamed: Any}");
    let (stored, _) = written(&daemon_set(own.clone()), None, &any);
    let both = one_of(&["blue", "gpu"]);
    let expected = json!([
        {"matchExpressions": [zone, both]},
        {"matchFields": [field], "matchExpressions": [rack, both]},
        {},
        {"matchExpressions": [size, pool]},
        {"matchExpressions": [zone, pool, size]},
        {"matchFields": [field], "matchExpressions": [rack, pool, size]},
    ]);
    assert_eq!(*terms(&stored), expected);
    assert_eq!(
        spec(&stored)["tolerations"],
        json!([toleration("blue"), toleration("gpu"), toleration("big")])
    );

    // The same manifest, applied again, gets the same stamp, and nothing restarts.
    let mut applied = stored.clone();
    applied["spec"]["template"]["spec"]["affinity"] = own["affinity"].clone();
    let (again, answer) = written(&applied, Some(&stored), &any);
    assert_eq!(again, stored);
    assert!(answer.response.get("warnings").is_none(), "{}", answer.response);

    // A pool less, a pool more, other pools, and one pool alone.
    let (fewer, _) =
        written(&stored, Some(&stored), &with_big("{default: blue, allowed: [big], unnamed: Any}"));
    let blue = one_of(&["blue"]);
    assert_eq!(
        *terms(&fewer),
        json!([
            {"matchExpressions": [zone, blue]},
            {"matchFields": [field], "matchExpressions": [rack, blue]},
            {},
            {"matchExpressions": [size, pool]},
            {"matchExpressions": [zone, pool, size]},
            {"matchFields": [field], "matchExpressions": [rack, pool, size]},
        ])
    );
    let (restored, answer) = written(&fewer, Some(&fewer), &any);
    assert_eq!(*terms(&restored), expected);
    assert!(answer.response["warnings"][0].as_str().unwrap().contains("pods restart"));
    let more = with_big("{default: blue, allowed: [gpu, big, huge], unnamed: Any}");
    let (wider, _) = written(&stored, Some(&stored), &more);
    assert_eq!(terms(&wider).as_array().unwrap().len(), 8, "{wider}");
    let (alone, _) = written(&wider, Some(&wider), &with_big("{default: big}"));
    assert_eq!(
        *terms(&alone),
        own["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    );
    assert_eq!(spec(&alone)["nodeSelector"], json!({"pool": "big", "size": "xl"}));
    assert_eq!(spec(&alone)["tolerations"], json!([toleration("big")]));
}

#[test]
fn i_o21_terms_that_the_tenant_changes_beside_copies_keep_what_is_its_own() {
    let any = with_big("{default: blue, allowed: [gpu, big], unnamed: Any}");
    let key = |key: &str| json!({"key": key, "operator": "Exists"});
    let both = one_of(&["blue", "gpu"]);
    let [pool, size] = big();
    // The second term demands by itself what the stamp writes into the first.
    let own = required(
        json!([{"matchExpressions": [key("zone")]}, {"matchExpressions": [key("a"), key("b"), both]}]),
    );
    let (stored, _) = written(&daemon_set(own), None, &any);
    assert_eq!(
        *terms(&stored),
        json!([
            {"matchExpressions": [key("zone"), both]},
            {"matchExpressions": [key("a"), key("b"), both]},
            {"matchExpressions": [key("zone"), pool, size]},
        ])
    );
    let (moved, _) =
        written(&stored, Some(&stored), &with_big("{default: gpu, allowed: [big], unnamed: Any}"));
    assert_eq!(
        *terms(&moved),
        json!([
            {"matchExpressions": [key("zone"), one_of(&["gpu"])]},
            {"matchExpressions": [key("a"), key("b"), both, one_of(&["gpu"])]},
            {"matchExpressions": [key("zone"), pool, size]},
        ])
    );
    // A copy that the tenant removes comes back, and a term that it adds is stamped.
    let mut edited = stored.clone();
    let list = edited.pointer_mut(
        "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let list = list.unwrap().as_array_mut().unwrap();
    list.remove(2);
    list.insert(0, json!({"matchExpressions": [key("rack")]}));
    let (mended, _) = written(&edited, Some(&stored), &any);
    assert_eq!(
        *terms(&mended),
        json!([
            {"matchExpressions": [key("rack"), both]},
            {"matchExpressions": [key("zone"), both]},
            {"matchExpressions": [key("a"), key("b"), both]},
            {"matchExpressions": [key("rack"), pool, size]},
            {"matchExpressions": [key("zone"), pool, size]},
        ])
    );
}

#[test]
fn o21_the_pod_of_a_daemon_set_runs_in_the_pool_of_its_node() {
    let snapshot = policies("{default: blue, allowed: [gpu]}");
    let name = json!({"key": "metadata.name", "operator": "In", "values": ["gpu-1"]});
    let mut pod = crate::support::pod(required(json!([{"matchFields": [name]}])));
    pod["spec"]["tolerations"] = json!([]);
    let review = create(pod);
    let stamped = patched(&review, &mutate(&review, &snapshot));
    let terms =
        &stamped["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(
        terms["nodeSelectorTerms"],
        json!([{"matchFields": [name], "matchExpressions": [one_of(&["blue", "gpu"])]}])
    );
    assert!(validate(&create(stamped), &snapshot).is_allowed());
}
