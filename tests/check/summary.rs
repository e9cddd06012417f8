//! Tests the counts of a summary, policies among the manifests, and runs without objects to judge.

use super::*;

fn pod(namespace: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: a{namespace}}}\n\
         spec: {{containers: [{{name: a, image: a}}]}}\n"
    )
}

const CONFIG_MAP: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn custom(api_version: &str, kind: &str) -> String {
    format!("---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a, namespace: tenants-x}}\n")
}

/// The rules that hold outside tenants.
const RULES: &str = "node-placement, tolerations, priority-class, pod-affinity, storage";

fn tenant(spec: &str) -> String {
    format!("---\napiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: a}}\nspec: {spec}\n")
}

#[test]
fn what_little_is_judged_is_counted_apart() {
    let note = |count, namespaces| {
        format!(
            "{count} of them in namespaces of no tenant ({namespaces}): only {RULES} hold there; \
             --namespace says where objects without one are
"
        )
    };
    for (name, text, expected) in [
        ("a tenant's", pod(", namespace: tenants-x"), "1 object: 1 clean\n".to_owned()),
        (
            "a system namespace's",
            pod(", namespace: kube-system"),
            "1 object: 0 clean, 1 in system namespaces, where nothing is judged\n".to_owned(),
        ),
        ("nobody's", pod(""), "1 object: 1 clean\n".to_owned() + &note(1, "`default`")),
        (
            "many nobodies'",
            ["", ", namespace: b", ", namespace: c", ", namespace: c", ", namespace: e"].map(pod).concat(),
            "5 objects: 5 clean\n".to_owned() + &note(5, "`b`, `c`, `default` and 1 more"),
        ),
        (
            "kinds of which rules read the metadata",
            CONFIG_MAP.repeat(2),
            "2 objects: 2 clean\n".to_owned() + &note(2, "`default`"),
        ),
        (
            "kinds of no rule",
            CONFIG_MAP.replace("ConfigMap", "Event").repeat(2),
            "2 objects: 0 clean, 2 of kinds that no rule is about\n".to_owned(),
        ),
        (
            "custom kinds of no rule, and one that is harmless in a group of routes",
            custom("example.com/v1", "Widget") + &custom("networking.istio.io/v1", "Sidecar"),
            "2 objects: 0 clean, 2 of kinds that no rule is about\n".to_owned(),
        ),
        (
            "custom kinds that belong to the cluster",
            custom("configuration.konghq.com/v1", "KongClusterPlugin"),
            "1 object: 0 clean, 1 of kinds that no rule is about\n".to_owned(),
        ),
        (
            "a custom kind of a rule",
            custom("gateway.networking.k8s.io/v1", "HTTPRoute").replace("tenants-x", "kube-system"),
            "1 object: 0 clean, 1 in system namespaces, where nothing is judged\n".to_owned(),
        ),
        ("a policy", tenant("{namespaces: [team]}"), "1 object: 0 clean, 1 policy\n".to_owned()),
        (
            "policies",
            tenant("{namespaces: [team], rules: {tolerations: off}}").repeat(2),
            "2 objects: 0 clean, 2 policies\n".to_owned(),
        ),
    ] {
        let output = check_stdin(&["-"], &text);
        assert_eq!(
            (output.status.code(), stdout(&output)),
            (Some(0), expected),
            "{name}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn policies_among_the_manifests_are_held_to_all_that_policies_are() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: partywall.dev/v1alpha1, kind: Settings, \
                metadata: {name: default}, spec: {workloads: Off}}\n";
    let rows: [(&str, String, &[&str]); 6] = [
        (
            "all mistakes at once",
            tenant("{domain: [x], namespaces: [Nu]}"),
            &[
                "error: -:5:8: spec.domain = [\"x\"]: unknown field",
                "error: -:5:34: spec.namespaces[0] = \"Nu\": ",
            ],
        ),
        (
            "another version",
            tenant("{namespaces: [team]}").replace("v1alpha1", "v1"),
            &["error: -:2:1: apiVersion = \"partywall.dev/v1\": "],
        ),
        (
            "an unknown kind",
            tenant("{namespaces: [team]}").replace("Tenant", "Tennant"),
            &["error: -:3:1: kind = \"Tennant\": "],
        ),
        ("a word of a List", list.to_owned(), &["error: -:4:90: spec.workloads = \"Off\": "]),
        (
            "a number in a file of several",
            pod("") + &tenant("{namespaces: [team], domains: [\"*\"]}"),
            &["error: -:10:38: spec.domains[0] = "],
        ),
        (
            "what others hold is not known",
            tenant("{namespaces: [team], nodePools: {default: elsewhere}}"),
            &[],
        ),
    ];
    for (name, text, starts) in rows {
        let output = check_stdin(&["-"], &text);
        let told = stderr(&output);
        let errors: Vec<_> = told.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), starts.len(), "{name}: {told}");
        for (error, start) in errors.iter().zip(starts) {
            assert!(error.starts_with(start), "{name}: {error}");
        }
        assert_eq!(output.status.code(), Some(if starts.is_empty() { 0 } else { 2 }), "{name}");
    }
}

#[test]
fn policies_that_are_not_applied_are_said_to_be_so_once() {
    const NOTE: &str = "are not applied; name them with --policies";
    let (eks, university) = ("policies/examples/eks.yaml", "policies/examples/university.yaml");
    let rows: [(&str, &[&str], Option<&str>); 5] = [
        (
            "a second value",
            &["--policies", eks, university],
            Some("policies in `policies/examples/university.yaml` are"),
        ),
        ("two files", &[eks, university], Some("policies in `policies/examples/eks.yaml`, `policies/exam")),
        ("those that hold", &["--policies", eks, eks], None),
        ("those of the folder that holds", &["--policies", "policies/examples", eks], None),
        ("no policies", &["policies/examples/manifests/eks/good.yaml"], None),
    ];
    for (name, args, expected) in rows {
        let output = check(args);
        let told = stderr(&output);
        assert_eq!(told.matches(NOTE).count(), usize::from(expected.is_some()), "{name}: {told}");
        assert!(expected.is_none_or(|expected| told.contains(expected)), "{name}: {told}");
        assert_ne!(output.status.code(), Some(2), "{name}: {told}");
    }
}

#[test]
fn where_nothing_is_found_nothing_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (name, args, found) in [
        ("an empty folder", vec![path], format!("error: found no manifest in `{path}`")),
        ("two", vec![path, path], format!("error: found no manifest in `{path}`, `{path}`")),
        ("nothing on stdin", vec!["-"], "error: found no manifest in `-`".to_owned()),
        ("for programs", vec!["--output", "json", "-"], "error: found no manifest in `-`".to_owned()),
    ] {
        let output = check_stdin(&args, "# nothing\n");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{name}");
        assert!(stderr(&output).contains(&found), "{name}: {}", stderr(&output));
    }
}

#[test]
fn a_file_that_is_no_text_names_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Z.YAML");
    std::fs::write(&path, b"a: \xff").unwrap();
    let output = check(&[folder.path().to_str().unwrap()]);
    let expected = format!("error: {}: the file is not UTF-8: byte 4 is wrong\n", path.display());
    assert!(stderr(&output).ends_with(&expected), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn violations_that_are_left_out_are_counted() {
    let pod = |containers: usize| {
        let containers: Vec<_> = (0..containers)
            .map(|index| json!({"name": format!("a{index}"), "image": "a", "securityContext": {"privileged": true}}))
            .collect();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "tenants-x"},
               "spec": {"containers": containers}})
        .to_string()
    };
    let line = |containers| lines(&check_stdin(&["--output", "json", "-"], &pod(containers))).remove(0);
    let many = line(150);
    let shown = many["violations"].as_array().unwrap().len();
    assert_eq!(many["more"], 150 - shown, "{shown} shown");
    assert!(line(1).get("more").is_none());
}

/// Every flag without a value, in every command.
#[test]
fn the_variable_of_a_flag_says_yes_or_no() {
    let mut flags = 0;
    for command in partywall::cli::command().get_subcommands() {
        for flag in command.get_arguments().filter(|flag| !flag.get_action().takes_values()) {
            let Some(variable) = flag.get_env() else { continue };
            let needs_more = command.get_arguments().any(clap::Arg::is_required_set);
            flags += 1;
            for value in ["1", "0", "true", "false"] {
                let output = Command::new(env!("CARGO_BIN_EXE_partywall"))
                    .arg(command.get_name())
                    .env(variable, value)
                    // `serve` needs no more, and would go on for ever: so it finds neither a certificate nor a cluster.
                    .envs(["TLS_CERT", "TLS_KEY"].map(|name| (format!("PARTYWALL_{name}"), "/nowhere")))
                    .env("KUBECONFIG", "/nowhere")
                    .output()
                    .unwrap();
                let told = stderr(&output);
                assert!(!told.contains("invalid value"), "{variable:?}={value}: {told}");
                // What the command cannot do without is missing, which is looked at last.
                assert_eq!(
                    told.contains("required arguments were not provided"),
                    needs_more,
                    "{variable:?}={value}: {told}"
                );
            }
        }
    }
    assert!(flags >= 2, "--force and --show-stamped");
    for (value, is_shown) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)] {
        let output =
            command(&[&fixture("clean.yaml")]).env("PARTYWALL_SHOW_STAMPED", value).output().unwrap();
        assert_eq!(stdout(&output).starts_with("---\n"), is_shown, "{value}");
    }
}

#[test]
fn g22_a_route_of_another_api_is_denied_unless_settings_list_it() {
    let route = custom("traefik.io/v1alpha1", "IngressRoute");
    let output = check_stdin(&["-"], &route);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("(rule foreign-routes)"), "{}", stdout(&output));
}
