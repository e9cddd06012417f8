//! Tries a dozen attacks of tenants, and a few harmless things, through the API server.
//!
//! The attacks are such as both sides claim to stop with the policies here. Their ids are those of policies/ATTACKS.md.
//! Without a webhook each of them must succeed, or it would show nothing.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use axum::http::Method;
use serde_json::{Value, json};

use crate::api::{Api, Error};
use crate::eventually::{SOON, eventually};
use crate::kinds::path;
use crate::side::Side;
use crate::stand::{ELSEWHERE, OUTSIDER, Stand, TENANT, USER, is_denial, is_stamped};

/// How long the API server may go on asking about a namespace after its labels changed.
const LAG: Duration = Duration::from_secs(3);
/// How long a controller may take to create a pod.
const CONTROLLERS: Duration = Duration::from_secs(20);

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
}

/// An attack or a harmless object, and its outcome.
pub(crate) struct Judged {
    /// The id of the attack; empty if this is harmless.
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) verdict: Verdict,
}

/// The users.
struct Ground<'s> {
    admin: &'s Api,
    tenant: Api,
    outsider: Api,
    side: Side,
}

type Try = fn(&Ground<'_>) -> anyhow::Result<Verdict>;

const ATTACKS: [(&str, &str, Try); 12] = [
    ("B1", "pod that tolerates every taint", tolerates_everything),
    ("B6", "toleration of another tenant's nodes, added to a running pod", tolerates_later),
    ("B13", "pod outside tenants for a tenant's nodes", tolerates_from_elsewhere),
    ("C1", "pod that names another tenant's node", names_its_node),
    ("C2", "pod that its tenant binds to another tenant's node", binds_itself),
    ("E2", "privileged init container", privileged_init_container),
    ("E3", "privileged ephemeral container", privileged_ephemeral_container),
    ("F2", "Service that an update makes a NodePort", becomes_a_node_port),
    ("G1", "Ingress for a host that only ends like the tenant's", host_ends_alike),
    ("G2", "Ingress for every host", host_left_out),
    ("I2", "namespace taken out by its labels, then a privileged pod", labels_removed),
    ("I3", "the same through `namespaces/status`", labels_removed_by_status),
];

const HARMLESS: [(&str, Try); 9] = [
    ("pod, which gets its tenant's stamp", plain_pod),
    ("pod that leaves an unreachable node after 30 s", leaves_soon),
    ("label of a running pod", label_changed),
    ("ephemeral container", ephemeral_container),
    ("Deployment, which gets its pod", deployment),
    ("DaemonSet, which gets its pod", daemon_set),
    ("Service of type ClusterIP", cluster_ip),
    ("Ingress for the tenant's hosts", own_hosts),
    ("pod outside tenants with a toleration of its own", own_toleration_elsewhere),
];

/// Tries everything against a side.
pub(crate) fn perform_all(stand: &Stand, side: Side) -> anyhow::Result<Vec<Judged>> {
    let ground =
        Ground { admin: stand.admin(), tenant: stand.api(USER), outsider: stand.api(OUTSIDER), side };
    let mut judged = Vec::new();
    for (id, what, attempt) in ATTACKS {
        let verdict = attempt(&ground)?;
        ensure!(side != Side::Nothing || verdict == Verdict::Allowed, "{id} fails without any webhook");
        judged.push(Judged { id, what, verdict });
    }
    for (what, attempt) in HARMLESS {
        let verdict = attempt(&ground)?;
        ensure!(side != Side::Nothing || verdict == Verdict::Allowed, "`{what}` fails without any webhook");
        judged.push(Judged { id: "", what, verdict });
    }
    Ok(judged)
}

/// Fails if it was not a webhook that denied a request.
fn judge(answer: Result<Value, Error>) -> anyhow::Result<Verdict> {
    match answer {
        Ok(_) => Ok(Verdict::Allowed),
        Err(Error::Api { message, .. }) if is_denial(&message) => Ok(Verdict::Denied),
        Err(error) => bail!("neither allowed nor denied: {error}"),
    }
}

fn create(api: &Api, namespace: &str, object: &Value) -> anyhow::Result<Verdict> {
    let kind = object["kind"].as_str().unwrap_or_default();
    judge(api.send(Method::POST, &path(kind, namespace), object))
}

fn patch(api: &Api, path: &str, patch: &Value) -> anyhow::Result<Verdict> {
    judge(api.send(Method::PATCH, path, patch))
}

fn named(kind: &str, namespace: &str, name: &str) -> String {
    format!("{}/{name}", path(kind, namespace))
}

/// A pod with more in its spec.
fn pod(name: &str, more: &Value) -> Value {
    let mut spec = json!({"containers": [{"name": "app", "image": "registry.example.com/app:1"}]});
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
}

fn privileged(name: &str) -> Value {
    json!({"name": name, "image": "registry.example.com/app:1", "securityContext": {"privileged": true}})
}

fn tolerates_everything(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    let pod = pod("b1", &json!({"tolerations": [{"operator": "Exists"}]}));
    create(&ground.tenant, TENANT, &pod)
}

fn tolerates_later(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    let mut pod = ground.tenant.create(&path("Pod", TENANT), &pod("b6", &json!({})));
    let mut tolerations = pod["spec"]["tolerations"].take();
    let more = json!({"key": "tenant", "operator": "Equal", "value": "tenants-y", "effect": "NoSchedule"});
    tolerations.as_array_mut().unwrap().push(more);
    patch(&ground.tenant, &named("Pod", TENANT, "b6"), &json!({"spec": {"tolerations": tolerations}}))
}

fn tolerates_from_elsewhere(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    let pod = pod(
        "b13",
        &json!({
            "nodeSelector": {"tenant": TENANT},
            "tolerations": [{"key": "tenant", "operator": "Equal", "value": TENANT, "effect": "NoSchedule"}],
        }),
    );
    create(&ground.outsider, ELSEWHERE, &pod)
}

fn names_its_node(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    create(&ground.tenant, TENANT, &pod("c1", &json!({"nodeName": "node-y"})))
}

fn binds_itself(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    // It asks for more than any node has, so that the scheduler does not bind it first.
    let resources = json!({"requests": {"cpu": "2000"}});
    let container = json!({"name": "app", "image": "registry.example.com/app:1", "resources": resources});
    ground.tenant.create(&path("Pod", TENANT), &pod("c2", &json!({"containers": [container]})));
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "c2"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-y"},
    });
    let path = format!("{}/binding", named("Pod", TENANT, "c2"));
    judge(ground.tenant.send(Method::POST, &path, &binding))
}

fn privileged_init_container(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    create(&ground.tenant, TENANT, &pod("e2", &json!({"initContainers": [privileged("init")]})))
}

fn privileged_ephemeral_container(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    debug(ground, "e3", &privileged("debug"))
}

/// Adds an ephemeral container to a new pod.
fn debug(ground: &Ground<'_>, name: &str, container: &Value) -> anyhow::Result<Verdict> {
    ground.tenant.create(&path("Pod", TENANT), &pod(name, &json!({})));
    let path = format!("{}/ephemeralcontainers", named("Pod", TENANT, name));
    patch(&ground.tenant, &path, &json!({"spec": {"ephemeralContainers": [container]}}))
}

fn service(name: &str) -> Value {
    let spec = json!({"selector": {"app": "web"}, "ports": [{"port": 80}]});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

fn becomes_a_node_port(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    ground.tenant.create(&path("Service", TENANT), &service("f2"));
    patch(&ground.tenant, &named("Service", TENANT, "f2"), &json!({"spec": {"type": "NodePort"}}))
}

/// An Ingress with rules for these hosts; an empty one is left out.
fn ingress(name: &str, hosts: &[&str]) -> Value {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let rule = |host: &&str| {
        let mut rule = json!({"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
        if !host.is_empty() {
            rule["host"] = json!(host);
        }
        rule
    };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {"rules": hosts.iter().map(rule).collect::<Vec<_>>()},
    })
}

fn host_ends_alike(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    create(&ground.tenant, TENANT, &ingress("g1", &["app.x.example.com", "shop.notx.example.com"]))
}

fn host_left_out(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    create(&ground.tenant, TENANT, &ingress("g2", &[""]))
}

fn labels_removed(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    take_out(ground, "i2", "")
}

fn labels_removed_by_status(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    take_out(ground, "i3", "/status")
}

/// Changes the labels by which either side chooses what it judges; a privileged pod then shows whether that helped.
fn take_out(ground: &Ground<'_>, name: &str, subresource: &str) -> anyhow::Result<Verdict> {
    let namespace = named("Namespace", "", TENANT);
    let labels = |tenant: Value, ignore: Value| {
        let labels = json!({"partywall.dev/tenant": tenant, "admission.gatekeeper.sh/ignore": ignore});
        json!({"metadata": {"labels": labels}})
    };
    let changed = labels(Value::Null, json!("yes"));
    if patch(&ground.tenant, &format!("{namespace}{subresource}"), &changed)? == Verdict::Denied {
        return Ok(Verdict::Denied);
    }
    let (begun, pod) = (Instant::now(), pod(name, &json!({"containers": [privileged("app")]})));
    let verdict = loop {
        let verdict = create(&ground.tenant, TENANT, &pod)?;
        if verdict == Verdict::Allowed || begun.elapsed() >= LAG {
            break verdict;
        }
        thread::sleep(LAG / 30);
    };
    ground.admin.patch(&namespace, &labels(json!(TENANT), Value::Null));
    if ground.side != Side::Nothing {
        let probe = format!("{}?dryRun=All", path("Pod", TENANT));
        eventually(SOON, "the namespace is judged again", || {
            match judge(ground.tenant.send(Method::POST, &probe, &pod)) {
                Ok(Verdict::Denied) => Ok(()),
                answer => Err(format!("{answer:?}")),
            }
        });
    }
    Ok(verdict)
}

fn plain_pod(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    let answer = ground.tenant.send(Method::POST, &path("Pod", TENANT), &pod("plain", &json!({})));
    if let Ok(pod) = &answer {
        ensure!(is_stamped(pod) == (ground.side != Side::Nothing), "{}: {}", ground.side, pod["spec"]);
    }
    judge(answer)
}

fn leaves_soon(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    let toleration = json!({
        "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30,
    });
    create(&ground.tenant, TENANT, &pod("soon", &json!({"tolerations": [toleration]})))
}

fn label_changed(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    ground.tenant.create(&path("Pod", TENANT), &pod("labelled", &json!({})));
    patch(&ground.tenant, &named("Pod", TENANT, "labelled"), &json!({"metadata": {"labels": {"app": "web"}}}))
}

fn ephemeral_container(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    debug(ground, "debugged", &json!({"name": "debug", "image": "registry.example.com/debug:1"}))
}

/// A Deployment or a DaemonSet.
fn workload(kind: &str, name: &str) -> Value {
    let labels = json!({"app": name});
    let mut template = pod(name, &json!({}));
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"].take()},
        },
    })
}

fn deployment(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    becomes_pods(ground, &workload("Deployment", "deployed"))
}

fn daemon_set(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    becomes_pods(ground, &workload("DaemonSet", "daemon"))
}

/// Creates a workload and waits for a pod of it on a node.
fn becomes_pods(ground: &Ground<'_>, workload: &Value) -> anyhow::Result<Verdict> {
    if create(&ground.tenant, TENANT, workload)? == Verdict::Denied {
        return Ok(Verdict::Denied);
    }
    let name = workload["metadata"]["name"].as_str().unwrap_or_default();
    let pods = format!("{}?labelSelector=app%3D{name}", path("Pod", TENANT));
    let begun = Instant::now();
    while begun.elapsed() < CONTROLLERS {
        let list = ground.admin.get(&pods).unwrap_or_default();
        let mut items = list["items"].as_array().into_iter().flatten();
        if items.any(|pod| pod["spec"]["nodeName"].is_string()) {
            return Ok(Verdict::Allowed);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(Verdict::Denied)
}

fn cluster_ip(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    create(&ground.tenant, TENANT, &service("web"))
}

fn own_hosts(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    create(&ground.tenant, TENANT, &ingress("web", &["app.x.example.com", "shop.x.example.com"]))
}

fn own_toleration_elsewhere(ground: &Ground<'_>) -> anyhow::Result<Verdict> {
    let toleration =
        json!({"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "NoSchedule"});
    create(&ground.outsider, ELSEWHERE, &pod("dedicated", &json!({"tolerations": [toleration]})))
}
