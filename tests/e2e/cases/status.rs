//! The status of partywall's objects, and the Leases of its replicas.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::eventually::{SOON, eventually};
use crate::installation::{Installation, NAMESPACE};
use crate::users::User;

const POOLLESS: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: status}
spec: {namespaces: [status, status-absent], nodePools: {default: status}}
";
const POOL: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: status}
spec: {nodeSelector: {pool: status}, taints: [{key: status}]}
";
const TENANT: &str = "/apis/partywall.dev/v1alpha1/tenants/status";

pub(crate) fn a_status_says_what_holds_whichever_replica_leads(cluster: &Cluster) {
    let installation = Installation::install(cluster);
    let mut replicas = installation.start(&["status-1", "status-2"], &[]);
    installation.apply_policies();

    // Both replicas have a Lease, although they have one host, and one leads.
    let leases = eventually(SOON, "there are two replicas", || match replica_leases(cluster) {
        leases if leases.len() == 2 => Ok(leases),
        leases => Err(json!(leases).to_string()),
    });
    for lease in &leases {
        let annotations = &lease["metadata"]["annotations"];
        assert_eq!(annotations["partywall.dev/version"], env!("CARGO_PKG_VERSION"), "{lease}");
        let entries = annotations["partywall.dev/entries"].as_str().unwrap();
        assert!(entries.split(',').any(|entry| entry == "pods.partywall.dev"), "{lease}");
    }
    let holders: Vec<&Value> = leases.iter().map(|lease| &lease["spec"]["holderIdentity"]).collect();
    let leader = eventually(SOON, "one of them leads", || match leader(cluster) {
        leader if holders.contains(&&leader) => Ok(leader),
        other => Err(other.to_string()),
    });

    // What is not there is awaited: tools that wait see no failure.
    cluster.namespace("status", &json!({}));
    cluster.kubectl(User::Admin).apply(POOLLESS).succeeds();
    let waiting = until(cluster, "it lacks its pool", |tenant| ready(tenant) == ("False", "UnknownPool"));
    assert_eq!(status_of(&waiting, "Reconciling"), "True", "{waiting}");
    assert_eq!(status_of(&waiting, "Stalled"), "False", "{waiting}");
    until_event(cluster, &waiting, "UnknownPool");
    cluster.kubectl(User::Admin).apply(POOL).succeeds();
    let wait = ["wait", "--for=condition=Ready", "--timeout=60s", "tenants.partywall.dev/status"];
    cluster.kubectl(User::Admin).args(wait).succeeds();
    let found = until(cluster, "it has its pool and its label", |tenant| {
        tenant["status"]["namespaces"] == json!({"claimed": 2, "found": 1, "labelled": 1})
    });
    assert_eq!(ready(&found), ("True", "AsWritten"), "{found}");
    assert_eq!(found["status"]["registered"], true, "{found}");
    let managers = found["metadata"]["managedFields"].as_array().unwrap();
    let writes = |manager: &&Value| manager["manager"] == "partywall-status";
    let written: Vec<_> = managers.iter().filter(writes).collect();
    assert_eq!(written.len(), 1, "{found}");
    assert_eq!(written[0]["subresource"], "status");
    for condition in found["status"]["conditions"].as_array().unwrap() {
        assert_eq!(condition["observedGeneration"], found["metadata"]["generation"], "{found}");
    }

    // The other replica leads as soon as the first has ended, and goes on writing.
    let first = replicas.remove(0);
    assert!(first.stop(SOON).is_some_and(|status| status.success()));
    let left = eventually(SOON, "its Lease is gone", || match replica_leases(cluster) {
        leases if leases.len() == 1 => Ok(leases),
        leases => Err(format!("{} replicas", leases.len())),
    });
    let follower = &left[0]["spec"]["holderIdentity"];
    eventually(SOON, "the other one leads", || {
        let now = self::leader(cluster);
        if now == *follower { Ok(()) } else { Err(format!("{now} leads, as {leader} did")) }
    });
    cluster.admin().patch(TENANT, &json!({"spec": {"namespaces": ["status"]}}));
    until(cluster, "the change is observed", |tenant| {
        tenant["status"]["observedGeneration"] == tenant["metadata"]["generation"]
            && tenant["status"]["namespaces"] == json!({"claimed": 1, "found": 1, "labelled": 1})
    });

    // A registration that somebody pauses is told of where it is paused.
    let path = format!("{}/partywall", cluster.path("MutatingWebhookConfiguration", ""));
    let pause = |value: Value| json!({"metadata": {"annotations": {"partywall.dev/registration": value}}});
    let paused = cluster.admin().patch(&path, &pause(json!("paused")));
    until_event(cluster, &paused, "RegistrationPaused");
    cluster.admin().patch(&path, &pause(Value::Null));

    cluster.kubectl(User::Admin).args(["delete", "namespace", "status", "--wait=false"]).succeeds();
    installation.remove(replicas);
}

#[track_caller]
fn until(cluster: &Cluster, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    eventually(SOON, what, || {
        let tenant = cluster.admin().get(TENANT).unwrap();
        if is_it(&tenant) { Ok(tenant) } else { Err(tenant["status"].to_string()) }
    })
}

/// Waits for an event about an object.
#[track_caller]
fn until_event(cluster: &Cluster, object: &Value, reason: &str) {
    let uid = &object["metadata"]["uid"];
    eventually(SOON, &format!("an event says {reason}"), || {
        let events = cluster.admin().get("/apis/events.k8s.io/v1/namespaces/default/events").unwrap();
        let events = events["items"].as_array().unwrap().clone();
        let is_it = |event: &Value| event["regarding"]["uid"] == *uid && event["reason"] == reason;
        if events.iter().any(is_it) { Ok(()) } else { Err(format!("{} others", events.len())) }
    });
}

/// Returns the status and the reason of `Ready`.
fn ready(tenant: &Value) -> (&str, &str) {
    let reason = condition(tenant, "Ready")["reason"].as_str().unwrap_or_default();
    (status_of(tenant, "Ready"), reason)
}

fn status_of<'t>(tenant: &'t Value, kind: &str) -> &'t str {
    condition(tenant, kind)["status"].as_str().unwrap_or_default()
}

fn condition<'t>(tenant: &'t Value, kind: &str) -> &'t Value {
    let conditions = tenant["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

fn leases(cluster: &Cluster) -> Vec<Value> {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
    cluster.admin().get(&path).unwrap()["items"].as_array().unwrap().clone()
}

fn replica_leases(cluster: &Cluster) -> Vec<Value> {
    let mut leases = leases(cluster);
    leases.retain(|lease| lease["metadata"]["name"].as_str().unwrap().starts_with("partywall-replica-"));
    leases
}

/// Returns who leads.
fn leader(cluster: &Cluster) -> Value {
    let leader = leases(cluster).into_iter().find(|lease| lease["metadata"]["name"] == "partywall-leader");
    leader.unwrap_or_default()["spec"]["holderIdentity"].clone()
}
