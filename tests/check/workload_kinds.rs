//! Kinds of other APIs whose controllers create pods.

use std::fs;

use serde_json::json;

use super::*;

const POLICIES: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: blue}
spec:
  nodeSelector: {node-restriction.kubernetes.io/pool: blue}
  taints: [{key: pool, value: blue}]
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: blue}
spec: {namespaces: [blue], nodePools: {default: blue}}
";
const KINDS: &str = "---
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {name: default}
spec:
  workloadKinds:
  - {group: argoproj.io, kind: Rollout, resource: rollouts, template: .spec.template}
  - {group: serving.knative.dev, kind: Service, resource: services, template: .spec.template}
  - {group: batch.volcano.sh, kind: Job, resource: jobs, template: '.spec.tasks[*].template'}
";
/// Two workloads whose pods would be denied, one whose pods would be allowed, and one without a template.
const MANIFESTS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: blue}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      hostNetwork: true
      containers: [{name: app, image: i, securityContext: {privileged: true}}]
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello, namespace: blue}
spec: {template: {spec: {containers: [{image: i, securityContext: {privileged: true}}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: fine, namespace: blue}
spec: {template: {spec: {containers: [{name: app, image: i}]}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: by-reference, namespace: blue}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
";

/// Returns the folder, and the paths of the policies and of the manifests in it.
fn files(policies: &str, manifests: &str) -> (TempDir, [String; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let paths = [("policies.yaml", policies), ("manifests.yaml", manifests)].map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    });
    (folder, paths)
}

#[test]
fn the_templates_of_listed_kinds_are_judged() {
    let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}"), MANIFESTS);
    let (lines, code) = judge(&["--policies", &policies, &manifests]);
    assert_eq!((lines.len(), code), (4, 1), "{lines:#?}");
    assert!(violates(&lines[0], "pod-security", "spec.template.spec.hostNetwork"), "{:#}", lines[0]);
    let privileged = "spec.template.spec.containers[0].securityContext.privileged";
    assert!(violates(&lines[0], "pod-security", privileged), "{:#}", lines[0]);
    assert!(violates(&lines[1], "pod-security", privileged), "{:#}", lines[1]);
    let fields = |field: &str| lines.iter().map(|line| line[field].clone()).collect::<Vec<_>>();
    assert_eq!(fields("line"), [2, 13, 18, 23].map(|line| json!(line)));
    assert_eq!(fields("podsAllowed"), [json!(false), json!(false), json!(true), json!(true)]);
}

/// One task whose pods would be allowed, one without a template, and two whose pods would be denied.
const TASKS: &str = "
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
metadata:
  name: training
  namespace: blue
  annotations: {reflector.v1.k8s.emberstack.com/reflects: red/secret}
spec:
  tasks:
  - name: fine
    template: {spec: {containers: [{name: app, image: i}]}}
  - name: none
  - name: privileged
    template:
      spec:
        containers:
        - {name: app, image: i, securityContext: {privileged: true}}
  - name: hosts
    template:
      spec:
        hostNetwork: true
        containers: [{name: app, image: i}]
";

#[test]
fn each_template_of_a_list_is_judged_and_its_fields_have_their_lines() {
    let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}"), TASKS);
    let (lines, code) = judge(&["--policies", &policies, &manifests]);
    let violations = lines[0]["violations"].as_array().unwrap();
    let found: Vec<_> = violations.iter().map(|one| (&one["field"], one["line"].as_u64().unwrap())).collect();
    // What is about the object itself is told once.
    let expected = [
        (&json!("spec.tasks[2].template.spec.containers[0].securityContext.privileged"), 17),
        (&json!("spec.tasks[3].template.spec.hostNetwork"), 21),
        (&json!("metadata.annotations[reflector.v1.k8s.emberstack.com/reflects]"), 7),
    ];
    assert_eq!((found, code), (expected.to_vec(), 1), "{lines:#?}");
    assert_eq!(lines[0]["podsAllowed"], false);
    // An exemption of an image is about the containers of each template by itself.
    let exemption = "---
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {name: training}
spec:
  tenant: blue
  namespace: blue
  rules: [pod-security]
  images: [i]
  target: {group: batch.volcano.sh, kind: Job, name: training}
  reason: why
  expires: \"2999-12-31\"
";
    let other = TASKS.replace(
        "hostNetwork: true\n        containers: [{name: app, image: i}]",
        "hostNetwork: true\n        containers: [{name: app, image: other}]",
    );
    assert_ne!(other, TASKS);
    let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}{exemption}"), &other);
    let (lines, _) = judge(&["--policies", &policies, &manifests]);
    let violations = lines[0]["violations"].as_array().unwrap();
    let fields: Vec<_> = violations.iter().map(|one| one["field"].as_str().unwrap()).collect();
    let rest = "metadata.annotations[reflector.v1.k8s.emberstack.com/reflects]";
    assert_eq!(fields, ["spec.tasks[3].template.spec.hostNetwork", rest], "{lines:#?}");
}

#[test]
fn o1_more_templates_than_any_workload_has_are_not_judged() {
    for (count, code) in [(256, 0), (257, 2)] {
        let tasks = "{template: {spec: {containers: [{name: a, image: i}]}}},".repeat(count);
        let job = format!(
            "{{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {{name: a, namespace: blue}}, \
             spec: {{tasks: [{tasks}]}}}}"
        );
        let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}"), &job);
        let output = check(&["--policies", &policies, &manifests]);
        assert_eq!(output.status.code(), Some(code), "{}", stdout(&output));
        assert_eq!(
            stderr(&output).contains("`spec.tasks` does not decode: there are more than 256 templates"),
            code == 2,
            "{}",
            stderr(&output)
        );
    }
}

/// The rule `priority-class` reads such a Job itself, which is no template, so it is denied and not only warned about.
#[test]
fn o18_a_job_of_volcano_is_judged_by_itself_too() {
    let job = "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: a, namespace: blue}, \
               spec: {priorityClassName: system-node-critical, \
               tasks: [{template: {spec: {hostIPC: true, containers: [{name: a, image: i}]}}}]}}";
    let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}"), job);
    let (lines, _) = judge(&["--policies", &policies, &manifests]);
    let violations = lines[0]["violations"].as_array().unwrap();
    let found: Vec<_> = violations.iter().map(|one| [&one["field"], &one["mode"]]).collect();
    let expected = [["spec.tasks[0].template.spec.hostIPC", "warn"], ["spec.priorityClassName", "deny"]];
    assert_eq!(json!(found), json!(expected), "{lines:#?}");
}

#[test]
fn what_is_no_list_where_templates_are_listed_is_not_judged() {
    let job = "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: a, namespace: blue}, \
               spec: {tasks: {a: b}}}";
    let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}"), job);
    let output = check(&["--policies", &policies, &manifests]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("spec.tasks"), "{}", stderr(&output));
}

#[test]
fn templates_of_other_kinds_are_not() {
    let (_folder, [policies, manifests]) = files(POLICIES, MANIFESTS);
    let output = check(&["--policies", &policies, &manifests]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("4 of kinds that no rule is about"), "{}", stdout(&output));
}

#[test]
fn a_template_that_does_not_decode_is_not_judged() {
    let broken = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: blue}
spec: {template: {spec: {hostNetwork: 7}}}
";
    let (_folder, [policies, manifests]) = files(&format!("{POLICIES}{KINDS}"), broken);
    let output = check(&["--policies", &policies, &manifests]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("spec.template.spec.hostNetwork"), "{}", stderr(&output));
}
