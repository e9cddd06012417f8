use serde_json::json;

use super::*;
use crate::cluster::facts::Fingerprint;
use crate::cluster::fake_server::{Answer, Asked, FakeServer, status};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/partywall-system/leases";

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// What runs, and what a test tells it.
struct Running {
    server: FakeServer,
    trust: watch::Sender<Trust>,
    replicas: watch::Receiver<Replicas>,
    stop: watch::Sender<bool>,
    end: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

fn start(answers: impl IntoIterator<Item = Answer>) -> Running {
    let server = FakeServer::new(answers);
    let own = Identity::new("a", 1);
    let entries = ["pods.partywall.dev".to_owned()].into();
    let leases = Leases::of(own, server.client.clone(), "partywall-system", entries, now);
    let (trust, trusted) = watch::channel(Trust::default());
    let (publish, replicas) = watch::channel(Replicas::default());
    let ((stop, stopping), (end, ended)) = (watch::channel(false), watch::channel(false));
    let task = tokio::spawn(leases.run(trusted, publish, Ends { stopping, ended }));
    Running { server, trust, replicas, stop, end, task }
}

impl Running {
    /// Waits until the server was asked so often, and returns the methods and names.
    async fn until(&self, count: usize) -> Vec<String> {
        for _ in 0..10_000 {
            if self.server.asked().len() >= count {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.server.asked().iter().map(told).collect()
    }
}

fn told(asked: &Asked) -> String {
    let path = asked.uri.split('?').next().unwrap_or_default();
    let rest = path.strip_prefix(LEASES).unwrap().trim_start_matches('/');
    let name = asked.body["metadata"]["name"].as_str().unwrap_or(rest);
    format!("{} {name}", asked.method).trim_end().to_owned()
}

fn list(leases: &[Value]) -> Answer {
    Answer::Object(200, json!({"metadata": {}, "items": leases}))
}

fn ok() -> Answer {
    Answer::Object(200, json!({}))
}

fn held(name: &str, holder: &str) -> Value {
    json!({
        "metadata": {"name": name, "uid": "u", "resourceVersion": "7"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": "1970-01-01T00:00:00.000000Z"},
    })
}

const OWN: &str = "a_0000000000000001";

#[tokio::test(start_paused = true)]
async fn a_replica_creates_its_lease_and_leads_where_nobody_does() {
    let mut running = start([list(&[]), ok(), ok()]);
    assert_eq!(running.until(3).await, ["GET", "POST partywall-replica-a", "POST partywall-leader"]);
    running.replicas.wait_for(|replicas| replicas.is_known && replicas.leads).await.unwrap();
    let created = &running.server.asked()[1].body;
    assert_eq!(
        (&created["apiVersion"], &created["kind"]),
        (&json!("coordination.k8s.io/v1"), &json!("Lease"))
    );
    assert_eq!(
        created["metadata"]["annotations"],
        json!({
            "partywall.dev/version": env!("CARGO_PKG_VERSION"),
            "partywall.dev/entries": "pods.partywall.dev",
            "partywall.dev/cas": "",
        })
    );
    assert_eq!(created["spec"]["holderIdentity"], OWN);
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_told_at_once() {
    let both = || list(&[held("partywall-replica-a", OWN), held("partywall-leader", "b_2")]);
    let running = start([both(), ok(), both(), ok()]);
    running.until(2).await;
    let begun = Instant::now();
    let signer = Some(Fingerprint([15; 32]));
    running.trust.send_replace(Trust { signer, ..Trust::default() });
    assert_eq!(running.until(4).await[2..], ["GET", "PUT partywall-replica-a"]);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let body = &running.server.asked()[3].body;
    assert_eq!(body["metadata"]["annotations"]["partywall.dev/signer"], "0f".repeat(32));
    assert_eq!(body["metadata"]["resourceVersion"], "7");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_somebody_was_quicker_with_is_repeated_after_a_look() {
    let running = start([list(&[]), Answer::Object(409, status(409)), ok(), list(&[]), ok()]);
    running.until(3).await;
    let begun = Instant::now();
    assert_eq!(running.until(5).await[3..5], ["GET", "POST partywall-replica-a"]);
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(!running.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_gets_no_answer_leads_no_more_before_others_could() {
    let mut running = start([list(&[]), ok(), ok()]);
    running.replicas.wait_for(|replicas| replicas.leads).await.unwrap();
    let begun = Instant::now();
    running.replicas.wait_for(|replicas| !replicas.leads).await.unwrap();
    assert!((9..=10).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(running.replicas.borrow().is_known, "what was known holds");
    assert_eq!(running.replicas.borrow().live.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn from_sigterm_on_it_leads_no_more_and_at_the_end_its_lease_is_gone() {
    let own = || list(&[held("partywall-replica-a", OWN), held("partywall-leader", OWN)]);
    let lease = Answer::Object(200, held("partywall-replica-a", OWN));
    let mut running = start([own(), ok(), ok(), own(), ok(), ok(), lease, ok()]);
    running.replicas.wait_for(|replicas| replicas.leads).await.unwrap();
    running.stop.send_replace(true);
    running.replicas.wait_for(|replicas| !replicas.leads).await.unwrap();
    assert_eq!(running.until(6).await[3..], ["GET", "PUT partywall-replica-a", "PUT partywall-leader"]);
    let released = &running.server.asked()[5].body;
    assert_eq!(released["spec"].get("holderIdentity"), None);
    running.end.send_replace(true);
    running.end.closed().await;
    let asked = running.server.asked();
    assert_eq!(told(&asked[6]), "GET partywall-replica-a");
    assert_eq!(told(&asked[7]), "DELETE partywall-replica-a");
    assert_eq!(asked[7].body["preconditions"], json!({"uid": "u", "resourceVersion": "7"}));
    running.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_another_process_is_not_deleted_at_the_end() {
    let other = Answer::Object(200, held("partywall-replica-a", "a_2"));
    let running = start([list(&[]), ok(), ok(), other]);
    running.until(3).await;
    running.end.send_replace(true);
    running.task.await.unwrap();
    assert_eq!(running.server.asked().iter().map(told).next_back().unwrap(), "GET partywall-replica-a");
}
