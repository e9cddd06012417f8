use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use rustls::sign::CertifiedKey;
use serde_json::json;
use tokio::time::sleep;

use super::*;
use crate::cluster::authority::channels::test::{Others, channels};
use crate::cluster::facts::Registered;
use crate::cluster::fake_server::{Answer, Asked, FakeServer, status};
use crate::telemetry::logging;

const NOW: i64 = 1_800_000_000;
const SECRETS: &str = "/api/v1/namespaces/partywall-system/secrets";
/// Long enough for another look.
const LOOK: Duration = Duration::from_secs(4);

/// The Secret in an API server, and how that answers.
#[derive(Default)]
struct Store {
    secret: Option<Value>,
    version: u64,
    /// Refuses everything with this status, or does not answer with 0.
    trouble: Option<u16>,
    /// Refuses writes with this status.
    refuses_writes: Option<u16>,
    /// Loses the answers to writes.
    loses_answers: bool,
}

type Shared = Arc<Mutex<Store>>;

impl Store {
    fn set(&mut self, mut secret: Value) -> Value {
        self.version += 1;
        secret["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.secret = Some(secret.clone());
        secret
    }

    fn answer(&mut self, asked: &Asked) -> Option<Answer> {
        match self.trouble {
            Some(0) => return None,
            Some(code) => return Some(Answer::Object(code, status(code))),
            None => {}
        }
        let version = |secret: &Value| secret["metadata"]["resourceVersion"].clone();
        let written = match (&*asked.method, &self.secret) {
            ("GET", Some(secret)) => return Some(Answer::Object(200, secret.clone())),
            ("GET" | "PUT", None) => return Some(Answer::Object(404, status(404))),
            ("POST", Some(_)) => return Some(Answer::Object(409, status(409))),
            ("PUT", Some(secret)) if version(secret) != version(&asked.body) => {
                return Some(Answer::Object(409, status(409)));
            }
            ("POST" | "PUT", _) if let Some(code) = self.refuses_writes => {
                return Some(Answer::Object(code, status(code)));
            }
            ("POST" | "PUT", _) => self.set(asked.body.clone()),
            (method, _) => panic!("{method}"),
        };
        (!self.loses_answers).then_some(Answer::Object(200, written))
    }
}

/// One replica, and its world.
struct Case {
    others: Others,
    server: FakeServer,
    store: Shared,
    clock: Arc<AtomicI64>,
    metrics: Arc<Metrics>,
}

/// Starts a replica.
fn start(store: &Shared) -> Case {
    let shared = Arc::clone(store);
    let server = FakeServer::answering(move |asked| shared.lock().unwrap().answer(asked));
    let (inputs, outputs, others) = channels();
    let clock = Arc::new(AtomicI64::new(NOW));
    let time = Arc::clone(&clock);
    let metrics = Arc::new(Metrics::new().unwrap());
    let own = Own::new(
        server.client.clone(),
        "partywall-system".to_owned(),
        Names::new("partywall-system", None),
        Lifetimes::default(),
        Arc::new(move || time.load(Ordering::Relaxed)),
        Arc::clone(&metrics),
    );
    tokio::spawn(own.run(inputs, outputs));
    Case { others, server, store: Arc::clone(store), clock, metrics }
}

/// Starts a replica of a new installation, and waits until it is in order.
async fn installed() -> Case {
    let case = start(&Shared::default());
    case.others.register(None);
    sleep(LOOK).await;
    assert!(case.signer().is_some());
    case.register_all();
    sleep(LOOK).await;
    case
}

impl Case {
    /// The CAs in the Secret.
    fn cas(&self) -> Option<Cas> {
        let secret = self.store.lock().unwrap().secret.clone()?;
        match Found::read(secret, &Names::new("partywall-system", None)) {
            Found::Good(_, cas) => Some(*cas),
            Found::Absent | Found::Empty(_) | Found::Garbage(..) => None,
        }
    }

    fn signer(&self) -> Option<Fingerprint> {
        self.others.trust.borrow().signer
    }

    /// Tells that all bundles hold what is to be trusted.
    fn register_all(&self) {
        let cas = self.others.trust.borrow().cas.iter().copied().collect();
        self.others.register(Some(cas));
    }

    fn set_data(&self, data: &Value) {
        let mut store = self.store.lock().unwrap();
        let mut secret = store.secret.clone().unwrap();
        secret["data"] = data.clone();
        store.set(secret);
    }

    fn writes(&self) -> Vec<String> {
        let asked = self.server.asked();
        asked
            .into_iter()
            .filter(|asked| asked.method != "GET")
            .map(|asked| asked.method + " " + &asked.uri)
            .collect()
    }

    fn pair(&self) -> Option<Arc<CertifiedKey>> {
        self.others.pair.borrow().clone()
    }

    fn figure(&self, name: &str) -> i64 {
        let text = String::from_utf8(self.metrics.encode().unwrap()).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_installation_makes_its_cas_and_serves_a_certificate() {
    let case = installed().await;
    let cas = case.cas().unwrap();
    assert_eq!(case.signer(), Some(cas.current.id));
    assert_eq!(cas.held_since, Some(NOW), "all bundles hold the next one");
    assert_eq!((cas.current.until, cas.next.until), (NOW + 365 * 86_400, NOW + 730 * 86_400));
    assert_eq!(case.writes(), [format!("POST {SECRETS}?"), format!("PUT {SECRETS}/partywall-ca?")]);
    let trust = case.others.trust.borrow().clone();
    assert_eq!(trust.cas, [cas.current.id, cas.next.id].into());
    assert_eq!(str::from_utf8(&trust.bundle).unwrap().matches("BEGIN CERTIFICATE").count(), 2);
    for (certificate, until) in [("current_ca", cas.current.until), ("next_ca", cas.next.until)] {
        let name = format!("partywall_certificate_expiry_timestamp_seconds{{certificate=\"{certificate}\"}}");
        assert_eq!(case.figure(&name), until);
    }
}

#[tokio::test(start_paused = true)]
async fn three_replicas_that_start_at_once_share_one_secret() {
    let store = Shared::default();
    let replicas: Vec<Case> = (0..3).map(|_| start(&store)).collect();
    for replica in &replicas {
        replica.others.register(None);
    }
    sleep(LOOK).await;
    let current = replicas[0].cas().unwrap().current.id;
    for replica in &replicas {
        assert_eq!(replica.signer(), Some(current));
    }
    let posts: usize = replicas.iter().map(|replica| replica.writes().len()).sum();
    assert!((1..=3).contains(&posts), "{posts}");
    assert_eq!(store.lock().unwrap().version, 1, "one of them made it");
    let keys: std::collections::BTreeSet<_> =
        replicas.iter().map(|replica| replica.pair().unwrap().cert[0].to_vec()).collect();
    assert_eq!(keys.len(), 3, "each has a certificate of its own");
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_emptied_or_filled_with_garbage_is_the_same_within_five_seconds() {
    let case = installed().await;
    let before = case.cas().unwrap();
    let pair = case.pair().unwrap();
    case.store.lock().unwrap().secret = None;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(case.cas(), Some(before.clone()), "deleted");
    for data in [Value::Null, json!({}), json!({"current.crt": "bm8=", "other": "eA=="}), json!({"a": "%"})] {
        case.set_data(&data);
        sleep(Duration::from_secs(5)).await;
        assert_eq!(case.cas(), Some(before.clone()), "{data}");
    }
    assert!(Arc::ptr_eq(&pair, &case.pair().unwrap()), "the certificate stays");
}

#[tokio::test(start_paused = true)]
async fn garbage_at_a_cold_start_is_not_overwritten_while_a_ca_is_registered() {
    let (log, _guard) = logging();
    let store = Shared::default();
    store.lock().unwrap().set(json!({"metadata": {"name": "partywall-ca"}, "data": {"current.crt": "bm8="}}));
    let case = start(&store);
    case.others.register(Some(vec![Fingerprint([7; 32])]));
    sleep(Duration::from_secs(600)).await;
    assert_eq!(case.writes(), Vec::<String>::new());
    assert!(case.pair().is_none() && case.others.trust.borrow().cas.is_empty());
    assert_eq!(case.figure("partywall_authority_failing"), 1);
    let told = log();
    assert_eq!(told.matches("put it back from a backup; or delete it").count(), 1, "{told}");
    assert!(told.contains("`current.key` is missing"), "{told}");
    // The operator does so.
    store.lock().unwrap().secret = None;
    sleep(Duration::from_secs(20)).await;
    let cas = case.cas().unwrap();
    assert!(case.pair().is_none(), "callers do not trust it yet");
    assert_eq!(case.others.trust.borrow().cas, [cas.current.id, cas.next.id].into());
    case.register_all();
    sleep(LOOK).await;
    assert_eq!(case.signer(), Some(cas.current.id));
    assert_eq!(case.figure("partywall_authority_failing"), 0);
}

#[tokio::test(start_paused = true)]
async fn no_certificate_is_of_a_ca_that_a_registered_bundle_lacks() {
    let first = installed().await;
    let Cas { current, next, .. } = first.cas().unwrap();
    let second = start(&first.store);
    second.others.register(Some(vec![Fingerprint([7; 32])]));
    sleep(Duration::from_secs(60)).await;
    assert!(second.pair().is_none());
    second.others.register(Some(vec![next.id]));
    sleep(LOOK).await;
    assert_eq!(second.signer(), Some(next.id), "it has the key of the next one, too");
    second.others.register(Some(vec![next.id, current.id]));
    sleep(LOOK).await;
    assert_eq!(second.signer(), Some(current.id));
    // Somebody takes it out: what is served stays.
    let pair = second.pair().unwrap();
    second.others.register(Some(vec![Fingerprint([7; 32])]));
    sleep(LOOK).await;
    assert!(Arc::ptr_eq(&pair, &second.pair().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_serving_certificate_is_renewed_by_the_time_of_day() {
    let case = installed().await;
    let pair = case.pair().unwrap();
    case.clock.fetch_add(19 * 86_400, Ordering::Relaxed);
    sleep(LOOK).await;
    assert!(Arc::ptr_eq(&pair, &case.pair().unwrap()));
    case.clock.fetch_add(2 * 86_400, Ordering::Relaxed);
    sleep(LOOK).await;
    assert!(!Arc::ptr_eq(&pair, &case.pair().unwrap()));
    assert_eq!(case.signer(), case.cas().map(|cas| cas.current.id));
}

#[tokio::test(start_paused = true)]
async fn a_promotion_is_one_write_and_another_certificate() {
    let case = installed().await;
    let before = case.cas().unwrap();
    sleep(Duration::from_secs(130)).await;
    case.clock.fetch_add(244 * 86_400, Ordering::Relaxed);
    sleep(LOOK).await;
    let after = case.cas().unwrap();
    assert_eq!(after.current.id, before.next.id);
    assert_eq!(after.previous.as_ref().map(|ca| ca.id), Some(before.current.id));
    assert_eq!(case.signer(), Some(after.current.id));
    let expected = [after.current.id, after.next.id, before.current.id];
    assert_eq!(case.others.trust.borrow().cas, expected.into());
    case.register_all();
    sleep(LOOK).await;
    assert_eq!(case.cas().unwrap().current.id, after.current.id);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_which_the_answer_is_lost_is_read_again() {
    let store = Shared::default();
    store.lock().unwrap().loses_answers = true;
    let case = start(&store);
    case.others.register(None);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(case.writes().len(), 1);
    assert_eq!(case.signer(), case.cas().map(|cas| cas.current.id));
}

#[tokio::test(start_paused = true)]
async fn while_the_api_server_is_silent_the_certificate_stays_and_no_old_bundle_is_passed_on() {
    let (log, _guard) = logging();
    let case = installed().await;
    let (pair, trust) = (case.pair().unwrap(), case.others.trust.borrow().clone());
    case.store.lock().unwrap().trouble = Some(0);
    sleep(Duration::from_secs(60)).await;
    let silent = case.others.trust.borrow().clone();
    assert_eq!(silent, Trust { signer: trust.signer, ..Trust::default() });
    assert!(Arc::ptr_eq(&pair, &case.pair().unwrap()));
    case.store.lock().unwrap().trouble = None;
    sleep(Duration::from_secs(15)).await;
    assert_eq!(*case.others.trust.borrow(), trust);
    assert_eq!(log().matches("it is tried again").count(), 1, "{}", log());
    assert_eq!(log().matches("in order again").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_the_secret_keeps_what_is_known() {
    let case = installed().await;
    let trust = case.others.trust.borrow().clone();
    case.store.lock().unwrap().trouble = Some(403);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(*case.others.trust.borrow(), trust);
    assert_eq!(case.figure("partywall_authority_failing"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_written_is_told_once_with_its_cure() {
    let (log, _guard) = logging();
    let case = installed().await;
    let before = case.cas().unwrap();
    case.set_data(&json!({"tls.crt": "eA=="}));
    case.store.lock().unwrap().refuses_writes = Some(422);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(log().matches("delete it, and it is made again").count(), 1, "{}", log());
    assert!(!log().contains("in order again"));
    assert_eq!(case.figure("partywall_authority_failing"), 1);
    case.store.lock().unwrap().refuses_writes = None;
    case.store.lock().unwrap().secret = None;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(case.cas(), Some(before));
    assert_eq!(log().matches("in order again").count(), 1, "{}", log());
}

#[tokio::test(start_paused = true)]
async fn from_sigterm_on_nothing_is_written() {
    let case = installed().await;
    let writes = case.writes();
    case.others.stopping.send_replace(true);
    case.store.lock().unwrap().secret = None;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(case.writes(), writes);
    assert!(case.store.lock().unwrap().secret.is_none());
}

#[tokio::test(start_paused = true)]
async fn before_the_webhook_configurations_are_read_nothing_is_decided_in_haste() {
    let case = start(&Shared::default());
    sleep(Duration::from_secs(10)).await;
    assert!(case.cas().is_none() && case.pair().is_none());
    case.others.registered.send_replace(Registered { is_known: true, ..Registered::default() });
    sleep(Duration::from_secs(1)).await;
    assert!(case.cas().is_some() && case.pair().is_some());
}
