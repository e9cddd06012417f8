//! `explain --namespace`, `--tenant` and `--settings`: what holds, and where that is written.

use super::*;

const POLICIES: &str = "tests/fixtures/explain/policies.yaml";

fn explain(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    for flag in ["NAMESPACE", "OUTPUT", "SETTINGS", "TENANT"] {
        command.env_remove(format!("PARTYWALL_{flag}"));
    }
    command.arg("explain").args(args).args(["--policies", POLICIES]).current_dir(root()).output().unwrap()
}

fn text(args: &[&str]) -> String {
    let output = explain(args);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&text(&[args, &["-o", "json"]].concat())).unwrap()
}

#[test]
fn a_tenants_namespace_has_the_sum_of_defaults_settings_class_and_tenant() {
    insta::assert_snapshot!("namespace", text(&["--namespace", "shop-acme-test"]));
}

#[test]
fn a_tenant_without_a_class_is_limited_by_the_settings_enforcement() {
    insta::assert_snapshot!("tenant", text(&["--tenant", "lab"]));
}

#[test]
fn settings_are_told_with_what_the_provider_adds_and_what_is_not_trusted() {
    insta::assert_snapshot!("settings", text(&["--settings"]));
}

#[test]
fn unclaimed_and_system_namespaces_say_what_holds_in_them() {
    insta::assert_snapshot!("unclaimed", text(&["-n", "monitoring"]));
    insta::assert_snapshot!("system", text(&["-n", "amazon-guardduty"]));
}

/// The modes are those by which the server decides, and each names the line on which it is written.
#[test]
fn programs_read_the_same_as_json() {
    let told = json(&["-n", "shop-acme"]);
    assert_eq!(
        (&told["namespace"]["owner"], &told["tenant"]["name"]),
        (&json!("tenant"), &json!("shop-acme"))
    );
    assert_eq!(
        told["class"],
        json!({"name": "shop", "source": {
            "from": "TenantClass", "name": "shop", "file": POLICIES, "line": 30
        }})
    );
    let find = |list: &str, key: &str, name: &str| {
        let items = told[list].as_array().unwrap();
        items.iter().find(|item| item[key] == name).unwrap_or_else(|| panic!("{name}: {told}")).clone()
    };
    let level = find("fields", "field", "podSecurity.level");
    let line = level["source"]["line"].as_u64().unwrap();
    assert_eq!(
        (&level["value"], &level["source"]["from"], line),
        (&json!("restricted"), &json!("TenantClass"), 35)
    );
    let domains = find("fields", "field", "domains");
    assert_eq!((&domains["value"], &domains["absent"]), (&Value::Null, &json!("none")));
    let rule = |name: &str| find("rules", "rule", name);
    assert_eq!(
        (&rule("image-registries")["mode"], &rule("scheduler")["mode"]),
        (&json!("warn"), &json!("warn"))
    );
    assert_eq!(rule("tolerations")["source"], json!({"from": "built-in default"}));
    assert_eq!(told["exemptions"], Value::Null, "it is for the other namespace");
    assert_eq!(find("pools", "name", "shops")["default"], true);
    let of_reference = json(&["tenant.spec.services"]);
    assert!(of_reference["text"].as_str().unwrap().starts_with("Tenant.spec.services\n"));
}

#[test]
fn a_name_that_does_not_exist_is_told_with_the_nearest() {
    let output = explain(&["--tenant", "shop-acne"]);
    assert_eq!(output.status.code(), Some(2));
    let told = "error: the policies have no tenant `shop-acne`, did you mean `shop-acme`?\n";
    assert!(stderr(&output).ends_with(told), "{}", stderr(&output));
    // Whatever is not listed is unclaimed, so this is no mistake, but it may be one of spelling.
    let told = text(&["--namespace", "shop-acme-tests"]);
    let first =
        "No Tenant lists namespace `shop-acme-tests`, nor do the Settings, did you mean `shop-acme-test`?.\n";
    assert!(told.starts_with(&first.replace("?.", "?")), "{told}");
    assert_eq!(explain(&["--namespace", "lab", "--tenant", "lab"]).status.code(), Some(2));
    assert_eq!(explain(&["tenant", "--settings"]).status.code(), Some(2));
}

#[test]
fn an_exemption_that_has_ended_is_told_as_such() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("policies.yaml");
    let all = std::fs::read_to_string(root().join(POLICIES)).unwrap();
    std::fs::write(&path, all.replace("2999-06-30", "2020-06-30")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_partywall"))
        .args(["explain", "-n", "monitoring", "--policies", path.to_str().unwrap()])
        .output()
        .unwrap();
    let told = stdout(&output);
    assert!(
        told.contains("agent: until \"2020-06-30\"")
            && told.contains("; it has ended, and exempts nothing\n"),
        "{told}"
    );
}
