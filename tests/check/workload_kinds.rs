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
