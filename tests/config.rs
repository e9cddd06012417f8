//! From files to a snapshot: every mistake is named, all of them at once, and the examples have none.

use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use partywall::admission::rules::RuleId;
use partywall::admission::tenancy::{Owner, PodSecurity, Snapshot};
use partywall::api::{
    Level, Located, Mistake, Mode, NodePool, NodePoolSpec, NodePools, Object, Source, StampMode, Tenant,
    TenantSpec, Workloads,
};
use partywall::config::{self, LoadError, Loaded};

const TODAY: Date = date(2026, 11, 20);

/// Loads one file with this text.
fn load(text: &str) -> Result<Loaded, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.yaml");
    std::fs::write(&file, text).unwrap();
    config::load(&[file], TODAY)
}

fn mistakes(text: &str) -> Vec<Mistake> {
    match load(text) {
        Err(LoadError::Mistaken(mistakes)) => mistakes,
        other => panic!("there should be mistakes in {text}\n{other:?}"),
    }
}

fn pool(name: &str, spec: &str) -> String {
    object("NodePool", name, spec)
}

fn tenant(name: &str, spec: &str) -> String {
    object("Tenant", name, spec)
}

fn exemption(spec: &str) -> String {
    let tenants = tenant("a", "{namespaces: [a]}") + &tenant("bravo", "{namespaces: [b]}");
    tenants + &object("Exemption", "e", spec)
}

fn settings(spec: &str) -> String {
    object("Settings", "default", spec)
}

fn object(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: partywall.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

/// A pool without warnings.
fn good_pool(name: &str) -> String {
    pool(
        name,
        &format!(
            "{{nodeSelector: {{node-restriction.kubernetes.io/pool: {name}}}, taints: [{{key: pool, value: {name}}}]}}"
        ),
    )
}

/// A row of a table: what is wrong, the objects, the path, the value and words of the message.
type Row = (&'static str, String, &'static str, &'static str, &'static str);

/// Each row has exactly one mistake, at that path, with that value.
fn assert_each_has_one(rows: &[Row]) {
    for (name, text, path, value, words) in rows {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert_eq!((&*found[0].path, &*found[0].value), (*path, *value), "{name}: {}", found[0]);
        assert!(found[0].message.contains(words), "{name}: {}", found[0]);
        assert_style(&found[0]);
    }
}

/// Lower case, no full stop, one line.
fn assert_style(mistake: &Mistake) {
    let message = &mistake.message;
    assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
    assert!(
        message.starts_with(|c: char| !c.is_ascii_uppercase()) || message.starts_with("Node"),
        "{message}"
    );
}

#[test]
fn structural_mistakes_name_the_field_and_the_nearest_known_one() {
    assert_each_has_one(&[
        (
            "unknown field of the spec",
            tenant("a", "{namespace: [a]}"),
            "spec.namespace",
            r#"["a"]"#,
            "unknown field `namespace`, did you mean `namespaces`?",
        ),
        (
            "unknown field of a pool",
            pool("p", "{nodeSelectors: {a: b}, nodeSelector: {a: b}}"),
            "spec.nodeSelectors",
            r#"{"a":"b"}"#,
            "did you mean `nodeSelector`?",
        ),
        (
            "unknown nested field",
            tenant("a", "{podSecurity: {level: baseline, versoin: v1.30}}"),
            "spec.podSecurity.versoin",
            r#""v1.30""#,
            "did you mean `version`?",
        ),
        ("unknown field far from all", tenant("a", "{quota: 3}"), "spec.quota", "3", "the fields here are"),
        (
            "unknown field of the object",
            format!("{}stats: {{}}\n", tenant("a", "{}")),
            "stats",
            "{}",
            "unknown field `stats`",
        ),
        ("missing field", pool("p", "{taints: []}"), "spec.nodeSelector", "", "missing field `nodeSelector`"),
        (
            "missing nested field",
            tenant("a", "{nodePools: {}}"),
            "spec.nodePools.default",
            "",
            "missing field `default`",
        ),
        (
            "m12: a number for a label",
            pool("p", "{nodeSelector: {tenant: 1}}"),
            "spec.nodeSelector.tenant",
            "1",
            "must be a string, and YAML reads this as a number; put it in quotes",
        ),
        (
            "m12: a boolean for a label",
            pool("p", "{nodeSelector: {tenant: true}}"),
            "spec.nodeSelector.tenant",
            "true",
            "put it in quotes",
        ),
        (
            "m12: `yes` is a boolean to kubectl",
            pool("p", "{nodeSelector: {a.b/c: yes}}"),
            "spec.nodeSelector[a.b/c]",
            "true",
            "put it in quotes",
        ),
        (
            "null for a string",
            pool("p", "{nodeSelector: {tenant: }}"),
            "spec.nodeSelector.tenant",
            "null",
            "must be a string, not empty",
        ),
        (
            "a string for a list",
            tenant("a", "{namespaces: a}"),
            "spec.namespaces",
            r#""a""#,
            "must be a list, not a string",
        ),
        (
            "a number in a list",
            tenant("a", "{namespaces: [a, 7]}"),
            "spec.namespaces[1]",
            "7",
            "must be a string",
        ),
        (
            "a list for a map",
            tenant("a", "{nodePools: [p]}"),
            "spec.nodePools",
            r#"["p"]"#,
            "must be a map of fields, not a list",
        ),
        (
            "a string for a boolean",
            settings("{userNamespaces: \"no\"}"),
            "spec.userNamespaces",
            r#""no""#,
            "must be a boolean",
        ),
        (
            "an unknown word",
            tenant("a", "{podSecurity: {level: restrict}}"),
            "spec.podSecurity.level",
            r#""restrict""#,
            "did you mean `restricted`?; write one of `privileged`, `baseline`, `restricted`",
        ),
        (
            "a word in another case",
            settings("{stamp: both}"),
            "spec.stamp",
            r#""both""#,
            "did you mean `Both`?",
        ),
        (
            "a mode that is none",
            settings("{rules: {tolerations: enforce}}"),
            "spec.rules.tolerations",
            r#""enforce""#,
            "write one of `off`, `audit`, `warn`, `deny`",
        ),
        ("a number for a word", settings("{stamp: 3}"), "spec.stamp", "3", "must be one of `NodeAffinity`"),
        (
            "no spec",
            "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\n".to_owned(),
            "spec",
            "",
            "missing field `spec`",
        ),
        (
            "an empty spec",
            "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec:\n".to_owned(),
            "spec",
            "null",
            "must be a map of fields, not empty",
        ),
        (
            "no name",
            "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {}\nspec: {}\n".to_owned(),
            "metadata.name",
            "",
            "missing field `metadata.name`",
        ),
        (
            "no metadata",
            "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nspec: {}\n".to_owned(),
            "metadata.name",
            "",
            "missing field `metadata.name`",
        ),
        ("a name that is a number", tenant("7", "{}"), "metadata.name", "7", "must be a string"),
        ("an unknown kind", object("Tennant", "a", "{}"), "kind", r#""Tennant""#, "did you mean `Tenant`?"),
        (
            "another version",
            tenant("a", "{}").replace("v1alpha1", "v1"),
            "apiVersion",
            r#""partywall.dev/v1""#,
            "write `apiVersion: partywall.dev/v1alpha1`",
        ),
        ("no object", "- a\n- b\n".to_owned(), "", r#"["a","b"]"#, "this is no object"),
    ]);
}

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
            "a taint key",
            pool("p", "{nodeSelector: {a: b}, taints: [{key: -x}]}"),
            "spec.taints[0].key",
            r#""-x""#,
            "this key is refused",
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

#[test]
fn tenants_are_checked() {
    let long = "a".repeat(64);
    let pools = good_pool("general") + &good_pool("gpu");
    let with_pools = |spec: &str| pools.clone() + &tenant("a", spec);
    let two = |a: &str, b: &str| tenant("a", a) + &tenant("b", b);
    assert_each_has_one(&[
        (
            "i13: a namespace of two tenants",
            two("{namespaces: [nu]}", "{namespaces: [mu, nu]}"),
            "spec.namespaces[1]",
            r#""nu""#,
            "claimed by tenant `a`",
        ),
        (
            "a system namespace",
            tenant("a", "{namespaces: [kube-system]}"),
            "spec.namespaces[0]",
            r#""kube-system""#,
            "`systemNamespaces`",
        ),
        (
            "a namespace twice",
            tenant("a", "{namespaces: [nu, nu]}"),
            "spec.namespaces[1]",
            r#""nu""#,
            "listed twice",
        ),
        (
            "i14: a pattern",
            tenant("a", "{namespaces: [\"team-*\"]}"),
            "spec.namespaces[0]",
            r#""team-*""#,
            "no patterns",
        ),
        ("no namespaces", tenant("a", "{namespaces: []}"), "spec.namespaces", "[]", "leave the field out"),
        (
            "a15: a long name",
            tenant(&long, "{}"),
            "metadata.name",
            Box::leak(format!("{long:?}").into_boxed_str()),
            "at most 63",
        ),
        (
            "a name twice",
            two("{}", "{}").replace("name: b", "name: a"),
            "metadata.name",
            r#""a""#,
            "the second Tenant",
        ),
        (
            "an unknown default pool",
            with_pools("{nodePools: {default: genral}}"),
            "spec.nodePools.default",
            r#""genral""#,
            "there is no NodePool `genral`, did you mean `general`?",
        ),
        (
            "an unknown allowed pool",
            with_pools("{nodePools: {default: general, allowed: [gpu, x]}}"),
            "spec.nodePools.allowed[1]",
            r#""x""#,
            "there is no NodePool `x`",
        ),
        (
            "no allowed pools",
            with_pools("{nodePools: {default: general, allowed: []}}"),
            "spec.nodePools.allowed",
            "[]",
            "leave the field out",
        ),
        (
            "an unparsable domain",
            tenant("a", "{domains: [a.example.com, \"*\"]}"),
            "spec.domains[1]",
            r#""*""#,
            "`*.example.com` (one label below)",
        ),
        (
            "a domain that is an address",
            tenant("a", "{domains: [10.0.0.1]}"),
            "spec.domains[0]",
            r#""10.0.0.1""#,
            "IP address",
        ),
        (
            "g30: the same domain",
            two("{domains: [x.example.com]}", "{domains: [X.example.com]}"),
            "spec.domains[0]",
            r#""X.example.com""#,
            "overlaps with `x.example.com` of tenant `a`",
        ),
        (
            "g30: a host below `*`",
            two("{domains: [\"*.example.com\"]}", "{domains: [x.example.com]}"),
            "spec.domains[0]",
            r#""x.example.com""#,
            "overlaps with `*.example.com` of tenant `a`",
        ),
        (
            "g30: a host below `**`",
            two("{domains: [a.b.example.com]}", "{domains: [\"**.example.com\"]}"),
            "spec.domains[0]",
            r#""a.b.example.com""#,
            "overlaps with `**.example.com` of tenant `b`",
        ),
        (
            "g30: `*` and `**`",
            two("{domains: [\"*.example.com\"]}", "{domains: [\"**.example.com\"]}"),
            "spec.domains[0]",
            r#""*.example.com""#,
            "overlaps with `**.example.com` of tenant `b`",
        ),
        (
            "a version that is none",
            tenant("a", "{podSecurity: {level: baseline, version: \"1.30\"}}"),
            "spec.podSecurity.version",
            r#""1.30""#,
            "write `v1.N`",
        ),
        (
            "a version with a patch",
            tenant("a", "{podSecurity: {level: baseline, version: v1.30.2}}"),
            "spec.podSecurity.version",
            r#""v1.30.2""#,
            "write `v1.N`",
        ),
        (
            "no service types",
            tenant("a", "{services: {types: []}}"),
            "spec.services.types",
            "[]",
            "leave the field out",
        ),
        (
            "an unknown service type",
            tenant("a", "{services: {types: [Loadbalancer]}}"),
            "spec.services.types[0]",
            r#""Loadbalancer""#,
            "did you mean `LoadBalancer`?",
        ),
        (
            "an external IP that is none",
            tenant("a", "{services: {externalIPs: [192.0.2.1, 192.0.2]}}"),
            "spec.services.externalIPs[1]",
            r#""192.0.2""#,
            "neither an address nor a range",
        ),
        (
            "an external name in the cluster",
            tenant("a", "{services: {externalNames: [db.other.svc.cluster.local]}}"),
            "spec.services.externalNames[0]",
            r#""db.other.svc.cluster.local""#,
            "other tenants' among them",
        ),
        (
            "an external name above the cluster",
            tenant("a", "{services: {externalNames: [\"**.local\"]}}"),
            "spec.services.externalNames[0]",
            r#""**.local""#,
            "cluster.local",
        ),
        (
            "an external name like an address",
            tenant("a", "{services: {externalNames: [\"127.1\"]}}"),
            "spec.services.externalNames[0]",
            r#""127.1""#,
            "IP address",
        ),
        (
            "an external name that is none",
            tenant("a", "{services: {externalNames: [\"a b\"]}}"),
            "spec.services.externalNames[0]",
            r#""a b""#,
            "no DNS name",
        ),
        (
            "a toleration without a key",
            tenant("a", "{tolerations: [{key: \"\", operator: Exists}]}"),
            "spec.tolerations[0].key",
            r#""""#,
            "every taint of every node",
        ),
        (
            "a toleration with `Exists` and a value",
            tenant("a", "{tolerations: [{key: x, operator: Exists, value: v}]}"),
            "spec.tolerations[0].value",
            r#""v""#,
            "`Exists` takes no value",
        ),
        (
            "a toleration that reaches a foreign pool",
            with_pools(
                "{nodePools: {default: general}, tolerations: [{key: pool, value: gpu, effect: NoSchedule}]}",
            ),
            "spec.tolerations[0]",
            r#"{"key":"pool","value":"gpu","effect":"NoSchedule"}"#,
            "a taint of NodePool `gpu`",
        ),
        (
            "a toleration that reaches all pools",
            with_pools("{nodePools: {default: general}, tolerations: [{key: pool, operator: Exists}]}"),
            "spec.tolerations[0]",
            r#"{"key":"pool","operator":"Exists"}"#,
            "a taint of NodePool `gpu`",
        ),
        (
            "an unknown rule",
            tenant("a", "{rules: {ingres-hosts: warn}}"),
            "spec.rules.ingres-hosts",
            r#""warn""#,
            "did you mean `ingress-hosts`?",
        ),
    ]);
}

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
            "two parties'",
            exemption(&format!("{{tenant: a, namespace: x, rules: [pod-security], {TARGET}}}")),
            "spec.namespace",
            r#""x""#,
            "remove one of the two",
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
fn what_is_only_unwise_is_a_warning() {
    let of_exemption = |expires: &str| {
        exemption(&format!(
            "{{tenant: a, rules: [pod-security], target: {{kind: Pod, name: x}}, reason: why, expires: {expires}}}"
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
        ("an exemption past its date", of_exemption("2026-11-19"), "spec.expires", "no longer holds"),
        ("l16: no tenant", good_pool("p"), "kind", "there is no Tenant"),
    ];
    for (name, text, path, words) in rows {
        let found = load(text).unwrap_or_else(|error| panic!("{name}: {error}")).warnings;
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
        assert!(found[0].path == *path && found[0].message.contains(words), "{name}: {}", found[0]);
        assert_style(&found[0]);
    }
}

#[test]
fn lists_whose_emptiness_is_plain_may_be_empty() {
    let spec = "{domains: [], tolerations: [], services: {externalIPs: [], externalNames: []}}";
    assert!(load(&tenant("a", spec)).unwrap().warnings.is_empty());
    assert!(load("").unwrap().snapshot.tenants().is_empty());
}

#[test]
fn an_exemption_holds_on_its_last_day_and_is_dropped_after_it() {
    let text = |tenant: &str, day: &str| {
        exemption(&format!(
            "{{{tenant}, rules: [tolerations], target: {{kind: Pod, name: x}}, reason: why, expires: {day}}}"
        ))
    };
    for (day, count) in [("2026-11-19", 0), ("2026-11-20", 1)] {
        let snapshot = load(&text("tenant: a", day)).unwrap().snapshot;
        assert_eq!(snapshot.exemptions(snapshot.owner("a"), "a").len(), count, "{day}");
        let snapshot = load(&text("namespace: monitoring", day)).unwrap().snapshot;
        assert_eq!(snapshot.exemptions(snapshot.owner("monitoring"), "monitoring").len(), count, "{day}");
    }
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once_and_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "a.yaml",
        &(tenant("a", "{namespaces: [nu, Nu], domains: [\"*\"], rules: {x: deny}}") + "---\na: [1\n"),
    );
    write(
        "b.json",
        r#"{"apiVersion": "partywall.dev/v1alpha1", "kind": "NodePool", "metadata": {"name": "p"},
                        "spec": {"nodeSelector": {"a": 1}, "taint": [], "more": 2}}"#,
    );
    write(
        "c.yml",
        &(tenant("c", "{namespaces: [nu], nodePools: {default: p}}")
            + &tenant("d", "{nodePools: {default: q}}")),
    );
    write("ignored.txt", "{");
    write(".hidden.yaml", "{");
    let Err(error) = config::load(&[folder.path().to_owned()], TODAY) else { panic!("there are mistakes") };
    let prefix = format!("{}/", folder.path().display());
    let text = error.to_string();
    let lines: Vec<_> = text.lines().map(|line| line.strip_prefix(&prefix).unwrap()).collect();
    let expected = [
        "a.yaml#1: spec.domains[0] = \"*\": ",
        "a.yaml#1: spec.namespaces[1] = \"Nu\": ",
        "a.yaml#1: spec.rules.x = \"deny\": ",
        "a.yaml#2: line ",
        "b.json#1: spec.more = 2: ",
        "b.json#1: spec.nodeSelector.a = 1: ",
        "b.json#1: spec.taint = []: ",
        "c.yml#1: spec.namespaces[0] = \"nu\": ",
        // That `p` is broken is told once: who refers to it has made no mistake.
        "c.yml#2: spec.nodePools.default = \"q\": ",
    ];
    assert_eq!(lines.len(), expected.len(), "{text}");
    for (line, start) in lines.iter().zip(expected) {
        assert!(line.starts_with(start), "{line}\nshould begin with\n{start}");
    }
}

#[test]
fn a_syntax_error_names_file_line_and_column() {
    let found = mistakes("# one\n---\nkind: Tenant\nkind: Tenant\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].source.path.ends_with("policies.yaml"));
    assert_eq!(found[0].path, "line 4, column 1");
}

#[test]
fn what_cannot_be_read_is_named() {
    let missing = PathBuf::from("/nowhere/policies");
    let error = config::load(&[missing], TODAY).unwrap_err();
    assert!(error.to_string().starts_with("`/nowhere/policies` cannot be read: "), "{error}");
}

#[test]
fn objects_may_come_in_any_order_and_from_several_files() {
    let texts = [
        tenant("b", "{namespaces: [b], nodePools: {default: p}}"),
        good_pool("p"),
        tenant("a", "{namespaces: [a]}"),
    ];
    let forward = load(&texts.concat()).unwrap().snapshot;
    let backward = load(&texts.iter().rev().cloned().collect::<String>()).unwrap().snapshot;
    for snapshot in [forward, backward] {
        let names: Vec<_> = snapshot.tenants().iter().map(|tenant| &*tenant.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(matches!(snapshot.owner("b"), Owner::Tenant(tenant) if &*tenant.name == "b"));
    }
}

#[test]
fn what_is_written_is_what_is_compiled() {
    let text = good_pool("general")
        + &good_pool("gpu")
        + &settings(
            "{stamp: NodeSelector, userNamespaces: true, rules: {tolerations: audit, pod-security: warn}}",
        )
        + &tenant(
            "a",
            "{namespaces: [a], nodePools: {default: gpu, allowed: [general, gpu]}, \
              podSecurity: {level: restricted, version: v1.30}, \
              services: {types: [LoadBalancer], externalIPs: [192.0.2.7, \"2001:db8::/32\"]}, \
              rules: {pod-security: off}}",
        );
    let Loaded { snapshot, warnings } = load(&text).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(
        (snapshot.stamp, snapshot.user_namespaces, snapshot.workloads),
        (StampMode::NodeSelector, true, Workloads::Warn)
    );
    assert!(matches!(snapshot.owner("kube-system"), Owner::System));
    assert!(matches!(snapshot.owner("elsewhere"), Owner::Unclaimed));
    assert_eq!(snapshot.modes.of(RuleId::Tolerations), Mode::Audit);
    assert_eq!(snapshot.modes.of(RuleId::NodePlacement), Mode::Deny);
    let tenant = &snapshot.tenants()[0];
    assert_eq!(tenant.modes.of(RuleId::Tolerations), Mode::Audit);
    assert_eq!(tenant.modes.of(RuleId::PodSecurity), Mode::Off);
    let pools: Vec<_> = snapshot.pools_of(tenant).map(|pool| &*pool.name).collect();
    assert_eq!(pools, ["gpu", "general"]);
    assert_eq!(tenant.pod_security, PodSecurity { level: Level::Restricted, minor: 30 });
    assert_eq!(tenant.services.external_ips.len(), 2);
}

#[test]
fn without_podsecurity_baseline_latest_holds() {
    let snapshot = load(&tenant("a", "{}")).unwrap().snapshot;
    let expected = PodSecurity { level: Level::Baseline, minor: PodSecurity::LATEST };
    assert_eq!(snapshot.tenants()[0].pod_security, expected);
}

#[test]
fn the_examples_load_each_and_all_together() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/examples");
    for name in ["eks.yaml", "university.yaml", "sandboxed-customers.yaml"] {
        let loaded = config::load(&[folder.join(name)], TODAY).unwrap_or_else(|error| panic!("{error}"));
        assert!(!loaded.snapshot.tenants().is_empty(), "{name}");
    }
    let together = config::load(&[folder], TODAY).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(together.snapshot.tenants().len(), 7);
    let demo = config::demo(TODAY).unwrap().snapshot;
    assert!(matches!(demo.owner("tenants-x"), Owner::Tenant(tenant) if tenant.pools.len() == 1));
}

#[test]
fn a_fingerprint_changes_with_what_would_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().to_owned()];
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.yaml", "a");
    let first = config::fingerprint(&paths, TODAY);
    assert_eq!(first, config::fingerprint(&paths, TODAY));
    assert_ne!(first, config::fingerprint(&paths, TODAY.tomorrow().unwrap()), "another day");
    write("notes.txt", "a");
    assert_eq!(first, config::fingerprint(&paths, TODAY), "no policies");
    write("a.yaml", "ab");
    let changed = config::fingerprint(&paths, TODAY);
    assert_ne!(first, changed, "another length");
    write("b.yaml", "");
    let added = config::fingerprint(&paths, TODAY);
    assert_ne!(changed, added, "another file");
    std::fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert_ne!(added, config::fingerprint(&paths, TODAY), "a file less");
}

/// A kubelet updates a mounted ConfigMap by swapping the folder behind `..data`.
#[test]
fn a_fingerprint_follows_symlinks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for version in ["..1", "..2"] {
        std::fs::create_dir(root.join(version)).unwrap();
        std::fs::write(root.join(version).join("a.yaml"), tenant("a", "{}")).unwrap();
    }
    std::os::unix::fs::symlink("..1", root.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    let paths = [root.to_owned()];
    let before = config::fingerprint(&paths, TODAY);
    assert_eq!(config::load(&paths, TODAY).unwrap().snapshot.tenants().len(), 1, "nothing is read twice");
    std::os::unix::fs::symlink("..2", root.join("..tmp")).unwrap();
    std::fs::rename(root.join("..tmp"), root.join("..data")).unwrap();
    assert_ne!(before, config::fingerprint(&paths, TODAY));
}

/// As many tenants with a namespace and ten domains each, and a pool for every hundred.
fn many(tenants: usize) -> Vec<Located> {
    let at = |document| Source { path: "many.yaml".to_owned(), document };
    let pools = (0..tenants.div_ceil(100)).map(|index| {
        let name = format!("pool-{index}");
        let node_selector = [("node-restriction.kubernetes.io/pool".to_owned(), name.clone())].into();
        let taints =
            vec![partywall::api::Taint { key: "pool".to_owned(), value: Some(name.clone()), effect: None }];
        Object::NodePool(Box::new(NodePool::new(&name, NodePoolSpec { node_selector, taints })))
    });
    let tenants = (0..tenants).map(|index| {
        let spec = TenantSpec {
            namespaces: Some(vec![format!("tenant-{index}")]),
            node_pools: Some(NodePools { default: format!("pool-{}", index / 100), allowed: None }),
            domains: (0..9)
                .map(|host| format!("host-{host}.tenant-{index}.apps.example.com"))
                .chain([format!("**.deep.tenant-{index}.apps.example.com")])
                .collect(),
            pod_security: None,
            services: None,
            tolerations: Vec::new(),
            rules: [("pod-security".to_owned(), Mode::Warn)].into(),
        };
        Object::Tenant(Box::new(Tenant::new(&format!("tenant-{index}"), spec)))
    });
    pools.chain(tenants).zip(1..).map(|(object, document)| Located { source: at(document), object }).collect()
}

#[test]
fn many_tenants_compile() {
    let compiled = Snapshot::compile(many(2_000), TODAY).unwrap();
    assert!(compiled.warnings.is_empty());
    assert_eq!(compiled.snapshot.tenants().len(), 2_000);
    assert_eq!(compiled.snapshot.namespace_count(), 2_004);
}

/// The same tenants twice: every name, namespace and domain is a mistake, and there is no end of suggestions.
#[test]
fn many_mistakes_are_found_as_fast() {
    let mut objects = many(2_000);
    for located in &mut objects {
        if let Object::Tenant(tenant) = &mut located.object {
            tenant.spec.node_pools = Some(NodePools { default: "pol-1".to_owned(), allowed: None });
            tenant.spec.domains.push("shared.example.com".to_owned());
        }
    }
    let mistakes = Snapshot::compile(objects, TODAY).unwrap_err();
    assert_eq!(mistakes.len(), 2_000 + 1_999);
    assert!(mistakes.is_sorted());
}
