//! Mistakes of structure and of sense in one object, and what does not follow from them.

use super::*;

fn paths(text: &str) -> Vec<String> {
    mistakes(text).iter().map(|mistake| format!("{}{}", mistake.source, mistake.path)).collect()
}

/// The paths of the mistakes, the sources cut off.
fn assert_paths(rows: &[(&str, String, &[&str])]) {
    for (name, text, expected) in rows {
        let found: Vec<_> = mistakes(text).into_iter().map(|mistake| mistake.path).collect();
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn a_flaw_of_structure_hides_no_mistake_of_sense() {
    let gpu = good_pool("general") + &good_pool("gpu");
    let grant = |spec: &str| {
        gpu.clone() + &tenant("a", &format!("{{{spec}, tolerations: [{{key: pool, value: gpu}}]}}"))
    };
    let exemption = |spec: &str| {
        exemption(&format!(
            "{{{spec}, rules: [tolerations], target: {{kind: Pod, name: x}}, reason: why, expires: 2026-13-45}}"
        ))
    };
    assert_paths(&[
        ("an unknown field", tenant("a", "{quota: 3, domains: [\"*\"]}"), &["spec.domains[0]", "spec.quota"]),
        (
            "a bad word",
            tenant("a", "{podSecurity: {level: strict}, namespaces: [Nu]}"),
            &["spec.namespaces[0]", "spec.podSecurity.level"],
        ),
        (
            "a wrong type in an optional field",
            tenant("a", "{domains: x, namespaces: [Nu]}"),
            &["spec.domains", "spec.namespaces[0]"],
        ),
        (
            "an item: what is before it stands where it stood",
            tenant("a", "{namespaces: [Nu, 7]}"),
            &["spec.namespaces[0]", "spec.namespaces[1]"],
        ),
        ("a list that is empty only without it", tenant("a", "{namespaces: [7]}"), &["spec.namespaces[0]"]),
        (
            "labels that are none only without it",
            pool("p", "{nodeSelector: {a: 1}}"),
            &["spec.nodeSelector.a"],
        ),
        (
            "two taints that are the same only without it",
            pool(
                "p",
                "{nodeSelector: {a: b}, taints: [{key: a, effect: NoSchedul}, {key: a, effect: NoExecut}]}",
            ),
            &["spec.taints[0].effect", "spec.taints[1].effect"],
        ),
        (
            "pools that are none",
            grant("nodePools: {default: general, allowed: gpu}"),
            &["spec.nodePools.allowed"],
        ),
        ("pools misspelt", grant("nodePool: {default: gpu}"), &["spec.nodePool"]),
        ("an exemption for nobody", exemption("tennant: a"), &["spec.expires", "spec.tennant"]),
        (
            "metadata",
            tenant("a", "{domains: [\"*\"]}").replace("{name: a}", "{name: a, nam: b}"),
            &["metadata.nam", "spec.domains[0]"],
        ),
    ]);
}

#[test]
fn metadata_is_what_kubectl_shows_and_nothing_else() {
    let with = |fields: &str| tenant("a", "{}").replace("{name: a}", &format!("{{name: a, {fields}}}"));
    let shown = "labels: {a: b}, annotations: {a: b}, uid: x, resourceVersion: \"1\", generation: 1, \
                 creationTimestamp: null, managedFields: [], finalizers: [], ownerReferences: [], selfLink: x, \
                 deletionTimestamp: null, deletionGracePeriodSeconds: 0, generateName: a-";
    assert!(load(&with(shown)).is_ok());
    assert_each_has_one(&[
        ("misspelt", with("lables: {}"), "metadata.lables", "{}", "did you mean `labels`?"),
        ("a namespace", with("namespace: x"), "metadata.namespace", "\"x\"", "the cluster's"),
    ]);
}

#[test]
fn a_list_is_its_items() {
    let item = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: partywall.dev/v1alpha1, kind: Tenant, metadata: {{name: {name}}}, spec: {spec}}}"
        )
    };
    let list = |items: &str| {
        format!("apiVersion: v1\nkind: List\nmetadata: {{resourceVersion: \"\"}}\nitems: {items}\n")
    };
    let good = list(&format!(
        "[{}, {}]",
        item("a", "{namespaces: [a]}"),
        item("b", "{namespaces: [b], rules: {tolerations: off}}")
    ));
    assert_eq!(load(&good).unwrap().snapshot.tenants().len(), 2);
    let bad = list(&format!(
        "[{}, {}]",
        item("a", "{namespaces: [a]}"),
        item("b", "{namespaces: [b], rules: {tolerations: Off}, domains: [\"*\"]}")
    ));
    let found = mistakes(&bad);
    assert_eq!(found.len(), 2, "{found:#?}");
    for (mistake, path) in found.iter().zip(["spec.domains[0]", "spec.rules.tolerations"]) {
        assert_eq!((mistake.source.document, mistake.source.item, &*mistake.path), (1, Some(1), path));
        let text = mistake.to_string();
        assert!(text.contains("policies.yaml:4:") && text.contains(": Tenant `b`: spec."), "{mistake}");
    }
    assert_each_has_one(&[
        ("empty", list("[]"), "items", "[]", "holds no object"),
        ("no list", list("7"), "items", "7", "must be a list"),
        ("no items", "apiVersion: v1\nkind: List\n".to_owned(), "items", "", "missing field `items`"),
        (
            "another version",
            good.replace("v1\nkind", "v2\nkind"),
            "apiVersion",
            "\"v2\"",
            "write `apiVersion: v1`",
        ),
        ("an unknown field", good.clone() + "itmes: 1\n", "itmes", "1", "did you mean `items`?"),
    ]);
}

#[test]
fn words_are_shown_as_they_were_written() {
    let mode = |word: &str| settings(&format!("{{rules: {{tolerations: {word}}}}}"));
    assert!(load(&(tenant("a", "{}") + &mode("off"))).is_ok());
    const PATH: &str = "spec.rules.tolerations";
    assert_each_has_one(&[
        ("Off", mode("Off"), PATH, "\"Off\"", "unknown value `Off`, did you mean `off`?"),
        ("OFF", mode("OFF"), PATH, "\"OFF\"", "unknown value `OFF`, did you mean `off`?"),
        ("no", mode("no"), PATH, "\"no\"", "unknown value `no`"),
        ("false", mode("false"), PATH, "false", "must be one of `off`"),
        (
            "a label is no word",
            pool("p", "{nodeSelector: {a: off}}"),
            "spec.nodeSelector.a",
            "false",
            "put it in quotes",
        ),
    ]);
}

#[test]
fn paths_are_sorted_as_one_reads() {
    let domains = ["\"*\""; 11].join(", ");
    let found = paths(&tenant("a", &format!("{{domains: [{domains}]}}")));
    let end = |index: usize| found[index].ends_with(&format!("spec.domains[{index}]"));
    assert!(found.len() == 11 && (0..11).all(end), "{found:?}");
}

#[test]
fn what_cannot_be_read_may_hold_what_others_refer_to() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let refers = "{tenant: elsewhere, rules: [tolerations], target: {kind: Pod, name: x}, reason: why, \
        expires: 2027-01-01}";
    write("a.yaml", &(tenant("a", "{nodePools: {default: elsewhere}}") + &object("Exemption", "e", refers)));
    write("b.yaml", "");
    let error = policies::load(&[folder.path().to_owned()], TODAY).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    write("b.yaml", &good_pool("other"));
    let error = policies::load(&[folder.path().to_owned()], TODAY).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 2, "both references are wrong once all is read: {error}");
}
