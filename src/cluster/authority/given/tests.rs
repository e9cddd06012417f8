use std::sync::Mutex;

use serde_json::json;
use tokio::time::sleep;

use super::*;
use crate::cluster::authority::cas::Ca;
use crate::cluster::authority::certificate::{Signed, make_ca, sign};
use crate::cluster::authority::channels::test::{Others, channels};
use crate::cluster::facts::{Replica, Replicas};
use crate::cluster::fake_server::{Answer, FakeServer, status};
use crate::telemetry::logging;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;
const LOOK: Duration = Duration::from_secs(4);
const SETTLE: Duration = Duration::from_secs(120);

fn names() -> Names {
    Names::new("partywall-system", None)
}

fn ca() -> Ca {
    make_ca(&names(), NOW, 100 * DAY).unwrap()
}

/// The parts that an issuer writes: the chain, the key and the CA, in PEM.
fn issue(ca: &Ca) -> [String; 3] {
    let Signed { leaf, key } = sign(ca, &names(), (NOW - DAY, NOW + DAY), NOW).unwrap();
    [leaf.pem(), key.serialize_pem(), ca.certificate.to_string()]
}

/// The Secret of cert-manager, with its annotations and labels, as it was recorded.
fn secret([chain, key, ca]: &[String; 3]) -> Value {
    let encode = |text: &String| STANDARD.encode(text);
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": "partywall-tls",
            "namespace": "partywall-system",
            "resourceVersion": "7",
            "annotations": {
                "cert-manager.io/alt-names": "partywall.partywall-system.svc",
                "cert-manager.io/certificate-name": "partywall",
                "cert-manager.io/common-name": "",
                "cert-manager.io/ip-sans": "",
                "cert-manager.io/issuer-group": "",
                "cert-manager.io/issuer-kind": "Issuer",
                "cert-manager.io/issuer-name": "partywall",
                "cert-manager.io/uri-sans": "",
            },
            "labels": {"controller.cert-manager.io/fao": "true"},
        },
        "data": {"ca.crt": encode(ca), "tls.crt": encode(chain), "tls.key": encode(key)},
    })
}

struct Case {
    others: Others,
    answer: Arc<Mutex<(u16, Value)>>,
    server: FakeServer,
}

fn start(parts: &[String; 3]) -> Case {
    let answer = Arc::new(Mutex::new((200, secret(parts))));
    let shared = Arc::clone(&answer);
    let server = FakeServer::answering(move |_| {
        let (code, object) = shared.lock().unwrap().clone();
        Some(Answer::Object(code, object))
    });
    let (inputs, outputs, others) = channels();
    let place = Place::Secret { namespace: "partywall-system".to_owned(), name: "partywall-tls".to_owned() };
    let metrics = Arc::new(Metrics::new().unwrap());
    let given = Given::new(server.client.clone(), place, names(), SETTLE, Arc::new(|| NOW + 1), metrics);
    tokio::spawn(given.run(inputs, outputs));
    Case { others, answer, server }
}

impl Case {
    fn signer(&self) -> Option<Fingerprint> {
        self.others.trust.borrow().signer
    }

    fn cas(&self) -> Vec<Fingerprint> {
        self.others.trust.borrow().cas.iter().copied().collect()
    }

    fn set(&self, parts: &[String; 3]) {
        self.answer.lock().unwrap().1 = secret(parts);
    }

    fn live_with(&self, signers: &[Fingerprint]) {
        let replica = |signer: &Fingerprint| Replica { signer: Some(*signer), ..Replica::default() };
        let live = signers.iter().map(replica).collect();
        self.others.replicas.send_replace(Replicas { is_known: true, live, leads: false });
    }
}

fn sorted(mut cas: Vec<Fingerprint>) -> Vec<Fingerprint> {
    cas.sort_unstable();
    cas
}

#[tokio::test(start_paused = true)]
async fn cert_manager_replaces_the_ca_without_a_gap() {
    let (old, new) = (ca(), ca());
    let case = start(&issue(&old));
    case.others.register(None);
    sleep(LOOK).await;
    assert_eq!((case.signer(), case.cas()), (Some(old.id), vec![old.id]));
    case.others.register(Some(vec![old.id]));
    case.live_with(&[old.id, old.id]);
    case.set(&issue(&new));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(case.signer(), Some(old.id), "callers do not trust the new one yet");
    assert_eq!(case.cas(), sorted(vec![old.id, new.id]));
    case.others.register(Some(vec![old.id, new.id]));
    sleep(SETTLE - LOOK).await;
    assert_eq!(case.signer(), Some(old.id), "an API server may not have read the bundle yet");
    sleep(LOOK * 2).await;
    assert_eq!(case.signer(), Some(new.id));
    case.live_with(&[old.id, new.id]);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(case.cas(), sorted(vec![old.id, new.id]));
    assert!(case.server.asked().iter().all(|asked| asked.method == "GET"), "it writes nothing");
    assert_eq!(case.server.asked()[0].uri, "/api/v1/namespaces/partywall-system/secrets/partywall-tls");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_told_once_and_changes_nothing() {
    let (log, _guard) = logging();
    let good = issue(&ca());
    let case = start(&good);
    case.others.register(None);
    sleep(LOOK).await;
    let pair = case.others.pair.borrow().clone().unwrap();
    let (trust, other) = (case.others.trust.borrow().clone(), issue(&ca()));
    let [chain, key, ca] = good.clone();
    for (parts, told) in [
        ([chain.clone(), other[1].clone(), ca.clone()], "keys may not be consistent"),
        ([chain.clone(), key.clone(), other[2].clone()], "signed by none of the CAs"),
        (
            [chain.clone(), key.clone(), String::new()],
            "`ca.crt` of the Secret partywall-system/partywall-tls is missing",
        ),
        (["no".to_owned(), key, ca], "there is no certificate in it"),
    ] {
        case.set(&parts);
        sleep(Duration::from_secs(60)).await;
        let text = log();
        assert_eq!(text.matches(told).count(), 1, "{told}: {text}");
        assert_eq!(*case.others.trust.borrow(), trust);
        case.set(&good);
        sleep(LOOK).await;
    }
    *case.answer.lock().unwrap() = (404, status(404));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(*case.others.trust.borrow(), trust);
    assert!(Arc::ptr_eq(&pair, case.others.pair.borrow().as_ref().unwrap()));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "writes certificates to be read")]
async fn files_are_read_again_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |parts: &[String; 3]| {
        for (name, part) in ["tls.crt", "tls.key", "ca.crt"].into_iter().zip(parts) {
            std::fs::write(path(name), part).unwrap();
        }
    };
    let (one, other) = (ca(), ca());
    let place = Place::Files { cert: path("tls.crt"), key: path("tls.key"), ca: path("ca.crt") };
    let client = FakeServer::new([]).client;
    let metrics = Arc::new(Metrics::new().unwrap());
    let mut given = Given::new(client, place, names(), SETTLE, Arc::new(|| NOW + 1), metrics);
    let (inputs, outputs, others) = channels();
    others.register(None);
    for issuer in [&one, &other, &one] {
        write(&issue(issuer));
        given.look(&inputs, &outputs).await;
        assert_eq!(others.trust.borrow().signer, Some(issuer.id));
    }
    std::fs::remove_file(path("tls.key")).unwrap();
    given.look(&inputs, &outputs).await;
    assert_eq!(others.trust.borrow().signer, Some(one.id));
    assert!(others.pair.borrow().is_some());
}
