//! Manifests of other projects, and situations that people reported.

use super::*;

/// Checks a manifest of `tests/check/cases`, in namespace `t` if it names none.
fn case(name: &str, policies: &str, args: &[&str]) -> Output {
    let path = |name: &str| format!("tests/check/cases/{name}.yaml");
    let (name, policies) = (path(name), path(policies));
    check(&[&[&*name, "--policies", &policies], args].concat())
}

#[test]
fn a_namespace_with_a_foreign_label_is_denied() {
    let output = case("namespace", "tenant-t", &[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for field in [
        "metadata.labels[partywall.dev/tenant]: this namespace belongs to tenant `t`",
        "metadata.labels[pod-security.kubernetes.io/enforce]: only the platform team",
        "metadata.annotations[scheduler.alpha.kubernetes.io/node-selector]: only the platform team",
    ] {
        assert!(text.contains(field), "{text}");
    }
    assert!(text.contains("(rule namespaces)") && text.ends_with("1 object: 0 clean, 1 denied\n"), "{text}");
}

#[test]
fn the_note_about_unclaimed_namespaces_names_every_rule_that_holds_there() {
    // One keeps all pods away from its node, the other all pods from nodes of one system.
    for (name, policies, namespace) in
        [("note", "tenant-t", "nowhere"), ("check-message", "check-custom.policies", "tools")]
    {
        let output = case(name, policies, &["-n", namespace]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {text}");
        assert!(text.contains("(rule pod-affinity)"), "{name}: {text}");
        let (_, note) = text.split_once(&format!("namespaces of no tenant (`{namespace}`): only ")).unwrap();
        let (rules, _) = note.split_once(" hold there").unwrap();
        let denied = text.split("(rule ").skip(1).map(|rest| rest.split([')', ',']).next().unwrap());
        for rule in denied {
            assert!(rules.split(", ").any(|other| other == rule), "{rule} is not in: {rules}");
        }
    }
}

#[test]
fn an_exemption_in_use_is_named() {
    let output = case("exempt-pod", "tenant-t-with-exemption", &["-n", "t"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.starts_with("exempt: tests/check/cases/exempt-pod.yaml: Pod t/agent of tenant `t`\n"),
        "{text}"
    );
    assert!(text.contains("\n  allowed in part by Exemption `agent`\n"), "{text}");
    assert!(text.ends_with("1 object: 1 clean\nExemptions in use: `agent` by 1 object\n"), "{text}");
    let without = case("exempt-pod", "tenant-t", &["-n", "t"]);
    assert_eq!(without.status.code(), Some(1));
    assert!(!stdout(&without).contains("Exemption"), "{}", stdout(&without));
}

#[test]
fn a_privileged_pod_in_a_namespace_of_nobody_that_is_labelled_is_found() {
    let output = case("check-custom.manifests", "check-custom.policies", &["-o", "json"]);
    let lines = lines(&output);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let namespace = lines.iter().find(|line| line["kind"] == "Namespace").unwrap();
    assert!(violates(namespace, "namespaces", "metadata.labels[partywall.dev/tenant]"), "{namespace}");
    let warning = namespace["warnings"][0].to_string();
    assert!(warning.contains("every object there is denied"), "{namespace}");
}

#[test]
fn templates_of_other_kinds_are_judged_where_the_settings_list_these() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("policies.yaml");
    let policies =
        std::fs::read_to_string(root().join("tests/check/cases/check-custom.policies.yaml")).unwrap();
    let settings = "---\napiVersion: partywall.dev/v1alpha1\nkind: Settings\nmetadata: {name: default}\nspec:\n  \
        workloadKinds:\n  - {group: argoproj.io, kind: Rollout, resource: rollouts, template: .spec.template}\n  \
        - {group: serving.knative.dev, kind: Service, resource: services, template: .spec.template}\n";
    std::fs::write(&path, policies + settings).unwrap();
    let output = check(&[
        "-o",
        "json",
        "--policies",
        path.to_str().unwrap(),
        "tests/check/cases/check-custom.manifests.yaml",
    ]);
    let lines = lines(&output);
    for (kind, name) in [("Rollout", "shop"), ("Service", "hello")] {
        let line = lines.iter().find(|line| line["kind"] == kind && line["name"] == name).unwrap();
        assert_eq!(line["podsAllowed"], false, "{line}");
        let field = "spec.template.spec.containers[0].securityContext.privileged";
        assert!(violates(line, "pod-security", field), "{line}");
    }
}
