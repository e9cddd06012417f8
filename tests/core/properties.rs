//! Tests properties of random pods: a second stamp changes nothing, only the stamp changes, nothing panics.

use partywall_core::Entry;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{create, fixture, load, mutate, patched, recorded, stamped, validate};

/// Keys and values that matter to the fixtures' pools, and some that don't.
pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("tenant".to_owned()), Just("zone".to_owned()), Just("a.b/c~d".to_owned())]
}

pub(crate) fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("tenants-x".to_owned()),
        Just("tenants-x-gpu".to_owned()),
        Just("tenants-y".to_owned()),
        Just(String::new())
    ]
}

fn requirement() -> impl Strategy<Value = Value> {
    let operator = prop_oneof!["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Sideways"];
    (key(), operator, option::of(vec(value(), 0..3)))
        .prop_map(|(key, operator, values)| json!({"key": key, "operator": operator, "values": values}))
}

fn term() -> impl Strategy<Value = Value> {
    (option::of(option::of(vec(requirement(), 0..3))), option::of(option::of(vec(requirement(), 0..2))))
        .prop_map(|(expressions, fields)| {
            let mut term = json!({});
            // Absent, null, empty and filled are four different things.
            if let Some(expressions) = expressions {
                term["matchExpressions"] = json!(expressions);
            }
            if let Some(fields) = fields {
                term["matchFields"] = json!(fields);
            }
            term
        })
}

pub(crate) fn affinity() -> impl Strategy<Value = Value> {
    let required = option::of(option::of(option::of(vec(term(), 0..4))));
    (any::<bool>(), required, any::<bool>()).prop_map(|(node, required, preferred)| {
        let mut affinity = json!({"podAntiAffinity": {"x": []}});
        if node {
            affinity["nodeAffinity"] = json!({});
        }
        if let Some(required) = required {
            affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
                required.map_or(Value::Null, |terms| json!({"nodeSelectorTerms": terms, "extra": 1}));
        }
        if preferred {
            affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
                json!([{"weight": 1}]);
        }
        affinity
    })
}

pub(crate) fn toleration() -> impl Strategy<Value = Value> {
    let operator = option::of(prop_oneof!["Equal", "Exists", "Gt", ""]);
    let effect = option::of(prop_oneof!["NoSchedule", "NoExecute", "PreferNoSchedule", ""]);
    (option::of(key()), operator, option::of(value()), effect, option::of(0i64..9)).prop_map(
        |(key, operator, value, effect, seconds)| {
            json!({"key": key, "operator": operator, "value": value, "effect": effect, "tolerationSeconds": seconds})
        },
    )
}

prop_compose! {
    fn any_pod()(
        selector in option::of(option::of(btree_map(key(), value(), 0..3))),
        affinity in option::of(option::of(affinity())),
        tolerations in option::of(option::of(vec(toleration(), 0..4))),
        unknown in any::<u32>(),
    ) -> Value {
        let mut spec = json!({"containers": [{"name": "app", "image": "a", "unknown": unknown}], "future": [unknown]});
        if let Some(selector) = selector { spec["nodeSelector"] = json!(selector); }
        if let Some(affinity) = affinity { spec["affinity"] = json!(affinity); }
        if let Some(tolerations) = tolerations { spec["tolerations"] = json!(tolerations); }
        json!({
            "apiVersion": "v1", "kind": "Pod", "spec": spec,
            "metadata": {"name": "app", "namespace": "tenants-x", "labels": {"n": unknown.to_string()}},
        })
    }
}

/// The pod without what the stamp may add.
fn without_the_stamp(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let spec = pod["spec"].as_object_mut().unwrap();
    spec.remove("tolerations");
    spec.remove("nodeSelector");
    if let Some(affinity) = spec.get_mut("affinity").and_then(Value::as_object_mut) {
        if let Some(node) = affinity.get_mut("nodeAffinity").and_then(Value::as_object_mut) {
            if let Some(required) =
                node.get_mut("requiredDuringSchedulingIgnoredDuringExecution").and_then(Value::as_object_mut)
            {
                required.remove("nodeSelectorTerms");
                if required.is_empty() {
                    node.remove("requiredDuringSchedulingIgnoredDuringExecution");
                }
            }
            node.retain(|_, value| !value.is_null());
            if node.is_empty() {
                affinity.remove("nodeAffinity");
            }
        }
        if affinity.is_empty() {
            spec.remove("affinity");
        }
    }
    spec.retain(|_, value| !value.is_null());
    pod
}

fn list<'v>(pod: &'v Value, pointer: &str) -> &'v [Value] {
    pod.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

const TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a11_stamping_a_stamped_pod_yields_no_patch(pod in any_pod()) {
        let snapshot = load(&[fixture("rules/policies.yaml")]);
        let again = stamped(&create(pod), &snapshot);
        prop_assert_eq!(mutate(&again, &snapshot).patch, None);
    }

    #[test]
    fn nothing_else_changes(pod in any_pod()) {
        let snapshot = load(&[fixture("rules/policies.yaml")]);
        let review = create(pod.clone());
        let after = patched(&review, &mutate(&review, &snapshot));
        prop_assert_eq!(without_the_stamp(&pod), without_the_stamp(&after));
        // Of what the stamp adds to, everything that was there is still there, in its order.
        let before = list(&pod, "/spec/tolerations");
        prop_assert_eq!(before, &list(&after, "/spec/tolerations")[..before.len()]);
        for (key, value) in pod["spec"]["nodeSelector"].as_object().into_iter().flatten() {
            prop_assert_eq!(&after["spec"]["nodeSelector"][key], value);
        }
        let (terms, stamped_terms) = (list(&pod, TERMS), list(&after, TERMS));
        if pod.pointer(TERMS).is_some_and(Value::is_array) {
            // The fixtures' pools differ in one label, so no term is copied.
            prop_assert_eq!(terms.len(), stamped_terms.len());
        }
        for (before, after) in terms.iter().zip(stamped_terms) {
            let expressions = list(before, "/matchExpressions");
            prop_assert_eq!(expressions, &list(after, "/matchExpressions")[..expressions.len()]);
            prop_assert_eq!(&before["matchFields"], &after["matchFields"]);
        }
    }

    #[test]
    fn a_stamped_pod_is_stamped_as_the_validating_webhook_sees_it(pod in any_pod()) {
        let snapshot = load(&[fixture("rules/policies.yaml")]);
        let answer = validate(&stamped(&create(pod), &snapshot), &snapshot);
        // That it could run in no pool is the one thing about placement that stamping does not mend.
        let is_about = |line: &&str| line.contains("node-placement");
        for line in answer.message().lines().filter(is_about) {
            prop_assert!(line.contains("could run on none of the tenant's pools"), "{}", line);
        }
    }

    #[test]
    fn l14_no_input_panics(bytes in vec(any::<u8>(), 0..300)) {
        let snapshot = load(&[fixture("rules/policies.yaml")]);
        for entry in [Entry::Mutate, Entry::Validate] {
            let _ = partywall_core::answer(entry, &bytes, &snapshot);
        }
        let _ = partywall_core::review::find_uid(&bytes);
    }

    #[test]
    fn l14_no_mangled_review_panics(at in any::<prop::sample::Index>(), with in any::<Vec<u8>>(), cut in 0usize..40) {
        let snapshot = load(&[fixture("rules/policies.yaml")]);
        for name in [
            "mutate-create-pods-own-affinity",
            "validate-update-pods-privileged-init",
            "validate-create-ingresses-own",
        ] {
            let mut body = recorded(name).to_string().into_bytes();
            let start = at.index(body.len());
            let end = (start + cut).min(body.len());
            body.splice(start..end, with.iter().copied());
            for entry in [Entry::Mutate, Entry::Validate] {
                let _ = partywall_core::answer(entry, &body, &snapshot);
            }
        }
    }
}
