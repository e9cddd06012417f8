use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::*;
use crate::cluster::fake_server::{Answer, Asked, FakeServer, status};

const MUTATING: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/partywall";
const VALIDATING: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/partywall";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/partywall-system/deployments/partywall";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/partywall-system/leases";
const SECRET: &str = "/api/v1/namespaces/partywall-system/secrets/partywall-ca";
const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tenants.partywall.dev";
const TENANT: &str = "/apis/partywall.dev/v1alpha1/tenants/a";
const DAEMON_SET: &str = "/apis/apps/v1/daemonsets/agent";

/// The objects of a cluster, by their paths.
type Objects = BTreeMap<String, Value>;

/// What a cluster does of itself when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Replicas end with their Deployment.
    Ends,
    /// A replica that nothing stops renews its Lease, and registers again.
    Lives,
    /// Nobody may delete a webhook configuration.
    Forbids,
}

fn namespace(name: &str, managers: &[&str]) -> (String, Value) {
    let fields = json!({"f:metadata": {"f:labels": {"f:partywall.dev/tenant": {}}}});
    let managed: Vec<Value> = managers
        .iter()
        .map(|manager| {
            let operation = if *manager == LABELS_MANAGER { "Apply" } else { "Update" };
            json!({"manager": manager, "operation": operation, "fieldsV1": fields})
        })
        .collect();
    let labels = if managers.is_empty() { json!({}) } else { json!({"partywall.dev/tenant": "a"}) };
    let metadata = json!({"name": name, "uid": "7", "labels": labels, "managedFields": managed});
    (format!("{NAMESPACES}/{name}"), json!({"metadata": metadata}))
}

fn lease(name: &str) -> (String, Value) {
    let spec = json!({"holderIdentity": "a_1", "leaseDurationSeconds": 15, "renewTime": "0"});
    (format!("{LEASES}/{name}"), json!({"metadata": {"name": name}, "spec": spec}))
}

fn named(path: &str) -> (String, Value) {
    (path.to_owned(), json!({"metadata": {"name": path.rsplit('/').next()}}))
}

/// An installation with everything that a replica makes, and more.
fn installation() -> Objects {
    let mut objects = Objects::from_iter([
        named(MUTATING),
        named(VALIDATING),
        named(SECRET),
        named(DEFINITION),
        named(TENANT),
        lease("partywall-leader"),
        lease("partywall-replica-a"),
        lease("of-somebody-else"),
        namespace("own", &["partywall-labels"]),
        namespace("shared", &["kubectl-label", "partywall-labels"]),
        namespace("stamped", &["kubectl-create"]),
        namespace("none", &[]),
    ]);
    objects.insert(DEPLOYMENT.to_owned(), json!({"spec": {"replicas": 2}}));
    let stamped = json!({"name": "agent", "namespace": "own", "annotations": {"partywall.dev/stamp": "{}"}});
    objects.insert(DAEMON_SET.to_owned(), json!({"metadata": stamped}));
    objects
}

/// Answers as an API server with these objects.
fn answer(objects: &mut Objects, habit: Habit, asked: &Asked) -> Answer {
    let path = asked.uri.split('?').next().unwrap();
    if path == "/version" {
        return Answer::Object(200, json!({}));
    }
    match asked.method.as_str() {
        "DELETE" if habit == Habit::Forbids && path == VALIDATING => Answer::Object(403, status(403)),
        "DELETE" => match objects.remove(path) {
            Some(object) => Answer::Object(200, object),
            None => Answer::Object(404, status(404)),
        },
        "PATCH" if path == format!("{DEPLOYMENT}/scale") => {
            if habit == Habit::Ends {
                objects.retain(|path, _| !path.starts_with(&format!("{LEASES}/partywall-replica-")));
                objects.get_mut(&format!("{LEASES}/partywall-leader")).unwrap()["spec"] = json!({});
            }
            objects.get_mut(DEPLOYMENT).unwrap()["spec"] = asked.body["spec"].clone();
            Answer::Object(200, json!({}))
        }
        "PATCH" => {
            let metadata = &mut objects.get_mut(path).unwrap()["metadata"];
            let managed = metadata["managedFields"].as_array_mut().unwrap();
            managed.retain(|managed| managed["manager"] != LABELS_MANAGER);
            if managed.is_empty() {
                metadata["labels"] = json!({});
            }
            Answer::Object(200, objects[path].clone())
        }
        _ if objects.contains_key(path) => Answer::Object(200, objects[path].clone()),
        _ => {
            if path == LEASES && habit == Habit::Lives {
                let lease = objects.get_mut(&format!("{LEASES}/partywall-replica-a")).unwrap();
                let renewed: u64 = lease["spec"]["renewTime"].as_str().unwrap().parse().unwrap();
                lease["spec"]["renewTime"] = json!((renewed + 1).to_string());
                objects.extend([named(VALIDATING)]);
            }
            let below = format!("{path}/");
            let is_item =
                |found: &&String| found.strip_prefix(&below).is_some_and(|name| !name.contains('/'));
            let is_list = path.ends_with('s');
            let items: Vec<&Value> = objects.keys().filter(is_item).map(|path| &objects[path]).collect();
            match is_list {
                true => Answer::Object(200, json!({"kind": "List", "metadata": {}, "items": items})),
                false => Answer::Object(404, status(404)),
            }
        }
    }
}

/// Runs the command against these objects, and returns the result and the requests that wrote.
async fn uninstall(objects: &Arc<Mutex<Objects>>, habit: Habit, is_dry: bool) -> (Removed, Vec<String>) {
    let shared = Arc::clone(objects);
    let server = FakeServer::answering(move |asked| Some(answer(&mut shared.lock().unwrap(), habit, asked)));
    let removal =
        Removal { namespace: "partywall-system".to_owned(), is_dry, patience: Duration::from_secs(30) };
    let removed = removal.run(&ApiServer::of(server.client.clone()), &mut |_| {}).await.unwrap();
    let written = server.asked().into_iter().filter(|asked| asked.method != "GET");
    let written = written.map(|asked| format!("{} {}", asked.method, asked.uri.split('?').next().unwrap()));
    (removed, written.collect())
}

fn rows(removed: &Removed) -> Vec<String> {
    removed.rows.iter().map(|row| format!("{}: {}", row.result(), row.what)).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_that_replicas_made_goes_in_order_and_the_rest_is_listed() {
    let objects = Arc::new(Mutex::new(installation()));
    let (removed, written) = uninstall(&objects, Habit::Ends, false).await;
    assert!(removed.is_complete());
    assert_eq!(
        rows(&removed),
        [
            "removed: MutatingWebhookConfiguration partywall",
            "removed: ValidatingWebhookConfiguration partywall",
            "stopped: Deployment partywall-system/partywall",
            "removed: label partywall.dev/tenant of 1 Namespace (own)",
            "removed: Lease partywall-system/partywall-leader",
            "removed: Secret partywall-system/partywall-ca",
        ]
    );
    let stays: Vec<&str> = removed.stays.iter().map(|stay| stay.what.as_str()).collect();
    let labels =
        "label partywall.dev/tenant of 2 Namespaces (stamped by kubectl-create, shared by kubectl-label): ";
    assert!(stays[0].starts_with(labels), "{stays:?}");
    assert_eq!(removed.stays[0].names, ["stamped", "shared"]);
    let has_label = |name: &str| labels::has_label(&objects.lock().unwrap()[&format!("{NAMESPACES}/{name}")]);
    assert_eq!(["own", "stamped", "shared"].map(has_label), [false, true, true]);
    assert!(stays[1].contains("1 DaemonSet (own/agent)"), "{stays:?}");
    assert!(
        stays[3].contains("1 CustomResourceDefinition (tenants.partywall.dev), with 1 tenants"),
        "{stays:?}"
    );
    // The configurations go first, and the labels only when no replica can put them back.
    assert_eq!(written[..2], [format!("DELETE {MUTATING}"), format!("DELETE {VALIDATING}")]);
    let place = |what: &str| written.iter().position(|line| line.starts_with(what)).unwrap();
    assert!(place(&format!("PATCH {DEPLOYMENT}")) < place(&format!("PATCH {NAMESPACES}")), "{written:?}");
    assert!(place(&format!("PATCH {NAMESPACES}")) < place(&format!("DELETE {SECRET}")), "{written:?}");
    let left: Vec<String> = objects.lock().unwrap().keys().cloned().collect();
    assert!(left.contains(&format!("{LEASES}/of-somebody-else")), "{left:?}");
    assert!(
        !left.iter().any(|path| path.contains("/partywall-l") || path.contains("/partywall-r")),
        "{left:?}"
    );

    // Once more, there is nothing to do.
    let (again, written) = uninstall(&objects, Habit::Ends, false).await;
    assert!(again.is_complete());
    assert!(rows(&again).iter().all(|row| row.starts_with("not there: ")), "{:?}", rows(&again));
    assert!(written.iter().all(|line| line.starts_with("DELETE ")), "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_and_writes_nothing() {
    let objects = Arc::new(Mutex::new(installation()));
    let (removed, written) = uninstall(&objects, Habit::Lives, true).await;
    assert_eq!(written, [""; 0]);
    let rows = rows(&removed);
    let label = "would be removed: label partywall.dev/tenant of 1 Namespace (own)";
    assert!(rows.iter().any(|row| row == label), "{rows:?}");
    assert_eq!(rows[0], "would be removed: MutatingWebhookConfiguration partywall");
    assert_eq!(rows[2], "would be stopped: Deployment partywall-system/partywall");
    assert!(
        rows.contains(&"would be removed: Lease partywall-system/partywall-replica-a".to_owned()),
        "{rows:?}"
    );
    assert!(rows.contains(&"would be removed: Secret partywall-system/partywall-ca".to_owned()), "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn while_a_configuration_stays_the_replicas_stay_too() {
    let objects = Arc::new(Mutex::new(installation()));
    let (removed, written) = uninstall(&objects, Habit::Forbids, false).await;
    assert!(!removed.is_complete());
    assert_eq!(written.len(), 2, "{written:?}");
    assert!(rows(&removed).contains(&"left: ValidatingWebhookConfiguration partywall".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_nothing_stops_is_told_and_its_labels_stay() {
    let objects = Arc::new(Mutex::new(installation()));
    let (removed, written) = uninstall(&objects, Habit::Lives, false).await;
    let left: Vec<String> = rows(&removed).into_iter().filter(|row| row.starts_with("left: ")).collect();
    assert_eq!(left, ["left: Lease partywall-system/partywall-replica-a"]);
    assert!(
        !written.iter().any(|line| line.contains(NAMESPACES) && line.starts_with("PATCH")),
        "{written:?}"
    );
    let again = written.iter().filter(|line| **line == format!("DELETE {VALIDATING}")).count();
    assert!(again > 10, "what it registers again is taken away again");
    assert!(!objects.lock().unwrap().contains_key(VALIDATING));
}
