//! What people read of a denial: one line a control of Pod Security.

use serde_json::{Value, json};

use crate::support::{create, snapshot, update, validate};

const POLICIES: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: hard}
spec: {namespaces: [hard], podSecurity: {level: restricted, version: v1.33}}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: soft}
spec: {namespaces: [soft], podSecurity: {level: baseline, version: v1.33}}
";

fn pod(namespace: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": namespace}, "spec": spec,
    })
}

/// Returns the lines of the message without their beginning, and the number of causes.
fn lines(review: &Value) -> (Vec<String>, usize) {
    let answer = validate(review, &snapshot(POLICIES));
    let lines =
        answer.message().lines().map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest).to_owned());
    (lines.collect(), answer.causes().len())
}

#[test]
fn a_control_has_one_line_that_names_all_containers() {
    let containers = ["app", "proxy", "exporter"].map(|name| json!({"name": name, "image": "i"}));
    let (lines, causes) = lines(&create(pod("hard", json!({"containers": containers}))));
    assert_eq!(causes, 12, "a cause for each container and control");
    assert_eq!(
        lines,
        [
            "spec.containers[0].securityContext.allowPrivilegeEscalation: container `app` (also container `proxy`, \
             container `exporter`) lets its processes gain privileges; set `allowPrivilegeEscalation` to false (rule \
             pod-security)",
            "spec.containers[0].securityContext.runAsNonRoot: container `app` (also container `proxy`, container \
             `exporter`) may run as root; set `runAsNonRoot` of the container or of the pod to true (rule \
             pod-security)",
            "spec.containers[0].securityContext.seccompProfile.type: container `app` (also container `proxy`, \
             container `exporter`) has no seccomp profile; set `seccompProfile.type` of the container or of the pod \
             to RuntimeDefault or Localhost (rule pod-security)",
            "spec.containers[0].securityContext.capabilities.drop: container `app` (also container `proxy`, container \
             `exporter`) keeps the default capabilities; set `capabilities.drop` to [\"ALL\"] (rule pod-security)",
        ]
    );
}

#[test]
fn of_other_problems_a_line_names_the_fields() {
    let adds = |name: &str, added: &[&str]| {
        let context = json!({"capabilities": {"add": added}});
        json!({"name": name, "image": "i", "securityContext": context})
    };
    let containers = [adds("app", &["NET_ADMIN"]), adds("proxy", &["NET_ADMIN", "SYS_ADMIN"])];
    let (lines, causes) = lines(&create(pod("soft", json!({"containers": containers}))));
    assert_eq!((lines.len(), causes), (1, 3));
    let start = "spec.containers[0].securityContext.capabilities.add[0]: container `app` (also container `proxy`) adds \
                 capability `NET_ADMIN`";
    assert!(lines[0].starts_with(start), "{}", lines[0]);
    let end = "; also `spec.containers[1].securityContext.capabilities.add[1]` (rule pod-security)";
    assert!(lines[0].ends_with(end), "{}", lines[0]);
}

#[test]
fn many_containers_are_counted() {
    let containers: Vec<_> = (0..40)
        .map(|index| json!({"name": format!("c{index}"), "image": "i", "securityContext": {"privileged": true}}))
        .collect();
    let (lines, _) = lines(&create(pod("soft", json!({"containers": containers}))));
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("container `c10` and 29 more) runs privileged"), "{}", lines[0]);
}

#[test]
fn a_template_is_warned_about_by_control() {
    let containers = ["app", "proxy", "exporter"].map(|name| json!({"name": name, "image": "i"}));
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "hard"},
        "spec": {"template": {"spec": {"containers": containers}}},
    });
    let answer = validate(&create(deployment), &snapshot(POLICIES));
    let warnings: Vec<_> =
        answer.response["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
    assert!(
        warnings
            .iter()
            .all(|warning| warning.contains("`app` (also container `proxy`, container `exporter`)"))
    );
}

#[test]
fn a_debug_container_is_told_its_profile() {
    let hardened = json!({
        "name": "app", "image": "i", "securityContext": {
            "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    let debugger = json!({
        "name": "debugger", "image": "busybox", "securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}},
    });
    for (namespace, profile) in [("hard", "restricted"), ("soft", "baseline")] {
        let old = pod(namespace, json!({"containers": [hardened]}));
        let new = pod(namespace, json!({"containers": [hardened], "ephemeralContainers": [debugger]}));
        let mut review = update(create(new), old);
        review["request"]["subResource"] = json!("ephemeralcontainers");
        let (lines, _) = lines(&review);
        let advice = format!("; with `kubectl debug`, use `--profile={profile}`");
        assert!(lines[0].contains(&advice), "{lines:#?}");
        assert!(!lines[1..].iter().any(|line| line.contains("kubectl")), "it is said once: {lines:#?}");
        let (lines, _) = self::lines(&create(pod(namespace, json!({"containers": [debugger]}))));
        assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains("kubectl")), "{lines:#?}");
    }
}

#[test]
fn a_shell_on_a_node_is_told_its_namespace() {
    let shell = json!({
        "nodeName": "node-1", "hostPID": true, "hostNetwork": true, "hostIPC": true,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "debugger", "image": "busybox"}],
        "volumes": [{"name": "host-root", "hostPath": {"path": "/"}}],
    });
    let usual = [
        POLICIES,
        "---
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: pool}
spec: {nodeSelector: {node-restriction.kubernetes.io/pool: pool}, taints: [{key: pool, value: pool}]}
",
    ]
    .concat();
    let own = format!(
        "{usual}---
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {{name: default}}
spec: {{systemNamespaces: [ops, platform]}}
"
    );
    for (policies, advised) in [(&usual, "`-n kube-system`"), (&own, "`-n ops`")] {
        for namespace in ["soft", "elsewhere"] {
            let answer = validate(&create(pod(namespace, shell.clone())), &snapshot(policies));
            let advice = format!("run shells on nodes in a system namespace ({advised})");
            assert!(answer.message().contains(&advice), "{namespace}: {}", answer.message());
        }
    }
    let mut no_shell = shell;
    no_shell.as_object_mut().unwrap().remove("nodeName");
    let answer = validate(&create(pod("soft", no_shell)), &snapshot(&usual));
    assert!(!answer.message().contains("shells"), "{}", answer.message());
}
