//! An object of each kind that a rule reads, with the definitions that projects ship: one is stored, one is denied.

use std::collections::BTreeSet;

use axum::http::Method;
use partywall_core::objects::kinds::{Scope, plural, row};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::crds;
use crate::pairs::{Denied, Pair, pairs};
use crate::partywall::Setup;
use crate::registration;
use crate::users::User;

/// A user of tenants, who is nobody's platform.
const TENANT: &str = "somebody@example.com";
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rules/policies.yaml");
/// The classes that the fixtures name.
const CLASSES: [(&str, u32); 3] = [("team-low", 10), ("team-high", 1000), ("team-urgent", 100_000)];

/// The path of an object's kind.
fn path(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("/apiVersion"), text("/kind"));
    let (api, group) = match version.split_once('/') {
        Some((group, _)) => (format!("/apis/{version}"), group),
        None => (format!("/api/{version}"), ""),
    };
    let resource = plural(group, kind);
    match text("/metadata/namespace") {
        "" => format!("{api}/{resource}"),
        namespace => format!("{api}/namespaces/{namespace}/{resource}"),
    }
}

/// Returns the pairs of this release, with their objects in a namespace.
fn of_release(cluster: &Cluster) -> Vec<Pair> {
    let mut pairs = pairs();
    pairs.retain(|pair| {
        let is_served = pair.since <= cluster.version().minor;
        if !is_served {
            println!("left out: {}/{}: needs Kubernetes 1.{}", pair.group, pair.kind, pair.since);
        }
        is_served
    });
    for pair in &mut pairs {
        let is_namespaced = row(&pair.group, &pair.kind).unwrap().scope == Scope::Namespaced;
        let objects = [
            Some(&mut pair.allowed),
            if let Denied::Creation(object) = &mut pair.denied { Some(object) } else { None },
        ];
        for object in objects.into_iter().flatten().filter(|_| is_namespaced) {
            let namespace = &mut object["metadata"]["namespace"];
            if namespace.is_null() {
                *namespace = json!("tenants-x");
            }
        }
    }
    pairs
}

/// Makes the namespaces of the pairs, and gives their users every right in them.
fn prepare(cluster: &Cluster, pairs: &[Pair]) {
    let namespaces: BTreeSet<&str> =
        pairs.iter().filter_map(|pair| pair.allowed["metadata"]["namespace"].as_str()).collect();
    for namespace in namespaces {
        if cluster.find("Namespace", "", namespace).is_none() {
            cluster.namespace(namespace, &json!({}));
        }
    }
    for (name, value) in CLASSES {
        let class = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
        });
        cluster.admin().create("/apis/scheduling.k8s.io/v1/priorityclasses", &class);
    }
    let users: BTreeSet<&str> =
        pairs.iter().filter_map(|pair| pair.user.as_deref()).chain([TENANT]).collect();
    let subjects: Vec<Value> = (users.iter())
        .map(|name| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}))
        .collect();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "users-of-kinds"}, "subjects": subjects,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    });
    cluster.admin().create(&cluster.path("ClusterRoleBinding", ""), &binding);
    for user in users {
        cluster.until_allowed(user, "", "create", "namespaces");
    }
}

/// Tries a pair, and tells what went otherwise than it should.
fn attempt(cluster: &Cluster, pair: &Pair) -> Result<(), String> {
    let id = format!("{}/{}", pair.group, pair.kind);
    let admin = cluster.admin();
    for object in &pair.before {
        admin.send(Method::POST, &path(object), object).map_err(|error| format!("{id}: before: {error}"))?;
    }
    let denied_by_rule = |outcome: Result<Value, kube::Error>| match outcome {
        Err(kube::Error::Api(status)) if status.message.contains(&format!("(rule {}", pair.rule)) => Ok(()),
        other => Err(format!("{id}: should be denied by {}: {other:?}", pair.rule)),
    };
    let of_pair = path(&pair.allowed);
    let named = |object: &Value| format!("{of_pair}/{}", object["metadata"]["name"].as_str().unwrap());
    let user = pair.user.as_deref().unwrap_or(TENANT);
    let created = admin.send_as(user, Method::POST, &of_pair, &pair.allowed);
    let created = created.map_err(|error| format!("{id}: should be stored: {error}"))?;
    // A Binding is no object of its own.
    if created["kind"] == pair.kind.as_str() {
        admin
            .send(Method::DELETE, &named(&pair.allowed), &Value::Null)
            .map_err(|error| format!("{id}: {error}"))?;
    }
    match &pair.denied {
        Denied::Creation(object) => {
            let mut object = object.clone();
            // Some kinds are gone only when their controller has seen it.
            if object["metadata"]["name"] == pair.allowed["metadata"]["name"] && pair.before.is_empty() {
                object["metadata"]["name"] = json!("denied");
            }
            denied_by_rule(admin.send_as(TENANT, Method::POST, &path(&object), &object))?;
        }
        Denied::Deletion => {
            let mut managed = pair.allowed.clone();
            managed["metadata"]["name"] = json!("managed");
            managed["metadata"]["labels"] = json!({"partywall.dev/managed": "platform"});
            admin
                .send(Method::POST, &of_pair, &managed)
                .map_err(|error| format!("{id}: managed: {error}"))?;
            denied_by_rule(admin.send_as(TENANT, Method::DELETE, &named(&managed), &Value::Null))?;
            admin
                .send(Method::DELETE, &named(&managed), &Value::Null)
                .map_err(|error| format!("{id}: {error}"))?;
        }
    }
    for object in &pair.before {
        let path = format!("{}/{}", path(object), object["metadata"]["name"].as_str().unwrap());
        admin.send(Method::DELETE, &path, &Value::Null).map_err(|error| format!("{id}: before: {error}"))?;
    }
    Ok(())
}

fn attempt_all(cluster: &Cluster, channel: &str, pairs: &[Pair]) {
    let wrong: Vec<String> = pairs.iter().filter_map(|pair| attempt(cluster, pair).err()).collect();
    assert!(wrong.is_empty(), "{channel}: {} of {} pairs:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
    assert!(!pairs.is_empty(), "{channel}: no pair");
}

/// Returns the pair in a version that one of the definitions serves, if one of them is the kind's.
fn as_served(mut pair: Pair, definitions: &[Value]) -> Option<Pair> {
    let mut specs = definitions.iter().map(|definition| &definition["spec"]);
    let spec = specs
        .find(|spec| spec["group"] == pair.group.as_str() && spec["names"]["kind"] == pair.kind.as_str())?;
    let served =
        spec["versions"].as_array().unwrap().iter().find(|version| version["served"] == true).unwrap();
    let version = json!(format!("{}/{}", pair.group, served["name"].as_str().unwrap()));
    pair.allowed["apiVersion"] = version.clone();
    if let Denied::Creation(object) = &mut pair.denied {
        object["apiVersion"] = version;
    }
    Some(pair)
}

/// Everything is judged by the policies of the rules' fixtures.
pub(crate) fn i4_an_object_of_each_kind_is_allowed_and_one_is_denied(cluster: &Cluster) {
    let pairs = of_release(cluster);
    let (experimental, standard) =
        (crds::shipped(cluster, "experimental"), crds::shipped(cluster, "standard"));
    let mut definitions = [crds::shipped(cluster, "-"), experimental.clone()].concat();
    for Pair { group, kind, minimal, .. } in &pairs {
        if let Some(version) = minimal {
            definitions.push(crds::minimal(group, version, &plural(group, kind), kind));
        }
    }
    crds::remove(cluster, &definitions);
    crds::install(cluster, &definitions);

    let setup = Setup { policies: POLICIES.into(), ..cluster.setup.clone() };
    // Or the API server goes on using its connections to it.
    cluster.stop_partywall();
    let instance = cluster.instance("kinds", &setup);
    cluster.balancer.set_backends(vec![instance.webhook]);
    let manifests = registration::manifests(cluster.balancer.address(), &setup.policies, &setup.pair);
    cluster.kubectl(User::Admin).apply(manifests).succeeds();
    cluster.until_judged();
    prepare(cluster, &pairs);

    attempt_all(cluster, "experimental", &pairs);
    crds::remove(cluster, &experimental);
    crds::install(cluster, &standard);
    // The other channel of the Gateway API, whose schemas have fewer fields and versions.
    let pairs: Vec<Pair> = pairs.into_iter().filter_map(|pair| as_served(pair, &standard)).collect();
    attempt_all(cluster, "standard", &pairs);
    crds::remove(cluster, &standard);
    crds::remove(cluster, &definitions);
}
