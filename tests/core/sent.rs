//! Which pods outside tenants the API server sends, by the conditions of the webhook configurations.
//!
//! The webhook fails closed, so few pods may be sent; and a pod that is not sent must be one that every rule allows.

use std::sync::LazyLock;

use cel::{Context, Program};
use partywall_core::Entry;
use partywall_core::registration::{Configuration, FailsClosed, Lists, Registration, Server};
use partywall_core::tenancy::Snapshot;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::properties::{affinity, key, toleration, value};
use crate::support::{ask, create, snapshot, update};

/// The conditions of the webhook that receives pods outside tenants, compiled.
static CONDITIONS: LazyLock<Vec<Program>> =
    LazyLock::new(|| conditions(&registration().validating(), "pods-elsewhere.partywall.dev"));
/// The same where partywall keeps the keys of the pools in them.
static LISTED: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let lists = Some(Lists::of(&snapshot(POLICIES)));
    conditions(&Registration { lists, ..registration() }.validating(), "pods-elsewhere.partywall.dev")
});
/// The conditions of the webhook that stamps pods of tenants.
static STAMPED: LazyLock<Vec<Program>> =
    LazyLock::new(|| conditions(&registration().mutating(), "stamp-pods.partywall.dev"));

fn registration() -> Registration {
    Registration {
        own_objects: false,
        server: Server::Url("https://127.0.0.1:8443".to_owned()),
        ca_bundle: None,
        system_namespaces: Vec::new(),
        foreign_groups: Vec::new(),
        fails_closed: FailsClosed::ALL,
        workload_kinds: Vec::new(),
        lists: None,
    }
}

fn conditions(configuration: &Configuration, name: &str) -> Vec<Program> {
    let webhook = configuration.webhooks.iter().find(|webhook| webhook.name == name).unwrap();
    let compile = |expression: &str| Program::compile(expression).unwrap();
    webhook.match_conditions.iter().map(|condition| compile(&condition.expression)).collect()
}

/// Pools whose taints keep pods away; of the others the page `SECURITY.md` warns.
const POLICIES: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: tenants-x}
spec: {nodeSelector: {tenant: tenants-x}, taints: [{key: tenant, value: tenants-x}]}
---
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: tenants-y}
spec: {nodeSelector: {tenant: tenants-y, zone: tenants-y}, taints: [{key: gpu, effect: NoSchedule}]}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: tenants-x}
spec: {namespaces: [tenants-x], nodePools: {default: tenants-x, allowed: [tenants-y]}}
";

/// Returns whether the API server sends the review. A condition that fails would refuse every such pod of the cluster.
fn is_sent(review: &Value) -> bool {
    are_met(&CONDITIONS, review)
}

fn are_met(conditions: &[Program], review: &Value) -> bool {
    let request = &review["request"];
    let mut context = Context::default();
    for (name, value) in
        [("request", request), ("object", &request["object"]), ("oldObject", &request["oldObject"])]
    {
        context.add_variable(name, value).unwrap();
    }
    conditions.iter().all(|condition| match condition.execute(&context) {
        Ok(cel::Value::Bool(is_met)) => is_met,
        other => panic!("{other:?} of {review}"),
    })
}

/// Removes what the API server never writes: fields that are null or empty.
fn written(object: Value) -> Value {
    match object {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key, written(value)))
                .filter(|(_, value)| !value.is_null() && *value != json!("") && *value != json!([]))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(written).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => object,
    }
}

fn anti_affinity() -> impl Strategy<Value = Value> {
    let namespace = prop_oneof!["tenants-x", "kube-system", "elsewhere", "other"];
    let selector = prop_oneof![
        Just(json!({})),
        Just(json!({"matchLabels": {"team": "web"}})),
        Just(json!({"matchLabels": {"kubernetes.io/metadata.name": "other"}})),
    ];
    let term = (option::of(vec(namespace, 0..3)), option::of(selector)).prop_map(|(namespaces, selector)| {
        json!({"topologyKey": "zone", "namespaces": namespaces, "namespaceSelector": selector})
    });
    vec(term, 0..3).prop_map(Value::Array)
}

prop_compose! {
    fn any_pod()(
        selector in option::of(btree_map(key(), value(), 0..3)),
        affinity in option::of(affinity()),
        repels in option::of(anti_affinity()),
        tolerations in option::of(vec(any_toleration(), 0..4)),
        node in option::of(prop_oneof!["", "node-y"]),
        class in option::of(prop_oneof!["", "system-node-critical", "high"]),
        is_mirror in any::<bool>(),
    ) -> Value {
        let mut affinity = affinity.unwrap_or_else(|| json!({}));
        affinity["podAntiAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": repels});
        let annotations = is_mirror.then(|| json!({"kubernetes.io/config.mirror": "x"}));
        written(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "app", "namespace": "elsewhere", "annotations": annotations},
            "spec": {
                "containers": [{"name": "app", "image": "a"}], "nodeSelector": selector, "affinity": affinity,
                "tolerations": tolerations, "nodeName": node, "priorityClassName": class,
            },
        }))
    }
}

fn any_toleration() -> impl Strategy<Value = Value> {
    let keys =
        prop_oneof!["node.kubernetes.io/not-ready", "node.kubernetes.io/disk-pressure", "tenant", "gpu"];
    let built_in = (keys, option::of(prop_oneof!["Exists", "Equal"]))
        .prop_map(|(key, operator)| json!({"key": key, "operator": operator}));
    prop_oneof![toleration(), built_in]
}

/// Asks the webhook's entry about a review that is not sent.
fn is_allowed_unsent(review: &Value, snapshot: &Snapshot) -> Result<(), TestCaseError> {
    // With the list no more is sent than without.
    prop_assert!(is_sent(review) || !are_met(&LISTED, review));
    if !are_met(&LISTED, review) {
        let answer = ask(Entry::ValidateElsewhere, review.to_string().as_bytes(), snapshot);
        prop_assert!(answer.is_allowed(), "not sent, and denied: {}", answer.message());
        prop_assert!(answer.response.get("warnings").is_none(), "{}", answer.response);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn o1_what_is_not_sent_every_rule_would_allow(pod in any_pod()) {
        let snapshot = snapshot(POLICIES);
        is_allowed_unsent(&create(pod), &snapshot)?;
    }

    #[test]
    fn o1_an_update_that_is_not_sent_every_rule_would_allow(old in any_pod(), new in any_pod()) {
        let snapshot = snapshot(POLICIES);
        // The API server lets an update of a pod add tolerations, and change labels and annotations.
        let mut changed = old.clone();
        changed["metadata"]["labels"] = json!({"team": "web"});
        changed["metadata"]["annotations"] = new["metadata"]["annotations"].clone();
        let more = [&old, &new].map(|pod| pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default());
        changed["spec"]["tolerations"] = json!(more.concat());
        is_allowed_unsent(&update(create(written(changed)), old), &snapshot)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    /// The webhook that stamps fails closed too, so the API server sends only what may get a stamp.
    #[test]
    fn a10_k_an_update_that_is_not_sent_would_not_be_stamped(
        old in any_pod(),
        new in any_pod(),
        gates in option::of(vec(Just(json!({"name": "example.com/quota"})), 0..3)),
    ) {
        let snapshot = snapshot(POLICIES);
        let of_tenant = |mut pod: Value, gates: Value| {
            pod["metadata"]["namespace"] = json!("tenants-x");
            pod["spec"]["schedulingGates"] = gates;
            written(pod)
        };
        let is_gated = gates.as_ref().is_some_and(|gates| !gates.is_empty());
        let review = update(create(of_tenant(new.clone(), Value::Null)), of_tenant(old, json!(gates)));
        prop_assert_eq!(are_met(&STAMPED, &review), is_gated);
        if !is_gated {
            prop_assert_eq!(ask(Entry::MutateTenants, review.to_string().as_bytes(), &snapshot).patch, None);
        }
        // Whether a new pod is sent may not depend on what it says.
        prop_assert!(are_met(&STAMPED, &create(of_tenant(new, json!(gates)))));
    }
}

#[test]
fn o1_l2_an_ordinary_pod_is_not_sent() {
    let pod = |spec: Value| {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "elsewhere"},
            "spec": {"containers": [{"name": "app", "image": "a"}]},
        });
        json_patch::merge(&mut pod["spec"], &spec);
        create(pod)
    };
    let not_ready =
        json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"});
    for harmless in [
        json!({}),
        json!({"tolerations": [not_ready]}),
        json!({"nodeSelector": {"tenant": "tenants-y"}, "priorityClassName": "high"}),
    ] {
        assert!(!is_sent(&pod(harmless.clone())), "{harmless}");
    }
    for reaches in [
        json!({"tolerations": [{"operator": "Exists"}]}),
        json!({"tolerations": [not_ready, {"key": "tenant", "operator": "Exists"}]}),
        json!({"nodeName": "node-y"}),
        json!({"priorityClassName": "system-cluster-critical"}),
    ] {
        assert!(is_sent(&pod(reaches.clone())), "{reaches}");
        assert!(are_met(&LISTED, &pod(reaches.clone())), "{reaches}");
    }
    let spot = pod(json!({"tolerations": [{"key": "spot", "operator": "Exists"}]}));
    assert!(is_sent(&spot) && !are_met(&LISTED, &spot), "no pool has this key");
    let tolerant = json!({"tolerations": [{"operator": "Exists"}]});
    let mut relabelled = pod(tolerant.clone());
    relabelled["request"]["object"]["metadata"]["labels"] = json!({"a": "b"});
    assert!(
        !is_sent(&update(relabelled, pod(tolerant)["request"]["object"].clone())),
        "it keeps its tolerations"
    );
}

/// A webhook that validates Namespaces.
struct OfNamespaces {
    operations: &'static [&'static str],
    /// The names that it is for; `None`: all.
    names: Option<Vec<String>>,
    conditions: Vec<Program>,
}

/// The webhooks that validate Namespaces where partywall keeps names in them.
static NAMESPACES: LazyLock<Vec<OfNamespaces>> = LazyLock::new(|| {
    let snapshot = snapshot(POLICIES);
    let lists = Some(Lists::of(&snapshot));
    let system_namespaces = vec!["kube-system".to_owned()];
    let configuration = Registration { lists, system_namespaces, ..registration() }.validating();
    let of = configuration.webhooks.iter().filter(|webhook| webhook.rules[0].scope == "Cluster");
    of.map(|webhook| {
        let selector = webhook.namespace_selector.as_ref().map(|selector| &selector.match_expressions[0]);
        OfNamespaces {
            operations: webhook.rules[0].operations,
            names: selector.map(|selector| selector.values.clone()),
            conditions: conditions(&configuration, webhook.name),
        }
    })
    .collect()
});

fn is_namespace_sent(name: &str, review: &Value) -> bool {
    let operation = review["request"]["operation"].as_str().unwrap();
    NAMESPACES.iter().any(|webhook| {
        webhook.operations.contains(&operation)
            && webhook.names.as_ref().is_none_or(|names| names.iter().any(|listed| listed == name))
            && are_met(&webhook.conditions, review)
    })
}

fn labels() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        "partywall.dev/tenant",
        "control-plane",
        "shoot.gardener.cloud/no-cleanup",
        "pod-security.kubernetes.io/enforce",
        "team",
    ];
    option::of(btree_map(keys, prop_oneof!["tenants-x", "true"], 0..3)).prop_map(|labels| json!(labels))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    /// An outage stops no namespace that is nobody's, and none changes its owner unjudged.
    #[test]
    fn i2_i3_l2_an_update_of_a_namespace_that_is_not_sent_the_rule_would_allow(
        name in prop_oneof!["tenants-x", "kube-system", "elsewhere"],
        old in labels(),
        new in labels(),
    ) {
        let namespace = |labels: &Value| written(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        }));
        let mut review = update(create(namespace(&new)), namespace(&old));
        review["request"]["namespace"] = json!(name);
        review["request"]["userInfo"] = json!({"username": "alice", "groups": ["system:authenticated"]});
        let is_sent = is_namespace_sent(&name, &review);
        if !is_sent {
            let answer = ask(Entry::ValidateNamespaces, review.to_string().as_bytes(), &snapshot(POLICIES));
            prop_assert!(answer.is_allowed(), "not sent, and denied: {}", answer.message());
        }
        let is_guarded = |labels: &Value| {
            let guarded = ["partywall.dev/tenant", "control-plane", "shoot.gardener.cloud/no-cleanup"];
            guarded.iter().any(|key| labels.get(key).is_some())
        };
        let expected = name != "elsewhere" || is_guarded(&old) || is_guarded(&new);
        prop_assert_eq!(is_sent, expected, "{}", review);
        // Every creation is sent.
        let mut creation = create(namespace(&new));
        creation["request"]["userInfo"] = json!({"username": "alice"});
        prop_assert!(is_namespace_sent(&name, &creation));
    }
}
