//! Whose objects are judged, as whom, and what fails: `--tenant`, `--as`, `--live`, `--fail-on`, `--diff`.

use super::*;

#[test]
fn what_fails_is_what_would_be_denied_or_warnings_too() {
    let policies = |modes: &str| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("policies.yaml");
        let tenant = format!(
            "apiVersion: partywall.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: x}}\n\
             spec: {{namespaces: [tenants-x], rules: {modes}}}\n"
        );
        std::fs::write(&path, tenant).unwrap();
        (path.to_str().unwrap().to_owned(), folder)
    };
    // A template warns; what counts is whether its pods would be denied.
    for (fixed, modes, on_deny, on_warn) in [
        ("load-balancer.yaml", "{service-exposure: deny}", 1, 1),
        ("load-balancer.yaml", "{service-exposure: warn}", 0, 1),
        ("load-balancer.yaml", "{service-exposure: audit}", 0, 0),
        ("deployment.yaml", "{pod-security: deny}", 1, 1),
        ("deployment.yaml", "{pod-security: warn}", 0, 1),
        ("deployment.yaml", "{pod-security: off}", 0, 0),
    ] {
        let (path, _folder) = policies(modes);
        let code = |args: &[&str]| {
            check(&[&["--policies", &path], args, &[&*fixture(fixed)]].concat()).status.code().unwrap()
        };
        assert_eq!(code(&[]), on_deny, "{fixed} {modes}");
        assert_eq!(code(&["--fail-on", "deny"]), on_deny, "{fixed} {modes}");
        assert_eq!(code(&["--fail-on", "warn"]), on_warn, "{fixed} {modes}");
        let junit = stdout(&check(&["--policies", &path, "-o", "junit", &fixture(fixed)]));
        assert_eq!(junit.contains("<failure "), on_deny == 1, "{junit}");
    }
}

#[test]
fn where_nothing_is_enforced_a_pod_says_where_it_would_go_and_fails_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("policies.yaml");
    let policies = std::fs::read_to_string(root().join("policies/examples/eks.yaml")).unwrap();
    let kind = "kind: Tenant\n";
    let (before, tenant) = policies.split_once(kind).unwrap();
    let tenant = tenant.replacen("\nspec:\n", "\nspec:\n  enforcement: Warn\n", 1);
    std::fs::write(&path, format!("{before}{kind}{tenant}")).unwrap();
    let check =
        |fixed: &str| check(&["--policies", path.to_str().unwrap(), "--fail-on", "warn", &fixture(fixed)]);
    let output = check("one.json");
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert!(text.starts_with("note: ") && text.contains("would go to pool `tenants-x`"), "{text}");
    assert!(text.ends_with("\n1 object: 1 clean\n"), "{text}");
    assert_eq!(check("load-balancer.yaml").status.code(), Some(1), "a violation is a warning");
}

#[test]
fn objects_without_a_namespace_can_be_a_tenants() {
    let pod = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}"#;
    let line = lines(&check_stdin(&["-o", "json", "--tenant", "tenants-x", "-"], pod)).remove(0);
    assert_eq!((&line["namespace"], &line["tenant"]), (&json!("tenants-x"), &json!("tenants-x")));
    let elsewhere = pod.replace("\"a\"", "\"a\", \"namespace\": \"elsewhere\"");
    let line = lines(&check_stdin(&["-o", "json", "--tenant", "tenants-x", "-"], &elsewhere)).remove(0);
    assert_eq!((&line["namespace"], &line["tenant"]), (&json!("elsewhere"), &Value::Null));
    let output = check_stdin(&["--tenant", "tenant-x", "-"], pod);
    assert_eq!(output.status.code(), Some(2));
    let told = "error: the policies have no tenant `tenant-x`, did you mean `tenants-x`?";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
    assert_eq!(check_stdin(&["--tenant", "tenants-x", "-n", "a", "-"], pod).status.code(), Some(2));
}

#[test]
fn a_namespace_is_judged_as_the_user_who_writes_it() {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: tenants-x\n  \
                     labels: {pod-security.kubernetes.io/enforce: privileged}\n";
    let output = check_stdin(&["-"], namespace);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("-:5:12: metadata.labels[pod-security.kubernetes.io/enforce]: "),
        "{}",
        stdout(&output)
    );
    assert!(
        stdout(&output).contains("ask the platform team to list `<user>` in the Settings"),
        "{}",
        stdout(&output)
    );
    for (args, code) in [
        (&["--as", "jane", "-"][..], 1),
        (&["--as", "jane", "--as-group", "system:masters", "-"], 0),
        (&["--as-group", "team", "--as-group", "other", "-"], 1),
    ] {
        assert_eq!(check_stdin(args, namespace).status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn what_the_stamp_would_change_is_a_diff() {
    let output = check(&["--diff", &fixture("clean.yaml")]);
    let text = stdout(&output);
    assert!(
        text.starts_with("--- tests/fixtures/check/clean.yaml#1: Pod tenants-x/web, as written\n+++ "),
        "{text}"
    );
    assert!(text.contains("\n+  nodeSelector:\n+    tenant: tenants-x\n"), "{text}");
    assert!(text.contains("\n   containers:\n"), "the lines around it: {text}");
    assert!(
        !text.lines().any(|line| line.starts_with('-') && !line.starts_with("--- ")),
        "nothing goes: {text}"
    );
    assert!(text.ends_with("2 objects: 2 clean\n") || text.contains("2 objects: 2 clean"), "{text}");
    // What is stamped already has no diff.
    let stamped = stdout(&check(&["--show-stamped", &fixture("clean.yaml")]));
    assert!(!stdout(&check_stdin(&["--diff", "-"], &stamped)).contains("+++"));
    for (args, told) in [
        (["--diff", "--show-stamped"], "exclude each other"),
        (["--diff", "-ojson"], "`patch` says what changes"),
    ] {
        let output = check(&[&args[..], &[&fixture("clean.yaml")]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
}

/// A running pod and a bound claim as `kubectl get -o yaml` prints them.
const RUNNING: &str = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: web-7
    namespace: tenants-x
    uid: 0b7c
    annotations: {cni.projectcalico.org/podIP: 10.0.0.7/32}
    ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: '1', controller: true}]
  spec:
    nodeName: node-1
    priority: 0
    containers: [{name: web, image: registry.example.com/web}]
    nodeSelector: {tenant: tenants-x}
    tolerations:
    - {key: tenant, operator: Equal, value: tenants-x, effect: NoSchedule}
    - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  status: {phase: Running, podIP: 10.0.0.7}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: data
    namespace: tenants-x
    annotations:
      pv.kubernetes.io/bind-completed: 'yes'
      volume.kubernetes.io/selected-node: node-1
      volume.kubernetes.io/storage-provisioner: ebs.csi.aws.com
  spec: {volumeName: pvc-0b7c, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  status: {phase: Bound}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata:
    name: web-x
    namespace: tenants-x
    labels: {endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}
  addressType: IPv4
  endpoints: [{addresses: [10.0.0.7]}]
";

#[test]
fn what_a_cluster_filled_in_is_left_out() {
    let written = check_stdin(&["-o", "json", "-"], RUNNING);
    let denied = |line: &Value| line["allowed"] == false;
    assert!(lines(&written).iter().all(denied), "as if somebody had written it: {}", stdout(&written));
    let live = check_stdin(&["--live", "-"], RUNNING);
    let told = "3 objects: 2 clean, 1 written by the cluster's controllers\n";
    assert_eq!((stdout(&live).as_str(), live.status.code()), (told, Some(0)), "{}", stderr(&live));
    // What somebody wrote stays a violation.
    let hostile = RUNNING.replace("priority: 0", "hostNetwork: true");
    let live = check_stdin(&["--live", "-"], &hostile);
    assert_eq!(live.status.code(), Some(1), "{}", stdout(&live));
    assert!(stdout(&live).contains("spec.hostNetwork: "), "{}", stdout(&live));
}

#[test]
fn kinds_of_which_rules_read_only_metadata_are_judged() {
    let object = |api_version: &str, kind: &str| {
        format!("---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a, namespace: tenants-x}}\n")
    };
    let text = object("v1", "Secret")
        + &object("v1", "ConfigMap")
        + &object("v1", "ResourceQuota")
        + &object("networking.k8s.io/v1", "NetworkPolicy")
        + &object("external-secrets.io/v1", "ExternalSecret");
    assert_eq!(stdout(&check_stdin(&["-"], &text)), "5 objects: 5 clean\n");
}
