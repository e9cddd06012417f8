use std::sync::Mutex;

use partywall_core::Phase;
use serde_json::{Value, json};

use super::model::{Api, Partywall, ca, pem, server, snapshot};
use super::*;
use crate::cluster::fake_server::{Answer, Asked, FakeServer, status};
use crate::policies::{Writer, store};

/// A registration that runs on an API server of a model.
struct Run {
    api: Arc<Mutex<ApiServer>>,
    server: FakeServer,
    stop: watch::Sender<bool>,
    trust: watch::Sender<Trust>,
    registered: watch::Receiver<Registered>,
    writer: Writer,
    learned: Learned,
    metrics: Arc<Metrics>,
}

struct ApiServer {
    api: Api,
    /// Whether it answers.
    is_up: bool,
    /// Whether it asks partywall.
    asks: bool,
    /// Whether what others wrote contradicts what is applied.
    refuses_applies: bool,
}

impl ApiServer {
    fn answer(&mut self, Asked { method, uri, body }: &Asked) -> Answer {
        if !self.is_up {
            return Answer::Object(500, status(500));
        }
        let phase = if uri.contains("/mutating") { Phase::Mutate } else { Phase::Validate };
        let version = body["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        let mut meant = body.clone();
        meant["metadata"].as_object_mut().map(|metadata| metadata.remove("resourceVersion"));
        let write =
            |replacement| Write { phase, meant, replacement, version: version.clone(), is_drift: false };
        let there = self.api.live.of(phase).as_ref().map(Live::version);
        let is_stale = version.is_some() && version.as_deref() != there;
        match method.as_str() {
            "POST" if self.asks => {
                let name = body["metadata"]["name"].as_str().unwrap();
                let mut denial = status(403);
                denial["message"] =
                    json!(format!("admission webhook \"policies.partywall.dev\" denied the request: {name}"));
                Answer::Object(403, denial)
            }
            "POST" => Answer::Object(201, body.clone()),
            "GET" => match self.api.live.of(phase) {
                Some(live) => Answer::Object(200, live.0.clone()),
                None => Answer::Object(404, status(404)),
            },
            "PATCH" | "PUT" if is_stale => Answer::Object(409, status(409)),
            "PATCH" if self.refuses_applies && self.api.live.of(phase).is_some() => {
                Answer::Object(422, status(422))
            }
            "PATCH" => Answer::Object(200, self.api.take(&write(None)).0),
            "PUT" => Answer::Object(200, self.api.take(&write(Some(body.clone()))).0),
            other => panic!("{other} {uri}"),
        }
    }
}

fn trust(cas: &[usize]) -> Trust {
    let all = cas.iter().map(|index| ca(*index)).collect();
    Trust { bundle: pem(cas).into_bytes().into(), cas: all, signer: Some(ca(cas[0])) }
}

impl Run {
    fn start(asks: bool, owner: Owner) -> Self {
        let api = Arc::new(Mutex::new(ApiServer {
            api: Api::default(),
            is_up: true,
            asks,
            refuses_applies: false,
        }));
        let answers = Arc::clone(&api);
        let fake = FakeServer::answering(move |asked| Some(answers.lock().unwrap().answer(asked)));
        let (writer, policies) = store();
        let (trust, trusted) = watch::channel(trust(&[0, 1]));
        let (stop, stopping) = watch::channel(false);
        let (registered, published) = watch::channel(Registered::default());
        let (learned, metrics) = (Learned::default(), Arc::new(Metrics::new().unwrap()));
        let registration = Registration {
            client: fake.client.clone(),
            server: server(8443),
            owner,
            policies,
            learned: learned.clone(),
            metrics: Arc::clone(&metrics),
        };
        let replicas = watch::Sender::new(Partywall::new(&[0]).replicas).subscribe();
        tokio::spawn(registration.run(Channels { trust: trusted, replicas, registered }, stopping));
        Self { api, server: fake, stop, trust, registered: published, writer, learned, metrics }
    }

    /// Starts one, and waits until all webhooks are registered.
    async fn armed() -> Self {
        let mut run = Self::start(true, Owner::Partywall);
        run.set_policies();
        run.registered.wait_for(|registered| registered.is_armed && registered.is_current).await.unwrap();
        run
    }

    fn set_policies(&mut self) {
        self.writer.replace(snapshot());
        self.learned.finish();
    }

    fn api<T>(&self, with: impl FnOnce(&mut ApiServer) -> T) -> T {
        with(&mut self.api.lock().unwrap())
    }

    fn count(&self) -> usize {
        self.api(|api| api.api.names().len())
    }

    /// Returns how often something was written.
    fn writes(&self) -> usize {
        self.server.asked().iter().filter(|asked| ["PATCH", "PUT"].contains(&asked.method.as_str())).count()
    }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn it_registers_probes_three_times_and_registers_the_rest() {
    let run = Run::armed().await;
    let asked = run.server.asked();
    let changes: Vec<&Asked> = asked.iter().filter(|asked| asked.method != "GET").collect();
    let path =
        |phase| format!("/apis/admissionregistration.k8s.io/v1/{phase}webhookconfigurations/partywall");
    let apply = "?&force=true&fieldManager=partywall-registration";
    let dry_run =
        "/apis/partywall.dev/v1alpha1/exemptions?&dryRun=All&fieldManager=partywall-registration".to_owned();
    let expected = [
        format!("{}{apply}", path("validating")),
        dry_run.clone(),
        dry_run.clone(),
        dry_run,
        format!("{}{apply}", path("mutating")),
        format!("{}{apply}", path("validating")),
    ];
    assert_eq!(
        changes.iter().map(|asked| &asked.uri).collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert_eq!(changes[0].body["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(
        changes[0].body["metadata"]["annotations"]["partywall.dev/version"],
        env!("CARGO_PKG_VERSION")
    );
    assert_ne!(changes[1].body["metadata"]["name"], changes[2].body["metadata"]["name"]);
    assert_eq!((run.metrics.registration_armed.get(), run.metrics.registration_current.get()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn while_the_api_server_does_not_ask_nothing_but_the_own_objects_is_registered() {
    let mut run = Run::start(false, Owner::Partywall);
    run.set_policies();
    sleep(LONG).await;
    assert_eq!((run.count(), run.writes()), (1, 1));
    assert_eq!(run.metrics.registration_armed.get(), 0);
    let probes = run.server.asked().iter().filter(|asked| asked.method == "POST").count();
    assert!((20..120).contains(&probes), "{probes} probes in a minute");
    run.api(|api| api.asks = true);
    run.registered.wait_for(|registered| registered.is_armed).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn edits_and_deletions_are_mended_within_five_seconds_and_counted() {
    let run = Run::armed().await;
    let all = run.count();
    let changes: [fn(&mut Api); 3] = [
        |api| api.live.validating = None,
        |api| api.edit(Phase::Validate, |object| object["webhooks"] = json!([])),
        |api| {
            let narrow = json!({"matchLabels": {"never": "there"}});
            api.edit(Phase::Mutate, |object: &mut Value| object["webhooks"][0]["objectSelector"] = narrow);
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let before = run.api(|api| api.api.live.clone());
        run.api(|api| change(&mut api.api));
        sleep(Duration::from_secs(5)).await;
        assert_eq!(run.count(), all);
        let webhooks = |live: &Both<Option<Live>>| {
            live.iter().flatten().flat_map(Live::webhooks).cloned().collect::<Vec<_>>()
        };
        run.api(|api| assert_eq!(webhooks(&api.api.live), webhooks(&before)));
        assert_eq!(run.metrics.registration_mended.get(), index as u64 + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn new_cas_are_written_at_once() {
    let run = Run::armed().await;
    run.trust.send_replace(trust(&[0, 1, 2]));
    let mut registered = run.registered.clone();
    let all = Some([ca(0), ca(1), ca(2)].into());
    registered.wait_for(|registered| registered.trusted == all).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn from_sigterm_on_nothing_is_written() {
    let run = Run::armed().await;
    run.stop.send_replace(true);
    sleep(Duration::from_secs(1)).await;
    let asked = run.server.asked().len();
    run.api(|api| api.api.live.validating = None);
    run.trust.send_replace(trust(&[2]));
    sleep(LONG).await;
    assert_eq!(run.server.asked().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn while_the_api_server_is_away_what_was_read_holds() {
    let run = Run::armed().await;
    let before = run.registered.borrow().clone();
    run.api(|api| api.is_up = false);
    sleep(LONG).await;
    assert_eq!(*run.registered.borrow(), before);
    run.api(|api| {
        api.is_up = true;
        api.api.live.mutating = None;
    });
    sleep(Duration::from_secs(5)).await;
    assert!(run.api(|api| api.api.live.mutating.is_some()));
}

#[tokio::test(start_paused = true)]
async fn while_it_is_paused_edits_stay() {
    let run = Run::armed().await;
    let writes = run.writes();
    run.api(|api| {
        api.api.edit(Phase::Mutate, |object| {
            object["metadata"]["annotations"]["partywall.dev/registration"] = json!("paused");
        });
        api.api.live.validating = None;
    });
    sleep(LONG).await;
    assert_eq!((run.writes(), run.metrics.registration_paused.get()), (writes, 1));
    assert!(run.registered.borrow().is_paused);
    run.api(|api| {
        api.api.edit(Phase::Mutate, |object| {
            object["metadata"]["annotations"].as_object_mut().unwrap().remove("partywall.dev/registration");
        });
    });
    sleep(Duration::from_secs(5)).await;
    assert!(run.api(|api| api.api.live.validating.is_some()));
    assert_eq!(run.metrics.registration_paused.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_others_own_is_only_read() {
    let mut run = Run::start(true, Owner::Others);
    run.set_policies();
    sleep(LONG).await;
    assert!(run.server.asked().iter().all(|asked| asked.method == "GET"));
    let registered = run.registered.borrow().clone();
    assert!(registered.is_known && !registered.is_armed && registered.trusted.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_applied_beside_what_others_wrote_replaces_it() {
    let run = Run::armed().await;
    let all = run.count();
    run.api(|api| {
        api.refuses_applies = true;
        api.api.edit(Phase::Validate, |object| object["webhooks"] = json!([]));
    });
    sleep(Duration::from_secs(5)).await;
    assert_eq!(run.count(), all);
}
