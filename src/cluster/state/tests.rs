use partywall_core::tenancy::LiveCompiled;
use serde_json::json;

use super::*;
use crate::policies::Declared;

macro_rules! assert_nothing {
    ($effect:expr $(, $why:literal)?) => { assert_eq!($effect, Effect::Nothing $(, $why)?) };
}

macro_rules! assert_snapshot {
    ($effect:expr $(, $why:literal)?) => { assert_eq!($effect, Effect::Snapshot $(, $why)?) };
}

/// Makes an object as the API server sends it.
fn item(name: &str, generation: i64, spec: &Value) -> Item {
    let metadata = json!({"name": name, "uid": format!("uid-{name}"), "generation": generation});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": {"ready": true}})).unwrap()
}

fn namespace(name: &str, labels: &Value) -> Item {
    let uid = format!("uid-{name}");
    let metadata = json!({"name": name, "uid": uid, "labels": labels, "resourceVersion": "7"});
    serde_json::from_value(json!({"metadata": metadata})).unwrap()
}

fn tenant(name: &str, generation: i64) -> Item {
    item(name, generation, &json!({"namespaces": [name]}))
}

fn set(item: Item) -> Change {
    Change::Set(Kind::Tenant, Box::new(item))
}

fn names(state: &State) -> Vec<String> {
    state.objects().into_iter().map(|object| object.name.name).collect()
}

fn settings(state: &State) -> Option<Value> {
    let objects = state.objects().into_iter().filter_map(|object| object.object);
    let mut settings = objects.filter_map(|object| {
        let Spec::Settings(spec) = object.spec else { return None };
        Some(serde_json::to_value(spec).unwrap())
    });
    settings.next()
}

#[test]
fn nothing_is_complete_before_every_kind_was_listed() {
    let mut state = State::default();
    for kind in Kind::ALL {
        assert!(!state.is_complete(), "{kind:?}");
        assert_snapshot!(state.apply(Change::Listed(kind, Vec::new())));
    }
    assert!(state.is_complete());
    assert_nothing!(state.apply(Change::Listed(Kind::Tenant, Vec::new())), "a second empty list is no news");
}

#[test]
fn only_what_a_snapshot_shows_makes_another_one() {
    let mut state = State::default();
    assert_snapshot!(state.apply(set(tenant("a", 1))));
    assert_nothing!(state.apply(set(tenant("a", 1))), "its status changed");
    assert_nothing!(state.apply(Change::Contact(Kind::Tenant)));
    let mut acknowledging = tenant("a", 1);
    acknowledging
        .metadata
        .annotations
        .insert("partywall.dev/acknowledge".to_owned(), "spec.namespaces".to_owned());
    assert_snapshot!(state.apply(set(acknowledging)), "annotations do not count as a generation");
    assert_snapshot!(state.apply(set(tenant("a", 2))));
    let mut recreated = tenant("a", 2);
    recreated.metadata.uid = "another".to_owned();
    assert_snapshot!(state.apply(set(recreated)), "the object was deleted and created between two lists");
    assert_snapshot!(state.apply(Change::Gone(Kind::Tenant, "a".to_owned())));
    assert_nothing!(state.apply(Change::Gone(Kind::Tenant, "a".to_owned())));
}

#[test]
fn a_list_forgets_what_is_gone_and_keeps_other_kinds() {
    let mut state = State::default();
    state.apply(Change::Listed(Kind::Tenant, vec![tenant("a", 1), tenant("b", 1)]));
    state.apply(Change::Set(
        Kind::NodePool,
        Box::new(item("pool", 1, &json!({"nodeSelector": {"tenant": "a"}}))),
    ));
    assert_snapshot!(state.apply(Change::Listed(Kind::Tenant, vec![tenant("b", 1)])));
    assert_eq!(names(&state), ["pool", "b"]);
    assert_nothing!(state.apply(Change::Listed(Kind::Tenant, vec![tenant("b", 1)])));
}

#[test]
fn an_object_with_flaws_is_kept_with_them() {
    let mut state = State::default();
    let flaws = |state: &State| -> Vec<String> {
        state.objects().iter().flat_map(|object| &object.flaws).map(ToString::to_string).collect()
    };
    state.apply(set(tenant("a", 1)));
    assert_eq!(flaws(&state).len(), 0);
    let misspelt = item("a", 2, &json!({"namespaces": ["a"], "domain": ["a.example.com"]}));
    assert_snapshot!(state.apply(set(misspelt)));
    let told = flaws(&state);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("tenants.partywall.dev/a: Tenant `a`: spec.domain = [\"a.example.com\"]: "),
        "{told:?}"
    );
    state.apply(set(item("b", 1, &json!("text"))));
    state.apply(set(item("c", 1, &Value::Null)));
    assert_eq!(names(&state), ["a", "b", "c"], "others may refer to them");
    assert_eq!(flaws(&state).len(), 3);
    assert_snapshot!(state.apply(set(tenant("a", 3))));
    assert_eq!(flaws(&state).len(), 2);
}

#[test]
fn the_tenant_label_is_all_that_counts_of_a_namespace() {
    let mut state = State::default();
    let labelled = |value: &str| namespace("a", &json!({"partywall.dev/tenant": "x", "team": value}));
    let set = |item| Change::Set(Kind::Namespace, Box::new(item));
    assert_eq!(state.apply(set(labelled("1"))), Effect::Namespaces);
    assert_nothing!(state.apply(set(labelled("2"))));
    assert_eq!(state.apply(set(namespace("a", &json!({})))), Effect::Namespaces);
    let listed = |items| Change::Listed(Kind::Namespace, items);
    assert_snapshot!(state.apply(listed(vec![namespace("b", &json!({}))])), "it completes what is known");
    assert_nothing!(state.apply(listed(vec![namespace("b", &json!({}))])));
    assert_eq!(state.apply(listed(Vec::new())), Effect::Namespaces);
    assert_nothing!(state.apply(Change::Gone(Kind::Namespace, "a".to_owned())));
}

fn compiled(state: &State) -> LiveCompiled {
    let today = jiff::civil::Date::constant(2026, 11, 20);
    let (objects, labelled) = (state.objects(), state.labelled());
    Declared { objects, labelled, today, ..Declared::default() }.compile().unwrap()
}

#[test]
fn the_label_decides_where_the_tenant_says_so() {
    let by_label = |generation| item("x", generation, &json!({"namespaceSelection": "Label"}));
    let owner = |state: &State, namespace: &str| match compiled(state).snapshot.owner(namespace) {
        Owner::Tenant(tenant) => tenant.name.to_string(),
        other @ (Owner::System | Owner::Unclaimed | Owner::Denied(_)) => format!("{other:?}"),
    };
    let labelled = |name: &str| namespace(name, &json!({"partywall.dev/tenant": "x"}));
    let put = |item| Change::Set(Kind::Namespace, Box::new(item));
    let mut state = State::default();
    state.apply(put(labelled("a")));
    assert_snapshot!(state.apply(set(by_label(1))));
    assert_eq!(owner(&state, "a"), "x");
    assert_eq!(owner(&state, "b"), "Unclaimed");
    assert_snapshot!(state.apply(put(labelled("b"))));
    assert_eq!(owner(&state, "b"), "x");
    assert!(state.missing_labels(&compiled(&state).snapshot).is_empty());
    assert_snapshot!(state.apply(put(namespace("b", &json!({})))), "the platform took it away");
    assert_eq!(owner(&state, "b"), "Unclaimed");
    assert_snapshot!(state.apply(Change::Gone(Kind::Namespace, "a".to_owned())));
    assert_eq!(owner(&state, "a"), "Unclaimed");
    let listed =
        Change::Listed(Kind::Namespace, vec![labelled("a"), labelled("b"), namespace("c", &json!({}))]);
    assert_snapshot!(state.apply(listed));
    assert_eq!(owner(&state, "b"), "x");
    state.apply(set(item("y", 1, &json!({"namespaces": ["b"]}))));
    assert!(owner(&state, "b").starts_with("Denied"), "{}", owner(&state, "b"));
    assert_eq!(owner(&state, "a"), "x");
    let both = item("x", 2, &json!({"namespaceSelection": "Label", "namespaces": ["a"]}));
    state.apply(set(both));
    assert!(owner(&state, "a").starts_with("Denied"), "nothing of it holds, and it has no last good form");
}

#[test]
fn listed_namespaces_lack_the_label_of_their_tenant_and_no_others_do() {
    let mut state = State::default();
    state.apply(set(item("x", 1, &json!({"namespaces": ["a", "b", "c", "absent"]}))));
    state.apply(Change::Listed(
        Kind::Namespace,
        vec![
            namespace("a", &json!({})),
            namespace("b", &json!({"partywall.dev/tenant": "another"})),
            namespace("c", &json!({"partywall.dev/tenant": "x"})),
            namespace("former", &json!({"partywall.dev/tenant": "x"})),
            namespace("kube-system", &json!({})),
        ],
    ));
    let missing = state.missing_labels(&compiled(&state).snapshot);
    let missing: Vec<_> =
        missing.iter().map(|label| (&*label.namespace, &*label.uid, &*label.tenant)).collect();
    assert_eq!(missing, [("a", "uid-a", "x"), ("b", "uid-b", "x")]);
}

#[test]
fn live_settings_win_field_by_field() {
    let mut state = State::default();
    let fields = |value: Value| value.as_object().unwrap().clone();
    assert!(settings(&state).is_none());
    state.apply(Change::Defaults(fields(json!({"enforcement": "Audit", "otherTaints": "Allow"}))));
    assert_eq!(settings(&state).unwrap(), json!({"enforcement": "Audit", "otherTaints": "Allow"}));
    let live =
        |generation, spec: Value| Change::Set(Kind::Settings, Box::new(item("default", generation, &spec)));
    assert_snapshot!(state.apply(live(1, json!({"enforcement": "Deny"}))));
    assert_eq!(settings(&state).unwrap(), json!({"enforcement": "Deny", "otherTaints": "Allow"}));
    assert_snapshot!(state.apply(Change::Defaults(fields(json!({"enforcement": "Warn"})))));
    assert_eq!(settings(&state).unwrap(), json!({"enforcement": "Deny"}));
    assert_snapshot!(state.apply(live(2, json!({"enforcment": "Audit"}))), "misspelt");
    assert_eq!(
        settings(&state).unwrap(),
        json!({"enforcement": "Warn"}),
        "without the flaw; the compiler takes the last good ones"
    );
    assert_snapshot!(state.apply(Change::Gone(Kind::Settings, "default".to_owned())));
    assert_eq!(settings(&state).unwrap(), json!({"enforcement": "Warn"}));
    assert_snapshot!(state.apply(Change::Defaults(Map::new())));
    assert!(settings(&state).is_none());
}

#[test]
fn a_list_without_settings_leaves_the_defaults() {
    let mut state = State::default();
    state.apply(Change::Defaults(json!({"enforcement": "Audit"}).as_object().unwrap().clone()));
    state.apply(Change::Listed(Kind::Settings, vec![item("default", 1, &json!({"enforcement": "Deny"}))]));
    assert_eq!(settings(&state).unwrap(), json!({"enforcement": "Deny"}));
    assert_snapshot!(state.apply(Change::Listed(Kind::Settings, Vec::new())));
    assert_eq!(settings(&state).unwrap(), json!({"enforcement": "Audit"}));
}

#[test]
fn a_label_that_a_namespace_has_had_is_lost() {
    let mut state = State::default();
    state.apply(set(tenant("a", 1)));
    let put = |labels: &Value| Change::Set(Kind::Namespace, Box::new(namespace("a", labels)));
    let lost = |state: &State| {
        let missing = state.missing_labels(&compiled(state).snapshot);
        missing.into_iter().map(|label| (label.is_lost, label.tenant_uid.to_string())).collect::<Vec<_>>()
    };
    state.apply(put(&json!({})));
    assert_eq!(lost(&state), [(false, "uid-a".to_owned())]);
    state.apply(put(&json!({"partywall.dev/tenant": "a"})));
    assert!(lost(&state).is_empty());
    for labels in [json!({}), json!({"partywall.dev/tenant": "b"})] {
        state.apply(put(&labels));
        assert_eq!(lost(&state), [(true, "uid-a".to_owned())]);
        state.apply(put(&labels));
        assert_eq!(lost(&state), [(true, "uid-a".to_owned())], "something else of it has changed");
        state.apply(put(&json!({"partywall.dev/tenant": "a"})));
    }
    state.apply(Change::Gone(Kind::Namespace, "a".to_owned()));
    state.apply(put(&json!({})));
    assert_eq!(lost(&state), [(false, "uid-a".to_owned())], "it is another one");
}

#[test]
fn a_new_status_is_told_and_makes_no_snapshot() {
    let mut state = State::default();
    let with_status = |generation, observed: i64| {
        let mut item = tenant("a", generation);
        item.status = json!({"observedGeneration": observed});
        item
    };
    assert_snapshot!(state.apply(set(with_status(1, 1))));
    assert_nothing!(state.apply(set(with_status(1, 1))));
    assert_eq!(state.apply(set(with_status(1, 2))), Effect::Statuses);
    assert_snapshot!(state.apply(set(with_status(2, 2))));
    let LiveCompiled { snapshot, states, .. } = compiled(&state);
    let snapshot = Arc::new(snapshot);
    let told = state.told(&states, &snapshot);
    let (name, object) = told.objects.first_key_value().unwrap();
    assert_eq!((name.kind, name.name.as_str()), ("Tenant", "a"));
    assert_eq!((&*object.uid, object.generation), ("uid-a", 2));
    assert_eq!(object.status.as_ref().unwrap().observed_generation, Some(2));
    let mut odd = tenant("a", 2);
    odd.status = json!({"conditions": "none"});
    assert_eq!(state.apply(set(odd)), Effect::Statuses, "what partywall did not write is replaced");
    assert_eq!(state.told(&states, &snapshot).objects[name].status, None);
}

#[test]
fn the_namespaces_of_a_tenant_are_counted() {
    let mut state = State::default();
    state.apply(set(item("x", 1, &json!({"namespaces": ["a", "b", "c", "absent"]}))));
    state.apply(set(item("y", 1, &json!({"namespaces": ["c"]}))));
    state.apply(set(item("z", 1, &json!({"namespaceSelection": "Label"}))));
    let labelled = |name: &str, tenant: &str| namespace(name, &json!({"partywall.dev/tenant": tenant}));
    let namespaces =
        vec![namespace("a", &json!({})), labelled("b", "x"), labelled("c", "x"), labelled("d", "z")];
    state.apply(Change::Listed(Kind::Namespace, namespaces));
    let LiveCompiled { snapshot, states, .. } = compiled(&state);
    let snapshot = Arc::new(snapshot);
    let told = state.told(&states, &snapshot);
    let counts = |name: &str| {
        let name = ObjectName { kind: "Tenant", name: name.to_owned() };
        let FoundNamespaces { claimed, found, labelled } = told.objects[&name].namespaces.clone().unwrap();
        [claimed, found, labelled]
    };
    assert_eq!(counts("x"), [3, 2, 1], "`c` is contested");
    assert_eq!(counts("y"), [0; 3]);
    assert_eq!(counts("z"), [1; 3]);
}

#[test]
fn settings_of_a_file_have_no_status() {
    let mut state = State::default();
    state.apply(Change::Defaults(json!({"enforcement": "Audit"}).as_object().unwrap().clone()));
    let told = |state: &State| {
        let LiveCompiled { snapshot, states, .. } = compiled(state);
        state.told(&states, &Arc::new(snapshot)).objects.len()
    };
    assert_eq!(told(&state), 0);
    state.apply(Change::Set(Kind::Settings, Box::new(item("default", 1, &json!({})))));
    assert_eq!(told(&state), 1);
}
