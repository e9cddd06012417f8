//! Requests of a tenant that are denied, and the messages on its terminal.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::users::User;

const TENANT: User = User::Tenant("tenant-x");
const OUTSIDER: User = User::Tenant("outsider");

fn object(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    object["spec"] = spec;
    object
}

fn pod(mut spec: Value) -> Value {
    if spec["containers"].is_null() {
        spec["containers"] = json!([{"name": "app", "image": "registry.example.com/app:1"}]);
    }
    object("v1", "Pod", "app", spec)
}

fn tolerant(mut spec: Value) -> Value {
    spec["tolerations"] = json!([{"key": "tenant", "operator": "Exists"}]);
    spec
}

fn container(mut field: Value) -> Value {
    field["name"] = json!("app");
    field["image"] = json!("registry.example.com/app:1");
    json!({"containers": [field]})
}

fn service(spec: Value) -> Value {
    object("v1", "Service", "web", spec)
}

fn ingress(spec: Value) -> Value {
    object("networking.k8s.io/v1", "Ingress", "web", spec)
}

fn rule(host: &str) -> Value {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}})
}

fn term(key: &str, value: &str) -> Value {
    let terms = json!([{"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}]);
    json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
}

/// Every attempt's exit code and what stderr said, for a reader to look over.
fn transcript(cluster: &Cluster, user: User, namespace: &str, attempts: Vec<(&str, Value)>) -> String {
    let mut transcript = String::new();
    for (what, object) in attempts {
        let outcome = cluster.kubectl(user).within(namespace).create(object.to_string()).run();
        let code = outcome.code.map_or("none".to_owned(), |code| code.to_string());
        writeln!(transcript, "# {what}\nexit code {code}\n{}", outcome.errors()).unwrap();
        assert!(outcome.stdout.is_empty(), "{what}: {}", outcome.stdout);
    }
    transcript
}

pub(crate) fn a_tenant_is_told_why_and_what_to_do(cluster: &Cluster) {
    let namespace = "x-denied";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let privileged = container(json!({"securityContext": {"privileged": true}}));
    let host_path = json!({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]});
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let attempts = vec![
        (
            "f1: a Service of type LoadBalancer",
            service(json!({"type": "LoadBalancer", "ports": [{"port": 80}]})),
        ),
        ("f1: a Service of type NodePort", service(json!({"type": "NodePort", "ports": [{"port": 80}]}))),
        (
            "f3: a Service with an external IP",
            service(json!({"externalIPs": ["192.0.2.7"], "ports": [{"port": 80}]})),
        ),
        (
            "f8: a Service that is another name",
            service(json!({"type": "ExternalName", "externalName": "db.tenants-y.svc.cluster.local"})),
        ),
        ("g1: an Ingress with another tenant's host", ingress(json!({"rules": [rule("app.y.example.com")]}))),
        ("g2: an Ingress without a host", ingress(json!({"rules": [{"http": rule("x")["http"]}]}))),
        ("g4: an Ingress for all that nobody claims", ingress(json!({"defaultBackend": backend}))),
        (
            "g6: an Ingress with another tenant's certificate",
            ingress(json!({
            "rules": [rule("app.x.example.com")], "tls": [{"hosts": ["app.y.example.com"], "secretName": "tls"}]})),
        ),
        ("b1: a pod that tolerates everything", pod(json!({"tolerations": [{"operator": "Exists"}]}))),
        (
            "b2: a pod that tolerates every tenant's taint",
            pod(json!({"tolerations": [{"key": "tenant", "operator": "Exists"}]})),
        ),
        (
            "b3: a pod that tolerates another tenant's taint",
            pod(json!({"tolerations": [{"key": "tenant", "value": "tenants-y"}]})),
        ),
        (
            "a6: a pod that selects another tenant's nodes",
            pod(json!({"nodeSelector": {"tenant": "tenants-y"}})),
        ),
        ("c1: a pod that names its node", pod(json!({"nodeName": "node-y"}))),
        ("e1: a privileged pod", pod(privileged)),
        (
            "e2: a privileged init container",
            pod(json!({
            "containers": [{"name": "app", "image": "a"}],
            "initContainers": [{"name": "setup", "image": "a", "securityContext": {"privileged": true}}]})),
        ),
        ("e1: a pod that mounts its node", pod(host_path)),
        ("e10: a pod in its node's network", pod(json!({"hostNetwork": true}))),
        (
            "everything at once",
            pod(json!({"hostPID": true, "nodeName": "node-y", "tolerations": [{"operator": "Exists"}]})),
        ),
    ];
    insta::assert_snapshot!("denied_to_a_tenant", transcript(cluster, TENANT, namespace, attempts));
    assert!(cluster.pods(namespace).is_empty());
    assert!(cluster.list("Service", namespace).is_empty());
    assert!(cluster.list("Ingress", namespace).is_empty());
}

pub(crate) fn b13_pods_outside_tenants_reach_no_nodes_of_tenants(cluster: &Cluster) {
    let namespace = cluster.fresh_namespace("elsewhere");
    cluster.grant_edit(OUTSIDER, &namespace);
    let attempts = vec![
        (
            "b13: a pod that tolerates a tenant's taint",
            pod(json!({"tolerations": [{"key": "tenant", "value": "tenants-x"}]})),
        ),
        ("b13: a pod that tolerates everything", pod(json!({"tolerations": [{"operator": "Exists"}]}))),
        (
            "b13: a pod that selects a tenant's nodes",
            pod(tolerant(json!({"nodeSelector": {"tenant": "tenants-x"}}))),
        ),
        (
            "b13: a pod that wants a tenant's nodes",
            pod(tolerant(json!({"affinity": term("tenant", "tenants-x")}))),
        ),
        ("c1: a pod that names its node", pod(json!({"nodeName": "node-x"}))),
    ];
    let transcript = transcript(cluster, OUTSIDER, &namespace, attempts);
    insta::assert_snapshot!("denied_elsewhere", transcript.replace(&namespace, "elsewhere"));
}

pub(crate) fn j4_d5_g11_other_versions_of_an_object_are_judged_too(cluster: &Cluster) {
    let namespace = "x-versions";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let serves_ingresses = |version: &str| {
        let found = cluster.admin().get(&format!("/apis/{version}")).unwrap_or_default();
        let mut resources = found["resources"].as_array().into_iter().flatten();
        resources.any(|resource| resource["name"] == "ingresses")
    };
    let versions = ["networking.k8s.io/v1", "networking.k8s.io/v1beta1", "extensions/v1beta1"];
    let served: Vec<_> = versions.into_iter().filter(|version| serves_ingresses(version)).collect();
    // Nothing reads the fields of the others.
    assert_eq!(served, ["networking.k8s.io/v1"]);
    let ingress =
        |host: &str| object(versions[0], "Ingress", "web", json!({"rules": [rule(host)]})).to_string();
    let outcome = cluster.kubectl(TENANT).within(namespace).create(ingress("app.y.example.com")).fails();
    outcome.says("ingresses.partywall.dev").says("spec.rules[0].host").says("(rule ingress-hosts)");
    cluster.kubectl(TENANT).within(namespace).create(ingress("app.x.example.com")).succeeds();
}

/// The stamp restricts every term of a tenant's own affinity, so the pod is not denied.
pub(crate) fn a1_a3_every_term_of_a_tenants_own_affinity_is_stamped(cluster: &Cluster) {
    let namespace = "x-affinity";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let own = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-shared"]}]},
        {"matchExpressions": [{"key": "tenant", "operator": "Exists"}]},
    ]}}});
    let object = pod(json!({"affinity": own}));
    cluster.kubectl(TENANT).within(namespace).create(object.to_string()).succeeds();
    let pods =
        cluster.pods_until(namespace, "the pod is bound", |pods| pods[0]["spec"]["nodeName"].is_string());
    assert_eq!(pods[0]["spec"]["nodeName"], "node-x");
    let required =
        &pods[0]["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let own_node = json!({"key": "tenant", "operator": "In", "values": ["tenants-x"]});
    for term in required["nodeSelectorTerms"].as_array().unwrap() {
        assert!(term["matchExpressions"].as_array().unwrap().contains(&own_node), "{term}");
    }
}

pub(crate) fn d3_a_workload_with_denied_pods_gets_a_warning_and_no_pods(cluster: &Cluster) {
    let namespace = "x-workloads";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    let template = json!({
        "metadata": {"labels": {"app": "root"}},
        "spec": container(json!({"securityContext": {"privileged": true}})),
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "root"},
        "spec": {"selector": {"matchLabels": {"app": "root"}}, "template": template},
    });
    let outcome = cluster.kubectl(TENANT).within(namespace).create(deployment.to_string()).succeeds();
    let ours: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("(rule ")).collect();
    insta::assert_snapshot!("warned_about_a_template", ours.join("\n"));
    // The pods are refused whoever makes them: here a controller of the system.
    eventually(SOON, "the ReplicaSet says why it has no pod", || {
        let sets = cluster.list("ReplicaSet", namespace);
        let conditions = sets.first().map(|set| set["status"]["conditions"].clone()).unwrap_or_default();
        let refused = conditions.as_array().into_iter().flatten().any(|condition| {
            condition["type"] == "ReplicaFailure"
                && condition["message"].as_str().is_some_and(|message| message.contains("rule pod-security"))
        });
        if refused { Ok(()) } else { Err(conditions.to_string()) }
    });
    assert!(cluster.pods(namespace).is_empty());
}

pub(crate) fn c2_only_the_scheduler_binds_pods(cluster: &Cluster) {
    let namespace = "x-binding";
    cluster.tenant_namespace(namespace, "tenants-x", "tenant-x");
    cluster.grant(TENANT, namespace, &["create"], &["bindings", "pods/binding"]);
    // Nowhere is there so much room, so it waits to be bound.
    let waiting = pod(container(json!({"resources": {"requests": {"cpu": "5000"}}})));
    cluster.kubectl(TENANT).within(namespace).create(waiting.to_string()).succeeds();
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "app"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-y"},
    });
    for path in ["pods/app/binding", "bindings"] {
        let raw = format!("/api/v1/namespaces/{namespace}/{path}");
        let create = ["create", "--raw", &raw, "-f", "-"];
        let outcome = cluster.kubectl(TENANT).args(create).stdin(binding.to_string()).fails();
        outcome.says("bindings.partywall.dev").says("(rule node-placement)");
    }
    assert!(cluster.pods(namespace)[0]["spec"]["nodeName"].is_null());
}
