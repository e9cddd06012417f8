//! The forms of a report for programs: lines and columns, SARIF, JUnit, annotations of GitHub.

use super::*;

/// Checks the manifests in `text`, written to a file of this name, and returns the folder of the file too.
fn check_file(name: &str, text: &str, args: &[&str]) -> (Output, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let output = command(args).arg(name).current_dir(folder.path()).output().unwrap();
    (output, folder)
}

const SEVERAL: &str = "\
# Two objects.
apiVersion: v1
kind: Service
metadata: {name: web, namespace: tenants-x}
spec:
  type: LoadBalancer
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: tenants-x}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: app
        image: registry.example.com/app
        securityContext: {privileged: true}
---
apiVersion: v1
kind: Pod
metadata: {name: ok, namespace: tenants-x}
spec: {containers: [{name: app, image: registry.example.com/app}]}
";

#[test]
fn every_finding_has_the_line_and_the_column_of_its_field() {
    let (output, _folder) = check_file("several.yaml", SEVERAL, &["-o", "json"]);
    let lines = lines(&output);
    let places: Vec<_> = lines
        .iter()
        .map(|line| {
            let violations = line["violations"].as_array().unwrap();
            let place = |of: &Value| (of["line"].as_u64().unwrap(), of["column"].as_u64().unwrap());
            (place(line), violations.iter().map(place).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(places, [((2, 1), vec![(6, 3)]), ((8, 1), vec![(19, 27)]), ((21, 1), vec![])]);
    assert_eq!(lines[0]["file"], "several.yaml");
    let (output, _folder) = check_file("several.yaml", SEVERAL, &[]);
    let text = stdout(&output);
    assert!(text.contains("\n  several.yaml:6:3: spec.type: "), "{text}");
    let field = "spec.template.spec.containers[0].securityContext.privileged: ";
    assert!(text.contains(&format!("\n  several.yaml:19:27: {field}")), "{text}");
}

#[test]
fn items_of_lists_and_json_have_lines_and_columns_too() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  \
                metadata: {name: a, namespace: tenants-x}\n  spec:\n    type: LoadBalancer\n";
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"Service\",\n \"metadata\": {\"name\": \"a\", \
                \"namespace\": \"tenants-x\"},\n \"spec\": {\"type\": \"LoadBalancer\"}}";
    for (name, text, object, field) in
        [("a.yaml", list.to_owned(), (4, 3), (8, 5)), ("a.json", json.repeat(2), (3, 35), (5, 11))]
    {
        let (output, _folder) = check_file(name, &text, &["-o", "json"]);
        let line = lines(&output).pop().unwrap();
        assert_eq!((&line["line"], &line["column"]), (&json!(object.0), &json!(object.1)), "{name}: {line}");
        let violation = &line["violations"][0];
        assert_eq!(
            (&violation["line"], &violation["column"]),
            (&json!(field.0), &json!(field.1)),
            "{violation}"
        );
    }
}

#[test]
fn a_template_says_whether_its_pods_would_be_allowed() {
    let (output, _folder) = check_file("several.yaml", SEVERAL, &["-o", "json"]);
    let allowed: Vec<_> = lines(&output).iter().map(|line| line.get("podsAllowed").cloned()).collect();
    assert_eq!(allowed, [None, Some(json!(false)), None]);
    let text = stdout(&check_file("several.yaml", SEVERAL, &[]).0);
    assert!(
        text.contains("(warn, and its pods would be denied: rule pod-security, control privileged)"),
        "{text}"
    );
}

#[test]
fn sarif_has_rules_with_help_and_results_with_places() {
    let (output, _folder) = check_file("a b.yaml", SEVERAL, &["--output", "sarif"]);
    assert_eq!(output.status.code(), Some(1));
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules.iter().filter(|rule| rule["id"] != "unknown-field") {
        let help = rule["help"]["markdown"].as_str().unwrap();
        assert!(help.contains("## Why") && help.contains("/docs/rules/"), "{help}");
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, rule, place) in [
        (&results[0], "service-exposure", json!({"startLine": 6, "startColumn": 3})),
        (&results[1], "pod-security", json!({"startLine": 19, "startColumn": 27})),
    ] {
        assert_eq!(result["ruleId"], rule);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], rule);
        let physical = &result["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "a%20b.yaml");
        assert_eq!(physical["region"], place);
        assert_eq!(result["level"], "error", "the pods of the template would be denied");
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn the_level_of_a_sarif_result_is_that_of_its_mode() {
    for (mode, level, code) in [("deny", "error", 1), ("warn", "warning", 0), ("audit", "note", 0)] {
        let policies = format!(
            "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: x}}\n\
             spec: {{namespaces: [tenants-x], rules: {{service-exposure: {mode}}}}}\n"
        );
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("policies.yaml");
        std::fs::write(&path, policies).unwrap();
        let output =
            check(&["-o", "sarif", "--policies", path.to_str().unwrap(), &fixture("load-balancer.yaml")]);
        let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(sarif["runs"][0]["results"][0]["level"], level);
        assert_eq!(output.status.code(), Some(code), "{mode}");
    }
}

#[test]
fn what_cannot_be_judged_is_in_every_report() {
    let broken = "apiVersion: v1\nkind: Pod\nmetadata: {name: [}\n";
    let report = |output| {
        let (output, _folder) = check_file("broken.yaml", broken, &["--output", output]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("error: broken.yaml:3:"), "{}", stderr(&output));
        stdout(&output)
    };
    let sarif: Value = serde_json::from_str(&report("sarif")).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(false), &json!(2)));
    let told = &invocation["toolExecutionNotifications"][0];
    assert_eq!(told["level"], "error");
    assert_eq!(told["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
    let junit = report("junit");
    assert!(junit.contains("tests=\"1\" failures=\"0\" errors=\"1\""), "{junit}");
    assert!(junit.contains("<error message=\"not judged\""), "{junit}");
    let github = report("github");
    assert!(github.starts_with("::error file=broken.yaml,line=3,col="), "{github}");
}

#[test]
fn an_empty_report_for_programs_is_complete_too() {
    let output = check_stdin(&["-o", "sarif", "-"], "# nothing\n");
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((sarif["runs"][0]["results"].clone(), output.status.code()), (json!([]), Some(2)));
    let output = check_stdin(&["-o", "junit", "-"], "# nothing\n");
    assert!(stdout(&output).trim_end().ends_with("</testsuites>"));
}

#[test]
fn junit_has_a_case_an_object_and_a_suite_a_file() {
    let (output, _folder) = check_file("a<&>\".yaml", SEVERAL, &["-o", "junit"]);
    let xml = stdout(&output);
    assert!(xml.starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"partywall check\" tests=\"3\""
    ));
    assert_eq!(
        xml.matches("<testsuite name=\"a&lt;&amp;&gt;&quot;.yaml\" tests=\"3\" failures=\"2\"").count(),
        1,
        "{xml}"
    );
    assert_eq!(xml.matches("<testcase ").count(), 3);
    assert_eq!(xml.matches("<failure ").count(), 2);
    assert!(xml.contains("<testcase name=\"Pod tenants-x/ok\""), "{xml}");
    assert!(xml.contains("a&lt;&amp;&gt;&quot;.yaml:6:3: spec.type: "), "{xml}");
}

#[test]
fn github_lines_are_escaped() {
    let (output, _folder) = check_file("50%,a:b.yaml", SEVERAL, &["-o", "github"]);
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().collect();
    let file = "file=50%25%2Ca%3Ab.yaml";
    let start =
        format!("::error {file},line=6,col=3,title=partywall%3A service-exposure::Service tenants-x/web: ");
    assert!(lines[0].starts_with(&start), "{text}");
    assert!(lines[1].starts_with("::error file=50%25%2Ca%3Ab.yaml,line=19,col=27,title="), "{text}");
    assert_eq!(lines[2], "3 objects: 1 clean, 1 denied, 1 with warnings");
    // A name cannot write a command of its own.
    let forged = SEVERAL.replace("{name: web,", "{name: \"a\\n::stop-commands::x\",");
    let (output, _folder) = check_file("a.yaml", &forged, &["-o", "github"]);
    assert!(!stdout(&output).contains("\n::stop-commands"), "{}", stdout(&output));
}
