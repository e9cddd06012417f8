use jiff::civil::date;
use serde_json::json;

use super::*;

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "partywall.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn body(operation: &str, object: &Value, old: Option<&Value>) -> Vec<u8> {
    let kind = json!({"group": "partywall.dev", "version": "v1alpha1", "kind": object["kind"]});
    let request = json!({
        "uid": "u-1", "kind": kind, "operation": operation, "object": object, "oldObject": old,
        "userInfo": {"username": "alice"}, "dryRun": true,
    });
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
        .to_string()
        .into()
}

/// Returns the message of the denial and the warnings.
fn judged(object: &Value, declared: Option<&Declared>) -> (Option<String>, Vec<String>) {
    let body = body("CREATE", object, None);
    outcome(review(&body, declared.map_or(Known::NotYet, Known::Objects)).unwrap().verdict)
}

fn outcome(verdict: Verdict) -> (Option<String>, Vec<String>) {
    let message = verdict.denial.map(|denial| match denial {
        Denial::Undecidable(_, explanation) => explanation.message,
        Denial::Forbidden => String::new(),
    });
    (message, verdict.warnings)
}

fn written(objects: &[Value]) -> Declared {
    let objects = objects.iter().cloned().filter_map(decode).collect();
    Declared { objects, today: date(2026, 12, 1), ..Declared::default() }
}

fn tenant(name: &str, namespaces: &[&str], pool: &str) -> Value {
    object("Tenant", name, &json!({"namespaces": namespaces, "nodePools": {"default": pool}}))
}

#[test]
fn unknown_fields_are_denied_by_name_with_the_nearest_one() {
    let misspelt = object("Tenant", "a", &json!({"namespaces": ["a"], "priorityClases": ["low"]}));
    let (message, _) = judged(&misspelt, None);
    assert_eq!(
        message.unwrap(),
        "Tenant `a`: spec.priorityClases = [\"low\"]: unknown field `priorityClases`, did you mean \
         `priorityClasses`?"
    );
    let deep =
        object("Tenant", "a", &json!({"namespaces": ["a"], "nodePools": {"default": "x", "alowed": []}}));
    assert!(judged(&deep, None).0.unwrap().contains("did you mean `allowed`?"));
}

#[test]
fn all_mistakes_of_an_object_are_told_as_those_of_files_are() {
    let wrong = object("Tenant", "a", &json!({"namespaces": ["A!"], "domains": ["**.com"]}));
    let message = judged(&wrong, None).0.unwrap();
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(
        lines[0].starts_with("Tenant `a`: spec.domains[0] = \"**.com\": this is a public suffix"),
        "{message}"
    );
    assert!(lines[1].starts_with("Tenant `a`: spec.namespaces[0] = \"A!\": this is no name of a namespace"));
}

#[test]
fn what_refers_to_nothing_or_contests_something_is_admitted_with_a_warning() {
    let cluster = written(&[tenant("b", &["b", "shared"], "x")]);
    let (denied, warnings) = judged(&tenant("a", &["a", "shared"], "missing"), Some(&cluster));
    assert_eq!(denied, None);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("Conflict: spec.namespaces[1] = \"shared\": this namespace is claimed by")
    );
    assert!(
        warnings[1].starts_with("UnknownPool: spec.nodePools.default = \"missing\": there is no NodePool")
    );
    // An object does not contest anything with its own older self.
    let (denied, warnings) = judged(&tenant("b", &["b", "shared", "more"], "x"), Some(&cluster));
    assert_eq!((denied, warnings.len()), (None, 1), "{warnings:?}");
}

#[test]
fn exemptions_apply_before_their_tenants() {
    let spec = json!({
        "tenant": "later", "namespace": "later", "rules": ["tolerations"],
        "target": {"kind": "DaemonSet", "name": "agent"}, "reason": "an agent", "expires": "2027-12-01",
    });
    let exemption = object("Exemption", "agent", &spec);
    assert_eq!(judged(&exemption, None), (None, Vec::new()));
    let (denied, warnings) = judged(&exemption, Some(&written(&[])));
    assert_eq!(denied, None);
    assert!(warnings.iter().any(|warning| warning.starts_with("UnknownTenant: spec.tenant")), "{warnings:?}");
}

#[test]
fn what_was_stored_before_may_still_get_labels_and_end() {
    let old = object("Tenant", "a", &json!({"namespaces": ["A!"]}));
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!([]);
    new["status"] = json!({"conditions": []});
    let verdict = |new: &Value| {
        let body = body("UPDATE", new, Some(&old));
        outcome(review(&body, Known::NotYet).unwrap().verdict)
    };
    assert_eq!(verdict(&new), (None, Vec::new()));
    new["spec"]["namespaces"] = json!(["A!", "b"]);
    assert!(verdict(&new).0.is_some());
}

#[test]
fn what_the_api_server_adds_is_no_mistake() {
    let mut stored = tenant("a", &["a"], "x");
    stored["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    stored["metadata"]["uid"] = json!("1");
    stored["status"] = json!({"observedGeneration": 1});
    assert_eq!(judged(&stored, None), (None, Vec::new()));
    let mut generated = tenant("a", &["a"], "x");
    generated["metadata"] = json!({"generateName": "a-"});
    assert_eq!(judged(&generated, None), (None, Vec::new()));
}

#[test]
fn other_objects_and_other_bodies_are_not_judged_here() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
    let mut review_of_pod: Value = serde_json::from_slice(&body("CREATE", &pod, None)).unwrap();
    review_of_pod["request"]["kind"]["group"] = json!("");
    let bytes = review_of_pod.to_string();
    assert!(
        outcome(review(bytes.as_bytes(), Known::NotYet).unwrap().verdict)
            .0
            .unwrap()
            .contains("partywall.dev")
    );
    assert!(review(b"{}", Known::NotYet).is_err());
    let deletion = body("DELETE", &Value::Null, None);
    assert!(review(&deletion, Known::NotYet).unwrap().verdict.is_allowed());
}

/// Returns the message of the denial of the deletion of a NodePool.
fn deleted(pool: &str, known: Known<'_>) -> Option<String> {
    let kind = json!({"group": "partywall.dev", "version": "v1alpha1", "kind": "NodePool"});
    let old = object("NodePool", pool, &json!({"nodeSelector": {"pool": pool}}));
    // Of a collection: the request names no object.
    let request =
        json!({"uid": "u-1", "kind": kind, "operation": "DELETE", "object": null, "oldObject": old});
    let body = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let verdict = review(body.to_string().as_bytes(), known).unwrap().verdict;
    assert_eq!(may_change(&verdict), !verdict.is_allowed());
    outcome(verdict).0
}

#[test]
fn b13_a_node_pool_that_a_tenant_names_is_not_deleted() {
    let pool = object("NodePool", "x", &json!({"nodeSelector": {"pool": "x"}}));
    let mut cluster = written(&[tenant("a", &["a"], "x"), tenant("b", &["b"], "y"), pool]);
    assert_eq!(
        deleted("x", Known::Objects(&cluster)).unwrap(),
        "the NodePool `x` is named: Tenant `a` by spec.nodePools.default. Without it the label and the taints of its \
         nodes would be guarded no more. Change these fields or delete the Tenants first, then the NodePool"
    );
    assert_eq!(deleted("unnamed", Known::Objects(&cluster)), None);
    assert!(deleted("x", Known::NotYet).unwrap().contains("does not know yet"));
    assert_eq!(deleted("x", Known::Files), None);

    // A Tenant that was broken afterwards still has the pool.
    cluster.last_good = Arc::new(cluster.compile().unwrap().last_good);
    let broken = object("Tenant", "a", &json!({"namespaces": "a"}));
    cluster.objects.retain(|object| object.name.name != "a");
    cluster.objects.extend(decode(broken));
    assert!(deleted("x", Known::Objects(&cluster)).is_some());
    cluster.objects.retain(|object| object.name.name != "a");
    assert_eq!(deleted("x", Known::Objects(&cluster)), None);

    let many: Vec<Value> = (0..5).map(|index| tenant(&format!("t{index}"), &["a"], "x")).collect();
    assert!(deleted("x", Known::Objects(&written(&many))).unwrap().contains(", 2 more. Without"));
}

#[test]
fn settings_without_kube_system_are_admitted_with_a_warning() {
    let settings = |names: &[&str]| object("Settings", "default", &json!({"systemNamespaces": names}));
    let (denied, warnings) = judged(&settings(&["ingress"]), Some(&written(&[])));
    assert_eq!(denied, None);
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.starts_with("spec.systemNamespaces = [\"ingress\"]: without `kube-system`"), "{warning}");
    assert_eq!(judged(&settings(&["kube-system"]), Some(&written(&[]))), (None, Vec::new()));
}
