//! From files to a snapshot: every mistake is named, all of them at once, and the examples have none.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails panics")]
#![expect(clippy::disallowed_methods, reason = "a test writes its files")]

#[path = "config/classes.rs"]
mod classes;
#[path = "config/cross_checks.rs"]
mod cross_checks;
#[path = "config/exemptions.rs"]
mod exemptions;
#[path = "config/files.rs"]
mod files;
#[path = "config/fingerprints.rs"]
mod fingerprints;
#[path = "config/flaws.rs"]
mod flaws;
#[path = "config/pools.rs"]
mod pools;
#[path = "config/providers.rs"]
mod providers;
#[path = "config/scale.rs"]
mod scale;
#[path = "config/settings.rs"]
mod settings;
#[path = "config/structure.rs"]
mod structure;
#[path = "config/tenants.rs"]
mod tenants;

use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use partywall::policies::{self, LoadError, Loaded};
use partywall_core::api::{Level, Mistake, Mode, StampMode, Workloads};
use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::{Owner, PodSecurity};

const TODAY: Date = date(2026, 11, 20);

/// Loads one file with this text.
fn load(text: &str) -> Result<Loaded, LoadError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.yaml");
    std::fs::write(&file, text).unwrap();
    policies::load(&[file], TODAY)
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

/// Writes a Tenant; one whose spec names no namespaces gets one that is called like it.
fn tenant(name: &str, spec: &str) -> String {
    let start: String = name.chars().take(20).collect();
    match spec.strip_prefix('{') {
        Some(rest) if !spec.contains("namespaces:") => {
            object("Tenant", name, &format!("{{namespaces: [of-{start}], {rest}"))
        }
        _ => object("Tenant", name, spec),
    }
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
fn lists_whose_emptiness_is_plain_may_be_empty() {
    let spec = "{domains: [], tolerations: [], services: {externalIPs: [], externalNames: []}}";
    assert!(load(&tenant("a", spec)).unwrap().warnings.is_empty());
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
    let Err(error) = policies::load(&[folder.path().to_owned()], TODAY) else { panic!("there are mistakes") };
    let prefix = format!("{}/", folder.path().display());
    let text = error.to_string();
    let lines: Vec<_> = text.lines().map(|line| line.strip_prefix(&prefix).unwrap()).collect();
    let expected = [
        "a.yaml:5:40: Tenant `a`: spec.domains[0] = \"*\": ",
        "a.yaml:5:25: Tenant `a`: spec.namespaces[1] = \"Nu\": ",
        "a.yaml:5:54: Tenant `a`: spec.rules.x = \"deny\": ",
        "a.yaml:7:4: ",
        "b.json:2:73: NodePool `p`: spec.more = 2: ",
        "b.json:2:51: NodePool `p`: spec.nodeSelector.a = 1: ",
        "b.json:2:60: NodePool `p`: spec.taint = []: ",
        "c.yml:5:21: Tenant `c`: spec.namespaces[0] = \"nu\": ",
        // That `p` is broken is told once: who refers to it has made no mistake.
        "c.yml:10:40: Tenant `d`: spec.nodePools.default = \"q\": ",
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
    assert!(found[0].to_string().contains("policies.yaml:4:1: "), "{}", found[0]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let missing = PathBuf::from("/nowhere/policies");
    let error = policies::load(&[missing], TODAY).unwrap_err();
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
    for (address, is_in) in [("192.0.2.7", true), ("2001:db8::7", true), ("192.0.2.8", false)] {
        assert_eq!(tenant.services.external_ips.contain(address), is_in, "{address}");
    }
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
    for name in ["eks.yaml", "university.yaml", "sandboxed-customers.yaml", "saas.yaml", "charts.yaml"] {
        let loaded = policies::load(&[folder.join(name)], TODAY).unwrap_or_else(|error| panic!("{error}"));
        assert!(!loaded.snapshot.tenants().is_empty(), "{name}");
    }
    let together = policies::load(&[folder], TODAY).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(together.snapshot.tenants().len(), 14);
    let demo = policies::demo(TODAY).unwrap().snapshot;
    assert!(matches!(demo.owner("tenants-x"), Owner::Tenant(tenant) if tenant.pools.len() == 1));
}
