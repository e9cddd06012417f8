//! Writes statuses, as long as this replica leads.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use partywall_core::api::{API_VERSION, TenantStatus};
use partywall_core::tenancy::ObjectName;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::conditions::{READY, is_to_be_told};
use super::plan::{Plan, Write};
use super::told::Told;
use crate::cluster::events::{Event, Events, Regarding, Weight};
use crate::cluster::facts::{Registered, Replicas};
use crate::cluster::installation::STATUS_MANAGER;
use crate::cluster::kind::Kind;
use crate::cluster::send::{Failure, send};

/// How long to wait after a change, until the registration has followed it.
const SETTLES: Duration = Duration::from_millis(500);
/// How many statuses are written before this looks again at what has changed meanwhile.
const BATCH: usize = 50;
/// How long to wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// The longest time between two looks.
const LOOK: Duration = Duration::from_secs(60);
/// How long to wait until what is registered is what the policies demand.
///
/// What was ready should not seem not to be, because the registration follows each change a moment later, and is not
/// known when a replica begins to lead.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the writer of statuses reads and tells.
#[derive(Clone)]
pub(crate) struct Statuses {
    pub(crate) told: watch::Receiver<Arc<Told>>,
    pub(crate) registered: watch::Receiver<Registered>,
    pub(crate) replicas: watch::Receiver<Replicas>,
    pub(crate) events: Events,
    pub(crate) now: fn() -> Timestamp,
}

/// Writes statuses until `stopping` is true.
pub(crate) async fn write(client: Client, statuses: Statuses, mut stopping: watch::Receiver<bool>) {
    let mut writer = Writer { client, statuses, plan: Plan::default(), waits: None, is_failing: false };
    let stops = stopping.clone();
    tokio::select! {
        () = writer.run(stops) => {}
        // Its sender may be gone, which means the same.
        _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
    }
}

struct Writer {
    client: Client,
    statuses: Statuses,
    plan: Plan,
    /// Since when this replica leads, and what is registered is not what the policies demand.
    waits: Option<Instant>,
    is_failing: bool,
}

/// The reason why no more is written for now.
enum Pause {
    /// There is nothing to do until this time, unless something changes.
    Until(Instant),
    /// There is more to do.
    None,
    /// The API server did not take a status.
    Failed,
}

impl Writer {
    async fn run(&mut self, stopping: watch::Receiver<bool>) {
        loop {
            let is_leading = self.statuses.replicas.borrow_and_update().leads;
            let pause = if is_leading {
                match self.waits_until() {
                    Some(until) => Pause::Until(until),
                    None => self.round(&stopping).await,
                }
            } else {
                // The next leader writes.
                (self.plan, self.waits) = (Plan::default(), None);
                Pause::Until(Instant::now() + LOOK)
            };
            let until = match pause {
                Pause::None => continue,
                Pause::Failed => {
                    sleep(AGAIN).await;
                    continue;
                }
                Pause::Until(until) => until,
            };
            let Statuses { told, registered, replicas, .. } = &mut self.statuses;
            tokio::select! {
                changed = told.changed() => if changed.is_err() { return },
                changed = registered.changed() => if changed.is_err() { return },
                changed = replicas.changed() => if changed.is_err() { return },
                () = sleep_until(until) => {}
            }
            sleep(SETTLES).await;
        }
    }

    /// Returns until when to wait for the registration.
    fn waits_until(&mut self) -> Option<Instant> {
        if self.registered().is_current {
            self.waits = None;
            return None;
        }
        let until = *self.waits.get_or_insert_with(Instant::now) + PATIENCE;
        (Instant::now() < until).then_some(until)
    }

    /// Returns what is registered, which is current only if it was compared with the snapshot of the last compile.
    fn registered(&mut self) -> Registered {
        let told = self.statuses.told.borrow_and_update().snapshot;
        let registered = self.statuses.registered.borrow_and_update().clone();
        let is_current = registered.is_current && registered.snapshot == told;
        Registered { is_current, ..registered }
    }

    /// Writes some of what is due.
    async fn round(&mut self, stopping: &watch::Receiver<bool>) -> Pause {
        let registered = self.registered();
        let told = Arc::clone(&self.statuses.told.borrow());
        let now = Instant::now();
        let time = format!("{:.0}", (self.statuses.now)());
        let due = self.plan.due(&told, &registered, now, &time);
        let has_more = due.now.len() > BATCH;
        for write in due.now.into_iter().take(BATCH) {
            if *stopping.borrow() || !self.statuses.replicas.borrow().leads {
                break;
            }
            match patch(&self.client, &write).await {
                Ok(()) => {
                    if self.is_failing {
                        info!("statuses are written again");
                        self.is_failing = false;
                    }
                    self.tell(&write);
                }
                // It is gone, or another one has its name; the watch tells.
                Err(failure) if matches!(failure.code(), Some(404 | 409)) => {}
                Err(failure) => {
                    if !self.is_failing {
                        warn!(object = %write.name, %failure, "a status was not written; it is tried again");
                        self.is_failing = true;
                    }
                    // A status that is refused for what it says must not keep others from being written.
                    if failure.code() != Some(422) {
                        return Pause::Failed;
                    }
                }
            }
            self.plan.note(&told, write, Instant::now());
        }
        if has_more {
            return Pause::None;
        }
        let latest = now + LOOK;
        Pause::Until(due.next.map_or(latest, |next| next.min(latest)))
    }

    /// Tells as an event why an object is not ready.
    fn tell(&self, write: &Write) {
        let Write { name, uid, status, is_news } = write;
        let Some(ready) = status.conditions.iter().find(|condition| condition.kind == READY) else { return };
        if !is_news || ready.status == "True" || !is_to_be_told(&ready.reason) {
            return;
        }
        self.statuses.events.tell(Event {
            regarding: Regarding {
                api_version: API_VERSION,
                kind: name.kind,
                name: name.name.clone(),
                uid: uid.to_string(),
            },
            reason: ready.reason.clone(),
            note: ready.message.clone(),
            weight: Weight::Warning,
            action: "Compile",
        });
    }
}

/// Applies a status to that object alone.
async fn patch(client: &Client, write: &Write) -> Result<(), Failure> {
    let Write { name, uid, status, .. } = write;
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name.kind) else { return Ok(()) };
    let params = PatchParams::apply(STATUS_MANAGER).force();
    let patch = Patch::Apply(document(name, uid, status));
    let request = Request::new(kind.path()).patch_subresource("status", &name.name, &params, &patch);
    send::<Value>(client, request).await.map(drop)
}

fn document(name: &ObjectName, uid: &str, status: &TenantStatus) -> impl Serialize {
    json!({
        "apiVersion": API_VERSION,
        "kind": name.kind,
        "metadata": {"name": name.name, "uid": uid},
        "status": status,
    })
}

#[cfg(test)]
mod tests {
    use partywall_core::tenancy::Snapshot;

    use super::*;
    use crate::cluster::events;
    use crate::cluster::facts::SnapshotId;
    use crate::cluster::fake_server::{Answer, Asked, FakeServer, status as failure};
    use crate::cluster::status::told::ToldObject;

    struct Running {
        server: FakeServer,
        told: watch::Sender<Arc<Told>>,
        registered: watch::Sender<Registered>,
        replicas: watch::Sender<Replicas>,
        stop: watch::Sender<bool>,
        task: tokio::task::JoinHandle<()>,
        events: events::Queue,
    }

    fn start(answers: impl IntoIterator<Item = Answer>) -> Running {
        let server = FakeServer::new(answers);
        let (told, told_now) = watch::channel(Arc::new(Told::default()));
        let current = Registered { is_known: true, is_current: true, ..Registered::default() };
        let (registered, registered_now) = watch::channel(current);
        let (replicas, replicas_now) = watch::channel(Replicas::default());
        let (stop, stopping) = watch::channel(false);
        let (events, queue) = events::channel();
        let statuses = Statuses {
            told: told_now,
            registered: registered_now,
            replicas: replicas_now,
            events,
            now: || Timestamp::UNIX_EPOCH,
        };
        let task = tokio::spawn(write(server.client.clone(), statuses, stopping));
        Running { server, told, registered, replicas, stop, task, events: queue }
    }

    impl Running {
        fn lead(&self, leads: bool) {
            self.replicas.send_modify(|replicas| replicas.leads = leads);
        }

        fn tell(&self, names: &[&str]) {
            let object = |name: &&str| {
                let name = ObjectName { kind: "Tenant", name: (*name).to_owned() };
                (name, ToldObject { uid: "u".into(), generation: 1, ..ToldObject::default() })
            };
            self.told.send_replace(Arc::new(Told {
                objects: names.iter().map(object).collect(),
                ..Told::default()
            }));
        }

        async fn until(&self, count: usize) -> Vec<Asked> {
            for _ in 0..10_000 {
                if self.server.asked().len() >= count {
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
            self.server.asked()
        }
    }

    fn ok() -> Answer {
        Answer::Object(200, json!({}))
    }

    fn names(asked: &[Asked]) -> Vec<&str> {
        asked.iter().filter_map(|asked| asked.body["metadata"]["name"].as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_leader_alone_writes_and_each_status_once() {
        let running = start([ok(), ok()]);
        running.tell(&["a"]);
        sleep(LOOK * 3).await;
        assert!(running.server.asked().is_empty());
        running.lead(true);
        let asked = running.until(1).await;
        let uri = "/apis/partywall.dev/v1alpha1/tenants/a/status?&force=true&fieldManager=partywall-status";
        assert_eq!((asked[0].method.as_str(), asked[0].uri.as_str()), ("PATCH", uri));
        assert_eq!(asked[0].body["metadata"], json!({"name": "a", "uid": "u"}));
        assert_eq!(
            asked[0].body["status"]["conditions"][0],
            json!({
                "type": "Ready",
                "status": "True",
                "reason": "AsWritten",
                "message": "it holds as it is written",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
                "observedGeneration": 1,
            })
        );
        assert_eq!(asked[0].body["status"]["registered"], true);
        sleep(SETTLES * 10).await;
        assert_eq!(running.server.asked().len(), 1);
        running.lead(false);
        running.tell(&["a", "b"]);
        sleep(LOOK * 3).await;
        assert_eq!(running.server.asked().len(), 1);
        assert!(!running.task.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_leader_waits_a_moment_until_it_is_known_what_is_registered() {
        let running = start([ok(), ok()]);
        running.registered.send_replace(Registered::default());
        running.tell(&["a"]);
        running.lead(true);
        sleep(PATIENCE / 2).await;
        assert!(running.server.asked().is_empty());
        let current = Registered { is_known: true, is_current: true, ..Registered::default() };
        running.registered.send_replace(current);
        assert_eq!(running.until(1).await[0].body["status"]["registered"], true);
        running.lead(false);
        sleep(SETTLES * 2).await;
        running.registered.send_replace(Registered::default());
        running.lead(true);
        let begun = Instant::now();
        assert_eq!(running.until(2).await[1].body["status"]["registered"], false);
        assert!(begun.elapsed() >= PATIENCE, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_that_the_registration_has_not_seen_yet_is_awaited() {
        let running = start([ok()]);
        let today = jiff::civil::date(2026, 12, 1);
        let snapshot = Arc::new(Snapshot::compile(Vec::new(), today).unwrap().snapshot);
        let snapshot = SnapshotId::of(&snapshot);
        running.tell(&["a"]);
        running.told.send_modify(|told| Arc::make_mut(told).snapshot = snapshot);
        running.lead(true);
        sleep(PATIENCE / 2).await;
        assert!(running.server.asked().is_empty(), "it may be ready, or not");
        running.registered.send_modify(|registered| registered.snapshot = snapshot);
        let begun = Instant::now();
        assert_eq!(running.until(1).await[0].body["status"]["registered"], true);
        assert!(begun.elapsed() < SETTLES * 2, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_and_does_not_hold_up_others() {
        let refused = Answer::Object(422, failure(422));
        let gone = Answer::Object(404, failure(404));
        let running = start([Answer::Object(500, failure(500)), refused, gone, ok(), ok()]);
        running.lead(true);
        running.tell(&["a", "b", "c"]);
        assert_eq!(names(&running.until(4).await), ["a", "a", "b", "c"]);
        sleep(LOOK / 2).await;
        assert_eq!(running.server.asked().len(), 4, "nothing is pending but the refused one");
        assert_eq!(names(&running.until(5).await)[4], "a");
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_batch_is_written_without_a_pause() {
        let running = start((0..120).map(|_| ok()));
        running.lead(true);
        let names: Vec<String> = (0..120).map(|number| format!("t-{number:03}")).collect();
        running.tell(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let begun = Instant::now();
        running.until(120).await;
        assert!(begun.elapsed() < SETTLES * 3, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn why_an_object_is_not_ready_is_told_once_as_an_event() {
        use partywall_core::api::{Mistake, Source};
        use partywall_core::tenancy::{Finding, Reason};

        let mut running = start([ok(), ok()]);
        running.lead(true);
        let mistake = Mistake {
            source: Source::file("tenants.partywall.dev/a"),
            object: String::new(),
            place: None,
            path: "spec.namespaces[0]".to_owned(),
            value: String::new(),
            message: "no".to_owned(),
        };
        let mut object = ToldObject { uid: "u".into(), generation: 1, ..ToldObject::default() };
        object.state.findings.push(Finding { reason: Reason::Conflict, mistake });
        let name = ObjectName { kind: "Tenant", name: "a".to_owned() };
        let told = |object: &ToldObject| {
            Arc::new(Told { objects: [(name.clone(), object.clone())].into(), ..Told::default() })
        };
        running.told.send_replace(told(&object));
        running.until(1).await;
        object.generation = 2;
        running.told.send_replace(told(&object));
        running.until(2).await;
        running.stop.send_replace(true);
        running.task.await.unwrap();
        let event = running.events.try_next().unwrap();
        assert_eq!((event.reason.as_str(), event.regarding.name.as_str()), ("Conflict", "a"));
        assert_eq!(event.note, "spec.namespaces[0]: no; the rest holds as it is written");
        assert!(running.events.try_next().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn from_sigterm_on_nothing_is_written() {
        let running = start([ok()]);
        running.lead(true);
        running.stop.send_replace(true);
        running.tell(&["a"]);
        running.task.await.unwrap();
        assert!(running.server.asked().is_empty());
    }
}
