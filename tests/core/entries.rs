//! What each entry answers beside the verdict of the rules.

use partywall_core::Entry;
use serde_json::{Value, json};

use crate::support::{Answer, ask, create, eks, update};

fn pod(namespace: &str) -> Value {
    create(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": namespace},
        "spec": {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]},
    }))
}

fn namespace(name: &str, labels: Value) -> Value {
    create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
}

fn answer(entry: Entry, review: &Value) -> Answer {
    ask(entry, review.to_string().as_bytes(), &eks())
}

#[test]
fn o4_a_labelled_namespace_that_no_tenant_has_gets_nothing() {
    for entry in [Entry::MutateTenants, Entry::ValidateTenants] {
        let denied = answer(entry, &pod("preview-17"));
        assert!(!denied.is_allowed(), "{entry:?}");
        assert_eq!(denied.response["status"]["code"], 403);
        for text in
            ["namespace `preview-17` has the label", "no Tenant has this namespace", "ask the platform team"]
        {
            assert!(denied.message().contains(text), "{}", denied.message());
        }
        assert!(denied.patch.is_none());
        assert!(!answer(entry, &pod("tenants-x")).message().contains("no Tenant has"));
        // A label on a system namespace has no effect.
        assert!(answer(entry, &pod("kube-system")).is_allowed());
    }
    for entry in [Entry::Validate, Entry::Mutate, Entry::ValidateElsewhere] {
        assert!(answer(entry, &pod("preview-17")).is_allowed(), "{entry:?}");
    }
}

#[test]
fn o1_what_cannot_be_decided_is_allowed_with_a_warning_only_where_the_api_server_goes_on() {
    let mut review = pod("tenants-x");
    review["request"]["object"]["spec"]["tolerations"] = json!("all");
    for entry in Entry::ALL {
        let answer = answer(entry, &review);
        assert_eq!(answer.is_allowed(), entry.goes_on_without_answer(), "{entry:?}");
        let warns = answer.response["warnings"][0].as_str().unwrap_or_default().contains("did not judge");
        assert_eq!(warns, entry.goes_on_without_answer(), "{entry:?}: {}", answer.response);
    }
}

#[test]
fn o4_a_listed_namespace_gets_its_label_back_and_a_wrong_one_is_denied() {
    let label = "partywall.dev/tenant";
    let patched = |labels: Value| answer(Entry::MutateNamespaces, &namespace("tenants-x", labels)).patch;
    let add = |path: &str, value: Value| Some(json!([{"op": "add", "path": path, "value": value}]));
    let one = "/metadata/labels/partywall.dev~1tenant";
    assert_eq!(patched(json!({})), add("/metadata/labels", json!({label: "tenants-x"})));
    assert_eq!(patched(Value::Null), add("/metadata/labels", json!({label: "tenants-x"})));
    assert_eq!(patched(json!({"team": "web"})), add(one, json!("tenants-x")));
    assert_eq!(patched(json!({label: "tenants-x"})), None);
    assert_eq!(patched(json!({label: "tenants-y"})), None);
    let wrong = answer(Entry::ValidateNamespaces, &namespace("tenants-x", json!({label: "tenants-y"})));
    assert_eq!(wrong.rules(), ["namespaces"]);
    // The namespace was another tenant's until the policies changed.
    let stale = namespace("tenants-x", json!({label: "tenants-old", "team": "web"}));
    let old = stale["request"]["object"].clone();
    assert_eq!(answer(Entry::MutateNamespaces, &update(stale, old)).patch, add(one, json!("tenants-x")));
    assert_eq!(answer(Entry::MutateNamespaces, &namespace("elsewhere", json!({"a": "b"}))).patch, None);
}

#[test]
fn o4_writes_of_namespaces_tell_of_labels_that_contradict_the_policies() {
    let label = "partywall.dev/tenant";
    let warned = |name: &str, labels: Value, entry| {
        let answer = answer(entry, &namespace(name, labels));
        answer.response["warnings"][0].as_str().unwrap_or_default().to_owned()
    };
    for entry in [Entry::MutateNamespaces, Entry::ValidateNamespaces] {
        assert!(warned("preview-17", json!({label: "tenants-x"}), entry).contains("no Tenant lists it"));
        assert!(warned("kube-system", json!({label: "tenants-x"}), entry).contains("a system namespace"));
        assert_eq!(warned("elsewhere", json!({"a": "b"}), entry), "");
        assert_eq!(warned("tenants-x", json!({label: "tenants-x"}), entry), "");
    }
    for entry in [Entry::MutateNamespaces, Entry::ValidateNamespaces] {
        let bare = warned("tenants-x", json!({}), entry);
        assert!(bare.contains("without the label that protects it"), "{bare}");
    }
}
