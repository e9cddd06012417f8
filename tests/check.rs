//! `partywall check` as people and pipelines run it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that fails panics")]
#![expect(clippy::disallowed_methods, reason = "a test writes its files")]

#[path = "check/cases.rs"]
mod cases;
#[path = "check/charts.rs"]
mod charts;
#[path = "check/commands.rs"]
mod commands;
#[path = "check/fields.rs"]
mod fields;
#[path = "check/files.rs"]
mod files;
#[path = "check/flags.rs"]
mod flags;
#[path = "check/holding.rs"]
mod holding;
#[path = "check/outputs.rs"]
mod outputs;
#[path = "check/summary.rs"]
mod summary;
#[path = "check/workload_kinds.rs"]
mod workload_kinds;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The folder of the examples, which is also where commands run: sources read as they would in a shell.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> String {
    format!("tests/fixtures/check/{name}")
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partywall"));
    command.arg("check").args(args).current_dir(root()).env_remove("PARTYWALL_POLICIES");
    for flag in ["AS", "AS_GROUP", "DIFF", "FAIL_ON", "LIVE", "NAMESPACE", "OUTPUT", "SHOW_STAMPED", "TENANT"]
    {
        command.env_remove(format!("PARTYWALL_{flag}"));
    }
    command
}

fn check(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Checks what is written to stdin.
fn check_stdin(args: &[&str], text: &str) -> Output {
    let mut child =
        command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    match child.stdin.take().unwrap().write_all(text.as_bytes()) {
        // It ended before it read anything.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The JSON lines, and the exit code.
fn judge(args: &[&str]) -> (Vec<Value>, i32) {
    let output = check(&[&["--output", "json"], args].concat());
    (lines(&output), output.status.code().unwrap())
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns whether a line has this violation.
fn violates(line: &Value, rule: &str, field: &str) -> bool {
    line["violations"].as_array().unwrap().iter().any(|v| v["rule"] == rule && v["field"] == field)
}

/// The summary of `clean.yaml`, whose ConfigMap is in a namespace of no tenant.
const CLEAN: &str = "2 objects: 2 clean\n1 of them in namespaces of no tenant (`elsewhere`): only node-placement, \
                     tolerations, priority-class, pod-affinity, storage hold there; --namespace says where objects \
                     without one are\n";

#[test]
fn clean_objects_are_a_summary_and_exit_code_0() {
    let output = check(&[&fixture("clean.yaml")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), CLEAN);
}

#[test]
fn without_policies_the_demonstration_holds_and_that_is_said() {
    let without = check(&[&fixture("clean.yaml")]);
    assert!(stderr(&without).contains("embedded demonstration"), "{}", stderr(&without));
    let with = check(&["--policies", "policies/examples/eks.yaml", &fixture("clean.yaml")]);
    assert!(!stderr(&with).contains("embedded demonstration"));
    assert!(
        stderr(&with).contains("warning: policies/examples/eks.yaml:13:5: NodePool `tenants-x`: spec.nodeS")
    );
}

#[test]
fn a_line_of_json_holds_what_is_promised() {
    let (lines, code) = judge(&[&fixture("clean.yaml")]);
    assert_eq!(code, 0);
    let stamp = json!({"op": "add", "path": "/spec/nodeSelector", "value": {"tenant": "tenants-x"}});
    assert_eq!(lines[0]["patch"][0], stamp);
    let mut pod = lines[0].clone();
    pod["patch"] = json!([]);
    let expected = json!({
        "source": "tests/fixtures/check/clean.yaml#1", "file": "tests/fixtures/check/clean.yaml", "line": 1,
        "column": 1, "kind": "Pod", "namespace": "tenants-x", "name": "web",
        "tenant": "tenants-x", "allowed": true, "patch": [], "violations": [],
    });
    assert_eq!(pod, expected);
    let expected = json!({
        "source": "tests/fixtures/check/clean.yaml#2", "file": "tests/fixtures/check/clean.yaml", "line": 11,
        "column": 1, "kind": "ConfigMap", "namespace": "elsewhere", "name": "settings",
        "tenant": null, "allowed": true, "patch": [], "violations": [],
    });
    assert_eq!(lines[1], expected);
}

#[test]
fn a_source_is_numbered_only_where_a_file_holds_several() {
    let (lines, _) = judge(&[&fixture("one.json"), &fixture("clean.yaml")]);
    let sources: Vec<_> = lines.iter().map(|line| line["source"].as_str().unwrap()).collect();
    assert_eq!(
        sources,
        [
            "tests/fixtures/check/one.json",
            "tests/fixtures/check/clean.yaml#1",
            "tests/fixtures/check/clean.yaml#2"
        ]
    );
}

#[test]
fn a_pod_is_judged_as_it_would_be_stored() {
    // Stamped objects are clean, and stamping them again changes nothing.
    let output = check(&["--show-stamped", &fixture("clean.yaml")]);
    assert!(stdout(&output).contains("# 2 objects: 2 clean\n# 1 of them in namespaces of no tenant"));
    let again = check_stdin(&["--output", "json", "-"], &stdout(&output));
    let lines = lines(&again);
    assert_eq!(lines.len(), 2, "{}", stderr(&again));
    for line in lines {
        assert_eq!((&line["patch"], &line["violations"]), (&json!([]), &json!([])));
    }
}

#[test]
fn stamped_objects_are_shown_only_if_asked_for() {
    let (lines, _) = judge(&["--show-stamped", &fixture("clean.yaml")]);
    assert_eq!(lines[0]["stamped"]["spec"]["nodeSelector"]["tenant"], "tenants-x");
    assert_eq!(lines[0]["stamped"]["spec"]["containers"][0]["name"], "web", "the rest is as it was");
    let (lines, _) = judge(&[&fixture("clean.yaml")]);
    assert!(lines[0].get("stamped").is_none());
}

#[test]
fn objects_without_a_namespace_are_in_the_one_given() {
    let pod = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "web-"}, "spec": {}}"#;
    for (args, namespace, tenant) in [
        (&["--output", "json", "-"][..], "default", Value::Null),
        (&["--output", "json", "--namespace", "tenants-x", "-"][..], "tenants-x", json!("tenants-x")),
    ] {
        let line = lines(&check_stdin(args, pod)).remove(0);
        assert_eq!((&line["source"], &line["name"]), (&json!("-"), &json!("web-")));
        assert_eq!((&line["namespace"], &line["tenant"]), (&json!(namespace), &tenant));
    }
}

#[test]
fn lists_are_taken_apart() {
    let (lines, code) = judge(&[&fixture("lists.yaml")]);
    assert_eq!(code, 0);
    let objects: Vec<_> = lines.iter().map(|line| (&line["source"], &line["kind"], &line["name"])).collect();
    let source = |place: &str| json!(format!("tests/fixtures/check/lists.yaml#{place}"));
    assert_eq!(
        objects,
        [
            (&source("1.items[0]"), &json!("Pod"), &json!("a")),
            (&source("1.items[1]"), &json!("ConfigMap"), &json!("b")),
            (&source("2.items[0]"), &json!("Pod"), &json!("c")),
            (&source("2.items[1]"), &json!("Pod"), &json!("d")),
        ]
    );
    // The items of a PodList do not say what they are, and are stamped all the same.
    assert_ne!(lines[3]["patch"], json!([]));
}

#[test]
fn folders_are_searched_and_hidden_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let pod = std::fs::read(root().join(fixture("one.json"))).unwrap();
    std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    for name in ["z.yaml", "a/b/x.yml", "a/y.json", "a/notes.txt", ".git/hidden.yaml", "a/.hidden.yaml"] {
        std::fs::write(folder.path().join(name), &pod).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    let (lines, code) = judge(&[folder]);
    let sources: Vec<_> =
        lines.iter().map(|line| line["source"].as_str().unwrap().strip_prefix(folder).unwrap()).collect();
    assert_eq!((sources, code), (vec!["/a/b/x.yml", "/a/y.json", "/z.yaml"], 0));
}

#[test]
fn what_no_rule_is_about_is_clean() {
    let (lines, code) = judge(&["policies/default.yaml", &fixture("cluster-scoped.yaml")]);
    assert_eq!((lines.len(), code), (3, 0));
    for line in lines {
        assert_eq!((&line["namespace"], &line["allowed"]), (&Value::Null, &json!(true)), "{line}");
    }
}

#[test]
fn o4_a_namespace_whose_label_contradicts_the_policies_is_told() {
    let folder = TempDir::new().unwrap();
    let manifest = |name: &str, labels: &str| {
        let file = folder.path().join(format!("{name}.yaml"));
        let text = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let files = [
        manifest("preview-17", "{partywall.dev/tenant: tenants-x}"),
        manifest("tenants-x", "{team: web}"),
        manifest("elsewhere", "{}"),
    ];
    let output = check(&files.each_ref().map(String::as_str));
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("preview-17.yaml:1:1: namespace `preview-17` has the label"), "{told}");
    assert!(told.contains("`tenants-x`, but was written without the label"), "{told}");
    assert!(told.ends_with("3 objects: 1 clean, 1 denied, 1 with warnings\n"), "{told}");
}

#[test]
fn broken_yaml_names_line_and_column_and_the_rest_is_judged() {
    let output = check(&["--output", "json", &fixture("broken.yaml")]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("error: tests/fixtures/check/broken.yaml:10:3: "), "{told}");
    let names: Vec<_> = lines(&output).iter().map(|line| line["name"].clone()).collect();
    assert_eq!(names, ["first", "third"]);
}

#[test]
fn what_cannot_be_judged_is_named_and_exit_code_2() {
    let missing_kind = "apiVersion: v1\nmetadata: {name: a}\n";
    let wrong_type = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: tenants-x}\n\
        spec: {hostNetwork: \"true\"}\n";
    for (name, text, words) in [
        ("no kind", missing_kind, "error: -:1:1: `kind` is missing"),
        ("no version", "kind: Pod\n", "error: -:1:1: `apiVersion` is missing"),
        ("no object", "just words\n", "error: -:1:1: this is no object"),
        ("the wrong type", wrong_type, "error: -:4:8: `spec.hostNetwork` does not decode"),
        (
            "a name that is a number",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: 7}\n",
            "error: -:3:12: `metadata.name` must be a string",
        ),
    ] {
        let output = check_stdin(&["-"], text);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains(words), "{name}: {}", stderr(&output));
        assert_eq!(stdout(&output), "1 object: 0 clean, 1 not judged\n", "{name}");
    }
    let output = check(&["/nowhere.yaml", &fixture("one.json")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("error: /nowhere.yaml: cannot be read"));
    assert_eq!(stdout(&output), "2 objects: 1 clean, 1 not judged\n");
}

#[test]
fn policies_with_mistakes_judge_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let policies: PathBuf = folder.path().join("policies.yaml");
    std::fs::write(&policies, "kind: Tenant\n").unwrap();
    let output = check(&["--policies", policies.to_str().unwrap(), &fixture("clean.yaml")]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    assert!(
        stderr(&output).contains("policies.yaml:1:1: Tenant: metadata.name: missing field"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn flags_can_be_environment_variables() {
    let output = command(&[&fixture("clean.yaml")])
        .env("PARTYWALL_OUTPUT", "json")
        .env("PARTYWALL_POLICIES", "policies/examples/university.yaml")
        .output()
        .unwrap();
    assert_eq!(lines(&output)[0]["tenant"], Value::Null, "tenants-x is no tenant of the university");
}

#[test]
fn what_is_exempt_in_system_namespaces_stays_unread() {
    let text =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: kube-system}\nspec: {hostNetwork: 7}\n";
    let output = check_stdin(&["-"], text);
    assert_eq!(
        (output.status.code(), &*stdout(&output)),
        (Some(0), "1 object: 0 clean, 1 in system namespaces, where nothing is judged\n")
    );
}

#[test]
fn a_list_without_items_cannot_be_judged() {
    for items in ["item: [{kind: Pod}]", "items: null", "items: {}"] {
        let output = check_stdin(&["-"], &format!("apiVersion: v1\nkind: List\n{items}\n"));
        assert_eq!(output.status.code(), Some(2), "{items}");
    }
}

#[test]
fn a_manifest_cannot_forge_lines_of_the_report() {
    let name = r#""a\n---\nkind: \u001b[31mPod""#;
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let shown = stdout(&check_stdin(&["--show-stamped", "-"], &text));
    assert_eq!(shown.lines().nth(1), Some("# -: ConfigMap default/a --- kind:  [31mPod"));
    assert!(!shown.contains('\x1b'));
}

// What follows needs the rules.

#[test]
fn a_load_balancer_is_denied_with_rule_and_field() {
    let (lines, code) = judge(&[&fixture("load-balancer.yaml")]);
    assert_eq!(code, 1);
    assert_eq!(lines[0]["allowed"], false);
    assert!(violates(&lines[0], "service-exposure", "spec.type"), "{}", lines[0]);
    let violation = &lines[0]["violations"][0];
    assert_eq!(violation["mode"], "deny");
    assert!(violation.get("control").is_none(), "only pod-security has controls");
}

#[test]
fn a_privileged_container_is_denied_with_its_control() {
    let (lines, code) = judge(&[&fixture("privileged.yaml")]);
    assert_eq!(code, 1);
    let field = "spec.containers[0].securityContext.privileged";
    let violation = lines[0]["violations"].as_array().unwrap().iter().find(|v| v["field"] == field).unwrap();
    assert_eq!((&violation["rule"], &violation["control"]), (&json!("pod-security"), &json!("privileged")));
}

#[test]
fn a_template_that_violates_is_a_warning_and_exit_code_1() {
    let (lines, code) = judge(&[&fixture("deployment.yaml")]);
    assert_eq!((code, &lines[0]["allowed"]), (1, &json!(true)));
    let field = "spec.template.spec.containers[0].securityContext.privileged";
    assert!(violates(&lines[0], "pod-security", field), "{}", lines[0]);
    assert!(lines[0]["violations"].as_array().unwrap().iter().all(|v| v["mode"] == "warn"));
    let output = check(&[&fixture("deployment.yaml")]);
    assert!(stdout(&output).ends_with("1 object: 0 clean, 1 with warnings\n"), "{}", stdout(&output));
}

#[test]
fn what_is_only_audited_is_listed_and_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies.yaml");
    let tenant = "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {name: x}\n\
                  spec: {namespaces: [tenants-x], rules: {service-exposure: audit}}\n";
    std::fs::write(&policies, tenant).unwrap();
    let (lines, code) = judge(&["--policies", policies.to_str().unwrap(), &fixture("load-balancer.yaml")]);
    assert_eq!((code, &lines[0]["allowed"]), (0, &json!(true)));
    assert_eq!(lines[0]["violations"][0]["mode"], "audit");
}

/// Where nothing is denied or stamped, the report says what would be, and a pipeline goes on.
#[test]
fn below_enforcement_deny_it_says_what_would_be() {
    let folder = TempDir::new().unwrap();
    let policies = folder.path().join("policies.yaml");
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: blue}, spec: {hostNetwork: true, \
               containers: [{name: app, image: 'registry.example.com/app:1'}]}}";
    for (value, code) in [("Deny", 1), ("Warn", 0), ("Audit", 0)] {
        let text = format!(
            "apiVersion: partywall.dev/v1alpha1\nkind: NodePool\nmetadata: {{name: blue}}\n\
             spec: {{nodeSelector: {{pool: blue}}, taints: [{{key: pool, value: blue}}]}}\n---\n\
             apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: blue}}\n\
             spec: {{namespaces: [blue], nodePools: {{default: blue}}, enforcement: {value}}}\n"
        );
        std::fs::write(&policies, text).unwrap();
        let args = ["-", "--output", "json", "--policies", policies.to_str().unwrap()];
        let output = check_stdin(&args, pod);
        let line = &lines(&output)[0];
        assert_eq!(output.status.code(), Some(code), "{value}: {line}");
        let violations = line["violations"].as_array().unwrap();
        assert_eq!(
            (violations.len(), &violations[0]["rule"]),
            (1, &json!("pod-security")),
            "{value}: {line}"
        );
        assert_eq!(violations[0]["mode"], value.to_lowercase(), "{line}");
        assert_eq!(line["patch"] == json!([]), value != "Deny", "{line}");
        assert_eq!(
            line["warnings"].to_string().contains("would go to pool `blue`"),
            value != "Deny",
            "{line}"
        );
    }
}

#[test]
fn people_read_what_is_denied_and_a_summary() {
    let output =
        check(&[&fixture("load-balancer.yaml"), &fixture("clean.yaml"), &fixture("deployment.yaml")]);
    let text = stdout(&output);
    let title = "denied: tests/fixtures/check/load-balancer.yaml: Service tenants-x/web of tenant `tenants-x`\n\
        \x20 tests/fixtures/check/load-balancer.yaml:7:3: spec.type: ";
    assert!(text.starts_with(title), "{text}");
    assert!(text.contains("(rule service-exposure)\n"), "{text}");
    assert!(text.contains("\n4 objects: 2 clean, 1 denied, 1 with warnings\n"), "{text}");
    assert!(!text.contains('\x1b'), "a pipe gets no colour");
}

#[test]
fn the_examples_manifests_are_what_their_names_say() {
    for example in ["eks", "university", "sandboxed-customers"] {
        let policies = format!("policies/examples/{example}.yaml");
        let (lines, _) = judge(&["--policies", &policies, &format!("policies/examples/manifests/{example}")]);
        assert!(!lines.is_empty());
        for line in lines {
            let is_good = line["source"].as_str().unwrap().contains("/good.yaml");
            assert_eq!(line["violations"] == json!([]), is_good, "{line}");
        }
    }
}
