use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::cluster::authority::{Ca, make_ca};
use crate::cluster::fake_server::{Answer, FakeServer, status};

fn id(number: u8) -> Fingerprint {
    Fingerprint([number; 32])
}

fn ca(number: u8) -> Ca {
    Ca { id: id(number), made: 0, until: 9, fits: true, certificate: "".into(), key: None }
}

fn set(numbers: &[u8]) -> BTreeSet<Fingerprint> {
    numbers.iter().map(|number| id(*number)).collect()
}

/// The current, the next and the previous CA; the bundles; the CAs of what the replicas serve.
fn state(cas: (u8, u8, Option<u8>), bundles: &[u8], signers: &[u8]) -> State {
    let (current, next, previous) = cas;
    let signers = signers.iter().enumerate().map(|(name, signer)| (format!("p-{name}"), Some(id(*signer))));
    State {
        cas: Some(Cas { previous: previous.map(ca), ..Cas::found(ca(current), ca(next)) }),
        everywhere: Some(set(bundles)),
        anywhere: set(bundles),
        signers: signers.collect(),
    }
}

#[test]
fn a_rotation_is_done_when_all_replicas_serve_a_certificate_of_the_next_ca() {
    let of = |state: &State| stage(&Goal::Replace(id(1)), state);
    assert_eq!(of(&State::default()), Stage::NoSecret);
    assert_eq!(of(&state((1, 2, None), &[1, 2], &[])), Stage::NoReplica);
    assert_eq!(of(&state((1, 2, None), &[1], &[1, 1])), Stage::Register(id(2)));
    assert_eq!(of(&state((1, 2, None), &[1, 2], &[1, 1])), Stage::Settle(id(2)));
    assert_eq!(of(&state((2, 3, Some(1)), &[1, 2], &[2, 1])), Stage::Change(id(2), vec!["p-1".to_owned()]));
    assert_eq!(of(&state((2, 3, Some(1)), &[1, 2], &[2, 2])), Stage::Extend(id(3)));
    let done = Stage::Done { current: id(2), replicas: 2 };
    assert_eq!(of(&state((2, 3, Some(1)), &[1, 2, 3], &[2, 2])), done);
    let unregistered = State { everywhere: None, ..state((2, 3, Some(1)), &[], &[2, 2]) };
    assert_eq!(of(&unregistered), done);
}

#[test]
fn after_a_theft_it_is_done_when_no_bundle_holds_an_old_ca() {
    let of = |state: &State| stage(&Goal::Distrust(set(&[1, 2])), state);
    assert_eq!(of(&state((1, 2, None), &[1, 2], &[1])), Stage::Make);
    assert_eq!(of(&state((1, 5, None), &[1, 2], &[1])), Stage::Register(id(5)));
    assert_eq!(of(&state((1, 5, None), &[1, 5], &[1])), Stage::Settle(id(5)));
    assert_eq!(of(&state((5, 6, Some(1)), &[1, 5, 6], &[1])), Stage::Change(id(5), vec!["p-0".to_owned()]));
    assert_eq!(of(&state((5, 6, Some(1)), &[1, 5, 6], &[5])), Stage::Drop(vec![id(1)]));
    assert_eq!(of(&state((5, 6, None), &[1, 5, 6], &[5])), Stage::Drop(vec![id(1)]), "one bundle is left");
    assert_eq!(of(&state((5, 6, None), &[5, 6], &[5])), Stage::Done { current: id(5), replicas: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_lease_counts_until_it_is_not_renewed_any_more() {
    let mut leases = Leases::default();
    let lease = |name: &str, version: &str, signer: Fingerprint| {
        let annotations = json!({"partywall.dev/signer": signer.to_string()});
        json!({"metadata": {"name": name, "resourceVersion": version, "annotations": annotations}})
    };
    let list = |[a, b]: [&str; 2]| {
        let leases = [
            lease("partywall-replica-a", a, id(1)),
            lease("partywall-replica-b", b, id(2)),
            lease("partywall-leader", "7", id(9)),
        ];
        json!({"items": leases})
    };
    let both = BTreeMap::from([("a".to_owned(), Some(id(1))), ("b".to_owned(), Some(id(2)))]);
    assert_eq!(leases.live(&list(["1", "1"]), Instant::now()), both);
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(leases.live(&list(["2", "1"]), Instant::now()), both);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(leases.live(&list(["3", "1"]), Instant::now()).into_keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(leases.live(&list(["3", "2"]), Instant::now()), both, "it is back");
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_a_replica_that_was_killed_long_ago_does_not_count() {
    let mut leases = Leases::default();
    let lease = |name: &str, version: &str, renewed: &str| {
        let metadata = json!({"name": name, "resourceVersion": version});
        json!({"metadata": metadata, "spec": {"renewTime": renewed}})
    };
    let list = |version: &str, renewed: &str| {
        let a = lease("partywall-replica-a", "1", "2026-12-01T03:00:00.000000Z");
        json!({"items": [a, lease("partywall-replica-b", version, renewed)]})
    };
    let names = |leases: &mut Leases, list: &Value| -> Vec<String> {
        leases.live(list, Instant::now()).into_keys().collect()
    };
    assert_eq!(names(&mut leases, &list("1", "2026-12-01T02:58:00.000000Z")), ["a"]);
    // Its clock is behind, and it renews it.
    assert_eq!(names(&mut leases, &list("2", "2026-12-01T02:58:05.000000Z")), ["a", "b"]);
}

/// An API server with a Secret, webhooks and a Lease of one replica, which does what it is asked within a look.
fn server(is_up: bool) -> (FakeServer, Arc<Mutex<Value>>) {
    let names = Names::of("partywall-system", None);
    let fresh = move || make_ca(&names, 1_800_000_000, 1_000_000).unwrap();
    let names = Names::of("partywall-system", None);
    let mut secret = write(&Cas::found(fresh(), fresh()), "partywall-system", None);
    secret["metadata"]["resourceVersion"] = json!("1");
    let secret = Arc::new(Mutex::new(secret));
    let stored = Arc::clone(&secret);
    let mut looks = 0;
    let server = FakeServer::answering(move |asked| {
        let mut secret = stored.lock().unwrap();
        let Found::Good(object, cas) = Found::read(secret.clone(), &names) else { panic!("{secret}") };
        let bundle = secret["data"]["ca.crt"].clone();
        let object = match asked.uri.rsplit('/').next().unwrap().split('?').next().unwrap() {
            "partywall-ca" if asked.method == "PUT" => {
                *secret = asked.body.clone();
                asked.body.clone()
            }
            "partywall-ca" => secret.clone(),
            "partywall" => json!({"webhooks": [{"clientConfig": {"caBundle": bundle}}]}),
            "leases" => {
                looks += 1;
                let wanted = match &*cas {
                    cas if !is_up => cas.clone(),
                    cas if cas.distrusts(&cas.next) => cas.with_next(fresh()),
                    cas if cas.distrusts(&cas.current) || cas.leaving.is_some() => cas.promoted(fresh()),
                    cas if cas.previous.as_ref().is_some_and(|ca| cas.distrusts(ca)) => {
                        cas.without_previous()
                    }
                    cas => cas.clone(),
                };
                *secret = write(&wanted, "partywall-system", Some(&object));
                let annotations = json!({"partywall.dev/signer": wanted.current.id.to_string()});
                let version = if is_up { looks.to_string() } else { "1".to_owned() };
                let metadata = json!({
                    "name": "partywall-replica-a",
                    "resourceVersion": version,
                    "annotations": annotations,
                });
                json!({"items": [{"metadata": metadata}]})
            }
            other => panic!("{other}"),
        };
        Some(Answer::Object(200, object))
    });
    (server, secret)
}

fn rotation(compromised: bool) -> Rotation {
    Rotation { namespace: "partywall-system".to_owned(), compromised, timeout: Duration::from_secs(300) }
}

#[tokio::test(start_paused = true)]
async fn the_replicas_are_asked_once_and_each_stage_is_told_once() {
    for (compromised, stages) in [
        (
            false,
            ["asked the replicas to replace the CA ", "waiting two minutes", "done: all replicas (1)"]
                .as_slice(),
        ),
        (
            true,
            &[
                "asked the replicas to replace all CAs",
                "a replica makes a fresh CA",
                "waiting two minutes",
                "waiting until no bundle holds the old CAs",
                "done: all replicas (1)",
            ],
        ),
    ] {
        let (server, _secret) = server(true);
        let mut told = Vec::new();
        let is_done =
            rotation(compromised).follow(&server.client, &mut |line| told.push(line.to_owned())).await;
        assert!(is_done.unwrap(), "{told:#?}");
        assert_eq!(told.len(), stages.len(), "{told:#?}");
        for (told, stage) in told.iter().zip(stages) {
            assert!(told.contains(stage), "{told}, {stage}");
        }
        let puts = server.asked().into_iter().filter(|asked| asked.method == "PUT").count();
        assert_eq!(puts, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_replicas_it_gives_up_in_time_and_what_is_wanted_stays() {
    let (server, secret) = server(false);
    let mut told = Vec::new();
    let is_done = rotation(true).follow(&server.client, &mut |line| told.push(line.to_owned())).await;
    assert!(!is_done.unwrap());
    assert!(told.iter().any(|line| line.contains("no Lease is renewed")), "{told:#?}");
    assert!(told.last().unwrap().contains("they go on without this command"), "{told:#?}");
    let found = Found::read(secret.lock().unwrap().clone(), &Names::of("partywall-system", None));
    let Found::Good(_, cas) = found else { panic!("{found:?}") };
    assert!(cas.all().all(|ca| cas.distrusts(ca)));
}

#[tokio::test]
async fn without_cas_of_partywall_there_is_nothing_to_rotate() {
    for (answer, told) in [
        (
            Answer::Object(404, status(404)),
            "there are no CAs of partywall in the Secret partywall-system/partywall-ca",
        ),
        (Answer::Object(200, json!({"data": {}})), "there are no CAs"),
        (Answer::Object(200, json!({"data": {"a": ""}})), "cannot be used: `current.crt` is missing"),
        (Answer::Object(403, status(403)), "the Secret partywall-system/partywall-ca: no"),
    ] {
        let server = FakeServer::new([answer]);
        let error = rotation(false).follow(&server.client, &mut |_| {}).await.unwrap_err();
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
}
