//! Very many violations: what is said of them, and that it costs no more than their number.

use std::sync::LazyLock;

use partywall_core::Entry;
use partywall_core::tenancy::Snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Answer, ask_hostile, create, fixture, load, pod, snapshot, update, validate};

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

fn hostile(review: &Value, snapshot: &Snapshot) -> Answer {
    ask_hostile(Entry::Validate, review.to_string().as_bytes(), snapshot)
}

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
    // The control has one line, of the hundred containers that are listed.
    assert_eq!(answer.message().lines().count(), 3, "{}", answer.message());
    assert!(answer.message().ends_with("and 200 more"), "{}", answer.message());
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
        assert!(hostile(&create(object.clone()), &snapshot).response.is_object(), "{why}");
        let again = hostile(&update(create(object.clone()), object), &snapshot);
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

fn ingress(hosts: &[String]) -> Value {
    let rules: Vec<_> = hosts.iter().map(|host| json!({"host": host})).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": rules},
        "metadata": {"name": "web", "namespace": "tenants-x", "annotations": {
            format!("{}/server-alias", "a".repeat(5_000)): hosts.join(","),
        }},
    })
}

#[test]
fn o3_one_more_violation_is_found_among_ten_thousand_old_ones() {
    let snapshot = snapshot(TENANT);
    let hosts: Vec<String> = (0..10_000).map(|i| format!("h{i}.example.org")).collect();
    let mut reversed = hosts.clone();
    reversed.reverse();
    assert!(hostile(&update(create(ingress(&reversed)), ingress(&hosts)), &snapshot).is_allowed());
    assert!(hostile(&update(create(ingress(&hosts[1..])), ingress(&hosts)), &snapshot).is_allowed());
    let mut more = hosts.clone();
    more.insert(7_000, "one-more.example.org".to_owned());
    let answer = hostile(&update(create(ingress(&more)), ingress(&hosts)), &snapshot);
    assert_eq!(answer.causes().len(), 2, "in the rule and in the annotation: {:?}", answer.causes());
    assert_eq!(answer.causes()[0], "ingress-hosts spec.rules[7000].host");
    // The same host by another key is another claim.
    let mut moved = ingress(&hosts);
    moved["metadata"]["annotations"] = json!({"b/server-alias": hosts[5]});
    assert!(!hostile(&update(create(moved), ingress(&hosts)), &snapshot).is_allowed());
}

#[test]
fn o3_capabilities_of_a_container_of_a_long_name_are_its_own() {
    let snapshot = snapshot(TENANT);
    let of = |names: [String; 2]| {
        let [first, second] = names;
        let add = |adds: &[&str]| json!({"capabilities": {"add": adds}});
        pod(json!({"hostPID": false, "initContainers": [
            {"name": first, "securityContext": add(&["A", "B"])}, {"name": second, "securityContext": add(&["C"])},
        ]}))
    };
    let names = ["a".repeat(70_000), "b".repeat(70_000)];
    let old = of(names.clone());
    assert!(hostile(&update(create(old.clone()), old.clone()), &snapshot).is_allowed());
    // What the one may, the other may not.
    let mut swapped = old.clone();
    for list in ["/spec/initContainers/0", "/spec/initContainers/1"] {
        let name = swapped.pointer_mut(&format!("{list}/name")).unwrap();
        let other = if *name == names[0] { &names[1] } else { &names[0] };
        *name = json!(other);
    }
    let answer = hostile(&update(create(swapped), old), &snapshot);
    assert_eq!(answer.causes().len(), 3, "{:?}", answer.causes());
}

/// Loaded once, since reading policies takes longer than all that is asked.
static POLICIES: LazyLock<Snapshot> = LazyLock::new(|| load(&[fixture("rules/policies.yaml")]));

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// A route claims each host in each place, which is compared without the product of both.
    #[test]
    fn o3_g28_a_claim_is_new_if_its_host_or_a_place_is(
        old in (vec(0_u8..5, 0..4), vec(0_u8..4, 0..4)),
        new in (vec(0_u8..5, 1..4), vec(0_u8..4, 0..4)),
    ) {
        let route = |(hosts, parents): &(Vec<u8>, Vec<u8>)| json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": "web", "namespace": "tenants-x"},
            "spec": {
                // Of these the first is the tenant's own.
                "hostnames": hosts.iter().map(|i| {
                    if *i == 0 { "app.x.example.com".to_owned() } else { format!("h{i}.example.org") }
                }).collect::<Vec<_>>(),
                "parentRefs": parents.iter()
                    .map(|i| json!({"name": format!("g{i}"), "namespace": "infra"})).collect::<Vec<_>>(),
            },
        });
        let answer = validate(&update(create(route(&new)), route(&old)), &POLICIES);
        // A route without parents is nowhere, and every old one is there too.
        let claims = |(hosts, parents): &(Vec<u8>, Vec<u8>), is_old: bool| {
            let mut places: Vec<Option<u8>> = parents.iter().copied().map(Some).collect();
            if is_old || places.is_empty() {
                places.push(None);
            }
            let foreign = hosts.iter().filter(|host| **host != 0);
            foreign.flat_map(|host| places.iter().map(move |place| (*host, *place)).collect::<Vec<_>>()).collect()
        };
        let (old, claims): (Vec<_>, Vec<_>) = (claims(&old, true), claims(&new, false));
        let expected = claims.iter().all(|claim| old.contains(claim));
        let hosts = answer.causes().into_iter().filter(|cause| cause.contains("hostnames")).count();
        prop_assert_eq!(hosts == 0, expected, "{:?}", answer.causes());
    }
}
