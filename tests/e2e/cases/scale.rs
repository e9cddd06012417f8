//! Large clusters, and what happens there many times: `make e2e-long`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::http;
use crate::installation::Installation;
use crate::partywall::{Instance, Setup};
use crate::users::User;

const NAMESPACES: usize = 10_000;
const TENANTS: usize = 1_000;
/// How many requests are under way at once.
const AT_ONCE: usize = 32;
/// The time that creating thousands of objects may take.
const LONG: Duration = Duration::from_mins(10);
const MEMORY: &str = "process_resident_memory_bytes";
/// How often a namespace is used in the second of its creation.
const ROUNDS: usize = 1_000;

/// Sends requests, many at once; all must succeed.
fn send_all(cluster: &Cluster, requests: Vec<(Method, String, Value)>) {
    let (api, count) = (cluster.admin().clone(), requests.len());
    let begun = Instant::now();
    cluster.runtime().block_on(async move {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for (method, path, body) in requests {
            let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
            let api: Api = api.clone();
            tasks.spawn(async move {
                let answer = api.send_async(method, &path, &body).await;
                drop(permit);
                answer.map(drop)
            });
        }
        while let Some(answer) = tasks.join_next().await {
            answer.unwrap().unwrap();
        }
    });
    println!("{count} requests in {:.1?}", begun.elapsed());
}

fn namespace(index: usize) -> String {
    format!("scale-{index}")
}

fn tenant(index: usize) -> Value {
    let each = NAMESPACES / TENANTS;
    let namespaces: Vec<String> = (index * each..(index + 1) * each).map(namespace).collect();
    json!({
        "apiVersion": "partywall.dev/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": format!("scale-{index}")},
        "spec": {
            "namespaces": namespaces,
            "nodePools": {"default": "tenants-x"},
            "domains": [format!("*.scale-{index}.example.com")],
        },
    })
}

/// Waits until a figure of a replica is as expected.
fn until(replica: &Instance, series: &str, expected: impl Fn(u64) -> bool) {
    eventually(LONG, series, || {
        let figure = replica.figure(series);
        if expected(figure) { Ok(()) } else { Err(figure.to_string()) }
    });
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

pub(crate) fn ten_thousand_namespaces_and_a_thousand_tenants(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let first = installation.start(&["scale-first"], &[]);
    installation.until_armed();
    let path = "/apis/partywall.dev/v1alpha1/tenants";
    send_all(cluster, (0..TENANTS).map(|index| (Method::POST, path.to_owned(), tenant(index))).collect());
    let object =
        |index| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(index)}});
    let namespaces = cluster.path("Namespace", "");
    send_all(
        cluster,
        (0..NAMESPACES).map(|index| (Method::POST, namespaces.clone(), object(index))).collect(),
    );
    until(&first[0], "partywall_tenants", |count| count >= TENANTS as u64);
    println!("the leader has {}", mebibytes(first[0].figure(MEMORY)));

    // A replica that starts now has all of it at once.
    let begun = Instant::now();
    let mut second = installation.start_unready("scale-second", &[]);
    second.until_ready();
    println!("ready {:.2?} after the start, lists and certificates included", begun.elapsed());
    until(&second, "partywall_tenants", |count| count >= TENANTS as u64);
    let of_cluster = second.figure(MEMORY);
    // The same policies as files.
    let mut policies = std::fs::read_to_string(&cluster.setup.policies).unwrap();
    for index in 0..TENANTS {
        policies.push_str("\n---\n");
        policies.push_str(&tenant(index).to_string());
    }
    let file = cluster.folder.join("scale.yaml");
    std::fs::write(&file, policies).unwrap();
    let of_files = cluster.instance("scale-files", &Setup { policies: file, ..cluster.setup.clone() });
    let (of_files, instance) = (of_files.figure(MEMORY), of_files);
    println!("memory: files {}, cluster {}", mebibytes(of_files), mebibytes(of_cluster));
    assert!(instance.stop(SOON).is_some_and(|status| status.success()));

    send_all(
        cluster,
        (0..NAMESPACES)
            .map(|index| (Method::DELETE, format!("{namespaces}/{}", namespace(index)), Value::Null))
            .collect(),
    );
    let mut replicas = first;
    replicas.push(second);
    installation.remove(replicas);
}

pub(crate) fn a_namespace_is_used_in_the_second_of_its_creation(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["second-1", "second-2"], &[]);
    installation.until_armed();
    let (mut slowest, mut refused) = (Duration::ZERO, 0);
    for round in 0..ROUNDS {
        let name = format!("same-second-{round}");
        let spec = json!({"namespaces": [name], "nodePools": {"default": "tenants-x"}});
        let tenant = json!({"apiVersion": "partywall.dev/v1alpha1", "kind": "Tenant",
                            "metadata": {"name": name}, "spec": spec});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
            },
        });
        cluster.admin().create("/apis/partywall.dev/v1alpha1/tenants", &tenant);
        cluster.admin().create(&cluster.path("Namespace", ""), &namespace);
        let begun = Instant::now();
        let stored = eventually(SOON, "the pod is stored", || {
            match cluster.admin().send(Method::POST, &cluster.path("Pod", &name), &pod) {
                Ok(pod) => Ok(pod),
                // The controller makes it a moment after the namespace.
                Err(error) if error.to_string().contains("serviceaccount") => Err(error.to_string()),
                Err(error) => {
                    refused += 1;
                    Err(error.to_string())
                }
            }
        });
        slowest = slowest.max(begun.elapsed());
        assert_eq!(stored["spec"]["nodeSelector"]["tenant"], "tenants-x", "round {round}: {stored}");
        let path = format!("{}/{name}", cluster.path("Namespace", ""));
        cluster.admin().delete(&path);
        cluster.admin().delete(&format!("/apis/partywall.dev/v1alpha1/tenants/{name}"));
    }
    println!(
        "{ROUNDS} pods in new namespaces: all stamped, {refused} refused at first, the slowest after {slowest:.2?}"
    );
    installation.remove(replicas);
}

/// A GitOps tool applies again and again what it once applied, with its label for all that it keeps track of.
pub(crate) fn what_a_tool_applies_every_three_seconds_stays_as_partywall_makes_it(cluster: &Cluster) {
    const APPLIED: &str = "
apiVersion: v1
kind: Namespace
metadata:
  name: tracked
  labels: {app.kubernetes.io/instance: tracked}
---
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata:
  name: tracked
  labels: {app.kubernetes.io/instance: tracked}
spec: {namespaces: [tracked], nodePools: {default: tenants-x}}
";
    let installation = Installation::install(cluster);
    installation.apply_policies();
    let replicas = installation.start(&["tracked-1"], &[]);
    installation.until_armed();
    for round in 0..20 {
        let begun = Instant::now();
        cluster.kubectl(User::Admin).apply(APPLIED).succeeds();
        let namespace = cluster.until("Namespace", "", "tracked", "labelled", |namespace| {
            namespace["metadata"]["labels"]["partywall.dev/tenant"] == "tracked"
        });
        if round > 1 {
            let tenant = cluster.admin().get("/apis/partywall.dev/v1alpha1/tenants/tracked").unwrap();
            assert_eq!(tenant["status"]["conditions"][0]["status"], "True", "{tenant}");
            assert_eq!(tenant["metadata"]["generation"], 1);
        }
        assert_eq!(namespace["metadata"]["labels"]["app.kubernetes.io/instance"], "tracked");
        let three = Duration::from_secs(3);
        eventually(
            SOON,
            "three seconds have passed",
            || if begun.elapsed() > three { Ok(()) } else { Err("") },
        );
    }
    // What partywall makes has no label of the tool, which would remove it as what it did not apply.
    for path in [
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/partywall",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/partywall",
        "/api/v1/namespaces/partywall-system/secrets/partywall-ca",
    ] {
        let object = cluster.admin().get(path).unwrap();
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/instance"], Value::Null, "{path}");
    }
    let (status, text) = cluster.runtime().block_on(http::get(replicas[0].ops, "/readyz?verbose")).unwrap();
    assert!(status.is_success(), "{text}");
    cluster.kubectl(User::Admin).args(["delete", "namespace", "tracked", "--wait=false"]).succeeds();
    installation.remove(replicas);
}
