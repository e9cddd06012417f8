//! The budget of a decision: ten times what any honest review needs.
//!
//! `support::ask` holds every review of this suite to a tenth of its budget, recorded ones and fixtures as well. Here
//! are objects as large as Kubernetes stores them, that are allowed, and that were there before partywall.

use partywall_core::tenancy::Snapshot;
use partywall_core::{Entry, answer, work};
use serde_json::{Value, json};

use crate::support::{create, fixture, load, stamped, update};

/// The bytes of the largest object that etcd stores.
const STORED: usize = 3 << 19;

fn many(n: usize, item: impl Fn(usize) -> Value) -> Value {
    (0..n).map(item).collect()
}

/// As many items as an object may have, if each takes so many bytes.
fn fill(bytes: usize, item: impl Fn(usize) -> Value) -> Value {
    many((STORED / bytes).min(20_000), item)
}

fn object(api_version: &str, kind: &str, metadata: Value, spec: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
    object["metadata"]["name"] = json!("large");
    object["metadata"]["namespace"] = json!("tenants-x");
    object
}

/// Objects as large as may be stored, each with what it is about.
fn largest() -> Vec<(&'static str, Value)> {
    const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let backend = || json!({"service": {"name": "web", "port": {"number": 80}}});
    let foreign = |name: String| json!({"name": name, "namespace": "tenants-y", "port": 80});
    let required = |terms: Value| json!({"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}});
    let pod = |spec: Value| object("v1", "Pod", json!({}), spec);
    let container = |i: usize| json!({"name": format!("c{i}"), "image": "registry.example.com/app:1"});
    vec![
        (
            "tolerations",
            pod(json!({"containers": [container(0)], "tolerations": fill(90, |_| {
                json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"})
            })})),
        ),
        (
            "foreign tolerations",
            pod(json!({"containers": [container(0)], "tolerations": fill(40, |i| {
                json!({"key": format!("key-{i}"), "operator": "Exists"})
            })})),
        ),
        (
            "containers",
            pod(json!({"containers": many(2_000, |i| {
                let mut container = container(i);
                container["ports"] = many(3, |i| json!({"containerPort": i, "hostPort": i}));
                container["securityContext"] = json!({"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}});
                container["env"] = many(4, |i| json!({"name": format!("VARIABLE_{i}"), "value": "value"}));
                container
            })})),
        ),
        (
            "volumes",
            pod(json!({"containers": [container(0)], "volumes": many(2_000, |i| {
                json!({"name": format!("v{i}"), "hostPath": {"path": format!("/var/lib/{i}")}})
            })})),
        ),
        (
            "terms",
            pod(json!({"containers": [container(0)], "affinity": required(many(500, |i| json!({
                "matchExpressions": [
                    {"key": "tenant", "operator": "In", "values": ["tenants-x"]},
                    {"key": "kubernetes.io/hostname", "operator": "In",
                        "values": many(60, |j| json!(format!("node-{i}-{j}")))},
                ],
            })))})),
        ),
        (
            "host ports",
            pod(json!({"containers": [{"name": "a", "image": "registry.example.com/app:1",
            "ports": fill(60, |i| json!({"containerPort": i, "hostPort": i, "protocol": "TCP"}))}]})),
        ),
        (
            "own hosts",
            object(
                "networking.k8s.io/v1",
                "Ingress",
                json!({}),
                json!({
                    "rules": fill(110, |i| json!({"host": format!("app-{i}.x.example.com"), "http": {"paths": [
                        {"path": "/", "pathType": "Prefix", "backend": backend()},
                    ]}})),
                }),
            ),
        ),
        (
            "foreign hosts",
            object(
                "networking.k8s.io/v1",
                "Ingress",
                json!({}),
                json!({
                    "rules": fill(40, |i| json!({"host": format!("app-{i}.example.org")})),
                    "tls": [{"secretName": "a", "hosts": fill(100, |i| json!(format!("app-{i}.example.org")))}],
                }),
            ),
        ),
        (
            "annotations",
            object(
                "networking.k8s.io/v1",
                "Ingress",
                json!({
                    "annotations": (0..4_000)
                        .map(|i| (format!("nginx.ingress.kubernetes.io/unknown-{i}"), json!("value")))
                        .collect::<serde_json::Map<_, _>>(),
                }),
                json!({"rules": [{"host": "app.x.example.com"}]}),
            ),
        ),
        (
            "addresses",
            object(
                "v1",
                "Service",
                json!({}),
                json!({
                    "externalIPs": many(20_000, |i| json!(format!("10.1.{}.{}", i / 256, i % 256))),
                }),
            ),
        ),
        // The limits of the Gateway API's own schema.
        (
            "route",
            object(
                GATEWAY_API,
                "HTTPRoute",
                json!({}),
                json!({
                    "parentRefs": many(32, |i| json!({"name": format!("g{i}"), "namespace": "infra"})),
                    "hostnames": many(16, |i| json!(format!("h{i}.example.org"))),
                    "rules": many(16, |i| json!({
                        "backendRefs": many(16, |j| foreign(format!("b{i}-{j}"))),
                        "filters": many(16, |_| json!({"type": "Later"})),
                    })),
                }),
            ),
        ),
        (
            "gateway",
            object(
                GATEWAY_API,
                "Gateway",
                json!({}),
                json!({
                    "gatewayClassName": "nginx",
                    "listeners": many(64, |i| json!({
                        "name": format!("l{i}"), "hostname": format!("h{i}.example.org"),
                        "port": 443, "protocol": "HTTPS",
                        "tls": {"certificateRefs": many(64, |j| foreign(format!("c{j}")))},
                        "allowedRoutes": {"namespaces": {"from": "All"}},
                    })),
                }),
            ),
        ),
        (
            "certificate",
            object(
                "cert-manager.io/v1",
                "Certificate",
                json!({}),
                json!({
                    "issuerRef": {"name": "public", "kind": "ClusterIssuer"}, "secretName": "a",
                    "dnsNames": fill(30, |i| json!(format!("app-{i}.example.org"))),
                }),
            ),
        ),
        ("slice", object("discovery.k8s.io/v1", "EndpointSlice", json!({}), json!({}))),
    ]
}

/// Returns the work of a review, and its share of the budget in per mille.
fn share(entry: Entry, review: &Value, snapshot: &Snapshot) -> (u64, u64) {
    let body = serde_json::to_vec(review).unwrap();
    let (answer, spent) = work::measure(|| answer(entry, &body, snapshot));
    assert!(answer.is_ok());
    (spent.work, spent.work * 1_000 / work::budget(body.len()))
}

#[test]
fn o2_the_largest_objects_that_kubernetes_stores_take_a_tenth_of_the_budget() {
    let snapshot = load(&[fixture("rules/policies.yaml")]);
    let mut most = (0, "nothing");
    for (name, object) in largest() {
        let create = create(object.clone());
        let update = update(create.clone(), object);
        for (entry, review) in [
            (Entry::Mutate, &create),
            (Entry::Validate, &create),
            (Entry::Validate, &stamped(&create, &snapshot)),
            (Entry::Validate, &update),
        ] {
            let (work, share) = share(entry, review, &snapshot);
            assert!(share <= 100, "{name}: {work} units of work, {share} per mille of the budget");
            most = most.max((share, name));
        }
    }
    // If they took much less, the budget would be larger than it need be.
    assert!(most.0 >= 10, "{most:?} per mille at most");
}
