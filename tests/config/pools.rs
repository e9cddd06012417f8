//! Mistakes of Settings and NodePools.

use super::*;

#[test]
fn settings_are_checked() {
    assert_each_has_one(&[
        (
            "an unknown rule",
            settings("{rules: {pod-securty: warn}}"),
            "spec.rules.pod-securty",
            r#""warn""#,
            "there is no rule `pod-securty`, did you mean `pod-security`?",
        ),
        (
            "another name",
            object("Settings", "other", "{}"),
            "metadata.name",
            r#""other""#,
            "its name is `default`",
        ),
        (
            "a second one",
            settings("{}") + &settings("{}"),
            "metadata.name",
            r#""default""#,
            "the second Settings of that name",
        ),
        (
            "no system namespaces",
            settings("{systemNamespaces: []}"),
            "spec.systemNamespaces",
            "[]",
            "an empty list",
        ),
        (
            "i14: a pattern",
            settings("{systemNamespaces: [\"kube-*\"]}"),
            "spec.systemNamespaces[0]",
            r#""kube-*""#,
            "no patterns",
        ),
        (
            "one twice",
            settings("{systemNamespaces: [a, a]}"),
            "spec.systemNamespaces[1]",
            r#""a""#,
            "listed twice",
        ),
    ]);
}

#[test]
fn pools_are_checked() {
    let long = "a".repeat(64);
    assert_each_has_one(&[
        ("no labels", pool("p", "{nodeSelector: {}}"), "spec.nodeSelector", "{}", "name at least one label"),
        (
            "a15: a label key",
            pool("p", "{nodeSelector: {\"a b\": c}}"),
            "spec.nodeSelector[a b]",
            r#""c""#,
            "this key is refused",
        ),
        (
            "a15: a label value",
            pool("p", "{nodeSelector: {a: b/c}}"),
            "spec.nodeSelector.a",
            r#""b/c""#,
            "this value is refused",
        ),
        (
            "a15: a long label value",
            pool("p", &format!("{{nodeSelector: {{a: {long}}}}}")),
            "spec.nodeSelector.a",
            Box::leak(format!("{long:?}").into_boxed_str()),
            "this value is refused",
        ),
        (
            "no runtime classes",
            pool("p", "{nodeSelector: {a: b}, runtimeClasses: []}"),
            "spec.runtimeClasses",
            "[]",
            "leave the field out",
        ),
        (
            "a runtime class",
            pool("p", "{nodeSelector: {a: b}, runtimeClasses: [kata, gVisor]}"),
            "spec.runtimeClasses[1]",
            r#""gVisor""#,
            "this is no name of an object",
        ),
        (
            "a taint key",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: -x}]}"),
            "spec.taints[0].key",
            r#""-x""#,
            "this key is refused",
        ),
        (
            "b9: a taint of Kubernetes' own",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: node.kubernetes.io/unschedulable}]}"),
            "spec.taints[0].key",
            r#""node.kubernetes.io/unschedulable""#,
            "Kubernetes' own",
        ),
        (
            "no taint key",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: \"\"}]}"),
            "spec.taints[0].key",
            r#""""#,
            "this key is refused",
        ),
        (
            "a taint value",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: x, value: \"v z\"}]}"),
            "spec.taints[0].value",
            r#""v z""#,
            "this value is refused",
        ),
        (
            "a taint effect",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: x, effect: NoSchedul}]}"),
            "spec.taints[0].effect",
            r#""NoSchedul""#,
            "did you mean `NoSchedule`?",
        ),
        (
            "a taint twice",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: x, value: v}, {key: x, value: z}]}"),
            "spec.taints[1]",
            r#"{"key":"x","value":"z"}"#,
            "one taint of a key and an effect",
        ),
        (
            "a shared taint",
            good_pool("p")
                + &pool("q", "{nodeSelector: {a: q}, taints: [{key: pool, value: p, effect: NoExecute}]}"),
            "spec.taints[0]",
            r#"{"key":"pool","value":"p","effect":"NoExecute"}"#,
            "NodePool `p`",
        ),
        (
            "a name twice",
            good_pool("p") + &pool("p", "{nodeSelector: {a: b}, taints: [{key: x}]}"),
            "metadata.name",
            r#""p""#,
            "the second NodePool of that name",
        ),
        (
            "a name that is none",
            pool("P_1", "{nodeSelector: {a: b}}"),
            "metadata.name",
            r#""P_1""#,
            "no name of an object",
        ),
    ]);
}
