//! Mistakes of Exemptions, and what is only worth a warning.

use super::*;

#[test]
fn exemptions_are_checked() {
    const TARGET: &str = "target: {kind: DaemonSet, name: agent}, reason: why, expires: 2027-01-31";
    const WHOSE: &str = "tenant: a, rules: [pod-security], target: {kind: DaemonSet, name: agent}";
    assert_each_has_one(&[
        (
            "a blank reason",
            exemption(&format!("{{{WHOSE}, reason: \" \", expires: 2027-01-31}}")),
            "spec.reason",
            r#"" ""#,
            "says why it exists",
        ),
        (
            "no reason",
            exemption(&format!("{{{WHOSE}, expires: 2027-01-31}}")),
            "spec.reason",
            "",
            "missing field `reason`",
        ),
        (
            "no expiry",
            exemption(&format!("{{{WHOSE}, reason: why}}")),
            "spec.expires",
            "",
            "missing field `expires`",
        ),
        (
            "a date that is none",
            exemption(&format!("{{{WHOSE}, reason: why, expires: 2027-02-30}}")),
            "spec.expires",
            r#""2027-02-30""#,
            "`YYYY-MM-DD`",
        ),
        (
            "a date with a time",
            exemption(&format!("{{{WHOSE}, reason: why, expires: \"2027-01-31T12:00:00\"}}")),
            "spec.expires",
            r#""2027-01-31T12:00:00""#,
            "`YYYY-MM-DD`",
        ),
        (
            "nobody's",
            exemption(&format!("{{rules: [pod-security], {TARGET}}}")),
            "spec.tenant",
            "",
            "name a `tenant`",
        ),
        (
            "o9: another tenant's namespace",
            exemption(&format!("{{tenant: a, namespace: b, rules: [pod-security], {TARGET}}}")),
            "spec.namespace",
            r#""b""#,
            "none of tenant `a`'s namespaces",
        ),
        (
            "o9: a namespace outside tenants, of a tenant",
            exemption(&format!("{{tenant: a, namespace: x, rules: [pod-security], {TARGET}}}")),
            "spec.namespace",
            r#""x""#,
            "remove `tenant`",
        ),
        (
            "an unknown tenant",
            exemption(&format!("{{tenant: brvo, rules: [pod-security], {TARGET}}}")),
            "spec.tenant",
            r#""brvo""#,
            "there is no Tenant `brvo`, did you mean `bravo`?",
        ),
        (
            "a tenant's namespace",
            exemption(&format!("{{namespace: b, rules: [tolerations], {TARGET}}}")),
            "spec.namespace",
            r#""b""#,
            "this namespace is tenant `bravo`'s",
        ),
        (
            "a system namespace",
            exemption(&format!("{{namespace: kube-system, rules: [tolerations], {TARGET}}}")),
            "spec.namespace",
            r#""kube-system""#,
            "nothing to exempt",
        ),
        (
            "i14: a pattern",
            exemption(&format!("{{namespace: \"*\", rules: [tolerations], {TARGET}}}")),
            "spec.namespace",
            r#""*""#,
            "no patterns",
        ),
        (
            "no rules",
            exemption(&format!("{{tenant: a, rules: [], {TARGET}}}")),
            "spec.rules",
            "[]",
            "remove the Exemption",
        ),
        (
            "an unknown rule",
            exemption(&format!("{{tenant: a, rules: [tolerations, x], {TARGET}}}")),
            "spec.rules[1]",
            r#""x""#,
            "there is no rule `x`; the rules are `node-placement`",
        ),
        (
            "no containers",
            exemption(
                "{tenant: a, rules: [tolerations], reason: why, expires: 2027-01-31, \
          target: {kind: Pod, name: x, containers: []}}",
            ),
            "spec.target.containers",
            "[]",
            "leave the field out",
        ),
        (
            "no target kind",
            exemption(
                "{tenant: a, rules: [tolerations], reason: why, expires: 2027-01-31, \
          target: {kind: \"\", name: x}}",
            ),
            "spec.target.kind",
            r#""""#,
            "its kind and its exact name",
        ),
        (
            "no target name",
            exemption(
                "{tenant: a, rules: [tolerations], reason: why, expires: 2027-01-31, \
          target: {kind: Pod, name: \"\"}}",
            ),
            "spec.target.name",
            r#""""#,
            "its kind and its exact name",
        ),
    ]);
}

#[test]
fn o9_what_an_exemption_pins_is_checked() {
    const TARGET: &str = "target: {kind: DaemonSet, name: agent}";
    let of = |fields: &str| {
        exemption(&format!("{{tenant: a, namespace: a, reason: why, expires: 2027-01-31, {fields}}}"))
    };
    let with = |fields: &str| of(&format!("rules: [pod-security], {TARGET}, {fields}"));
    assert_each_has_one(&[
        ("no controls", with("controls: []"), "spec.controls", "[]", "leave the field out"),
        (
            "an unknown control",
            with("controls: [privileged, hostPathVolume]"),
            "spec.controls[1]",
            r#""hostPathVolume""#,
            "did you mean `hostPathVolumes`?",
        ),
        (
            "controls of another rule",
            of(&format!("rules: [tolerations], {TARGET}, controls: [privileged]")),
            "spec.controls",
            r#"["privileged"]"#,
            "`rules` does not list",
        ),
        ("no images", with("images: []"), "spec.images", "[]", "leave the field out"),
        (
            "a pattern of images",
            with("images: [registry.example.com/a, \"registry.example.com/*\"]"),
            "spec.images[1]",
            r#""registry.example.com/*""#,
            "no image",
        ),
        (
            "images of what runs none",
            of("rules: [ingress-hosts], target: {kind: Ingress, name: web}, images: [a]"),
            "spec.images",
            r#"["a"]"#,
            "run no images",
        ),
        ("no paths", with("hostPaths: []"), "spec.hostPaths", "[]", "leave the field out"),
        (
            "a relative path",
            with("hostPaths: [var/log]"),
            "spec.hostPaths[0]",
            r#""var/log""#,
            "begins with `/`",
        ),
        (
            "a way up",
            with("hostPaths: [/var/../etc]"),
            "spec.hostPaths[0]",
            r#""/var/../etc""#,
            "without `..`",
        ),
        (
            "a group with a version",
            of("rules: [pod-security], target: {group: apps/v1, kind: DaemonSet, name: agent}"),
            "spec.target.group",
            r#""apps/v1""#,
            "without a version",
        ),
        (
            "an injected container of any image",
            of("rules: [pod-security], target: {container: istio-init}"),
            "spec.images",
            "",
            "any container this name",
        ),
        (
            "a container of one object",
            of("rules: [pod-security], target: {kind: Pod, name: x, container: a}, images: [a]"),
            "spec.target.container",
            r#""a""#,
            "`containers`",
        ),
        (
            "a container of every Deployment",
            of("rules: [pod-security], target: {kind: Deployment, container: a}, images: [a]"),
            "spec.target.kind",
            r#""Deployment""#,
            "remove the kind",
        ),
        ("no name", of("rules: [pod-security], target: {kind: Pod}"), "spec.target.name", "", "exact name"),
        ("no kind", of("rules: [pod-security], target: {name: x}"), "spec.target.kind", "", "exact name"),
    ]);
    let good = "controls: [hostPathVolumes], images: [registry.example.com/a:1], hostPaths: [/var/log]";
    for good in
        [with(good), of("rules: [pod-security], target: {container: a}, images: [registry.example.com/a]")]
    {
        assert_eq!(load(&good).unwrap().warnings, []);
    }
}

#[test]
fn what_is_only_unwise_is_a_warning() {
    let of_exemption = |expires: &str| {
        exemption(&format!(
            "{{tenant: a, namespace: a, rules: [pod-security], controls: [privileged], \
             target: {{kind: Pod, name: x}}, reason: why, expires: {expires}}}"
        ))
    };
    let tenants = tenant("a", "{}");
    let rows: &[(&str, String, &str, &str)] = &[
        (
            "a12: a label that a kubelet may set",
            pool("p", "{nodeSelector: {tenant: a}, taints: [{key: x}]}") + &tenants,
            "spec.nodeSelector.tenant",
            "node-restriction.kubernetes.io/",
        ),
        (
            "a pool without taints",
            pool("p", "{nodeSelector: {node-restriction.kubernetes.io/a: b}}") + &tenants,
            "spec.taints",
            "without taints",
        ),
        (
            "two pools of the same nodes",
            good_pool("p")
                + &pool("q", "{nodeSelector: {node-restriction.kubernetes.io/pool: p}, taints: [{key: x}]}")
                + &tenants,
            "spec.nodeSelector",
            "these are the labels of NodePool `p`",
        ),
        (
            "`latest`",
            tenant("a", "{podSecurity: {level: baseline, version: latest}}"),
            "spec.podSecurity.version",
            "pin a version",
        ),
        (
            "a version of the future",
            tenant("a", "{podSecurity: {level: baseline, version: v1.99}}"),
            "spec.podSecurity.version",
            "newer than v1.37",
        ),
        (
            "ExternalName without names",
            tenant("a", "{services: {types: [ClusterIP, ExternalName]}}"),
            "spec.services.types",
            "`services.externalNames`",
        ),
        (
            "c8: schedulers without the default one",
            tenant("a", "{schedulers: [batch]}") + &settings("{controllers: {bindings: [batch]}}"),
            "spec.schedulers",
            "every pod must name its scheduler",
        ),
        (
            "c11: runtime classes without a default one",
            tenant("a", "{runtimeClasses: {allowed: [kata]}}"),
            "spec.runtimeClasses",
            "outside of any sandbox",
        ),
        ("an exemption past its date", of_exemption("2026-11-19"), "spec.expires", "no longer holds"),
        (
            "an exemption of what no rule is about",
            exemption(
                "{tenant: a, namespace: a, rules: [pod-security], target: {kind: daemonset, name: x}, reason: why, \
                 expires: 2027-01-31}",
            ),
            "spec.target.kind",
            "exempts nothing",
        ),
        ("an exemption that ends soon", of_exemption("2026-12-19"), "spec.expires", "ends within 30 days"),
        (
            "o9: an exemption of a whole tenant",
            exemption(
                "{tenant: a, rules: [pod-security], controls: [privileged], target: {kind: Pod, name: x}, \
                 reason: why, expires: 2027-01-31}",
            ),
            "spec.namespace",
            "in all namespaces of the tenant",
        ),
        (
            "o9: an exemption that pins nothing",
            exemption(
                "{tenant: a, namespace: a, rules: [pod-security], hostPaths: [/a], target: {kind: Pod, name: x}, \
                 reason: why, expires: 2027-01-31}",
            ),
            "spec.images",
            "whatever it runs",
        ),
        ("l16: no tenant", good_pool("p"), "kind", "there is no Tenant"),
    ];
    for (name, text, path, words) in rows {
        let found = load(text).unwrap_or_else(|error| panic!("{name}: {error}")).warnings;
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert!(found[0].path == *path && found[0].message.contains(words), "{name}: {}", found[0]);
        assert_style(&found[0]);
    }
}
