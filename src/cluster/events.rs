//! Events: what an operator must know about an object, where `kubectl describe` shows it.
//!
//! They are written by `events.k8s.io/v1`, about objects that are in no namespace in `default`. An event that has been
//! written is counted when it happens again, and all of them together are bounded: a log line has what is left out.

mod event;
mod repeats;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{info, warn};

pub(super) use self::event::{Event, Regarding, Weight};
use self::repeats::{Repeats, Todo};
use super::send::{Failure, send};

/// How many events wait to be written.
const QUEUE: usize = 256;
/// Where events are about what is in no namespace.
const PATH: &str = "/apis/events.k8s.io/v1/namespaces/default/events";
/// The controller that writes them.
const CONTROLLER: &str = "partywall.dev/partywall";
/// The longest note, in bytes, as the API server bounds it.
const LONGEST_NOTE: usize = 1_024;
/// The longest name of an instance, in bytes, as the API server bounds it.
const LONGEST_INSTANCE: usize = 128;

/// Takes events.
#[derive(Clone, Debug)]
pub(super) struct Events {
    sender: mpsc::Sender<Event>,
    is_full: Arc<AtomicBool>,
}

impl Events {
    /// Lets an event be written, without waiting for it. It is left out if too many wait.
    pub(super) fn tell(&self, event: Event) {
        match self.sender.try_send(event) {
            Ok(()) => self.is_full.store(false, Ordering::Relaxed),
            Err(mpsc::error::TrySendError::Full(event)) => {
                if !self.is_full.swap(true, Ordering::Relaxed) {
                    let (object, reason) = (event.regarding.name, event.reason);
                    warn!(object, reason, "too many events wait to be written; some are left out");
                }
            }
            // From SIGTERM on, none are written.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }
}

/// Holds the events that wait to be written.
#[derive(Debug)]
pub(super) struct Queue(mpsc::Receiver<Event>);

#[cfg(test)]
impl Queue {
    /// Returns the next event, if one waits.
    pub(super) fn try_next(&mut self) -> Option<Event> {
        self.0.try_recv().ok()
    }
}

/// Returns where events are told, and where they wait.
pub(super) fn channel() -> (Events, Queue) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Events { sender, is_full: Arc::default() }, Queue(receiver))
}

/// Writes events until `stopping` is true; `instance` names this replica.
pub(super) async fn write(
    client: Client,
    queue: &mut Queue,
    instance: String,
    now: fn() -> Timestamp,
    mut stopping: watch::Receiver<bool>,
) {
    let repeats = Repeats::default();
    let mut writer = Writer { client, instance, now, repeats, is_failing: false, leaves_out: false };
    tokio::select! {
        () = writer.run(queue) => {}
        // Its sender may be gone, which means the same.
        _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
    }
}

struct Writer {
    client: Client,
    instance: String,
    now: fn() -> Timestamp,
    repeats: Repeats,
    is_failing: bool,
    /// Whether the last new event was left out.
    leaves_out: bool,
}

impl Writer {
    async fn run(&mut self, queue: &mut Queue) {
        while let Some(event) = queue.0.recv().await {
            let result = match self.repeats.take(&event, Instant::now()) {
                Todo::Create => {
                    self.leaves_out = false;
                    self.create(&event).await
                }
                Todo::Count(name, count) => self.count(&name, count).await,
                Todo::Nothing => continue,
                Todo::LeaveOut => {
                    if !self.leaves_out {
                        warn!("there are too many events; new ones are left out for a while");
                    }
                    self.leaves_out = true;
                    continue;
                }
            };
            match result {
                Ok(()) => {
                    if self.is_failing {
                        info!("events are written again");
                    }
                    self.is_failing = false;
                }
                Err(failure) => {
                    self.repeats.forget(&event);
                    if !self.is_failing {
                        let Event { regarding, reason, note, .. } = event;
                        warn!(object = regarding.name, reason, note, %failure, "an event was not written");
                    }
                    self.is_failing = true;
                }
            }
        }
    }

    async fn create(&mut self, event: &Event) -> Result<(), Failure> {
        let document = document(event, &self.instance, (self.now)());
        let data = serde_json::to_vec(&document).map_err(kube::Error::SerdeError)?;
        let request = Request::new(PATH).create(&PostParams::default(), data);
        let created: Value = send(&self.client, request).await?;
        let name = created.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        self.repeats.note(event, name);
        Ok(())
    }

    /// Says how often an event has happened. It may be gone: the API server keeps events for an hour.
    async fn count(&self, name: &str, count: u32) -> Result<(), Failure> {
        let last = format!("{:.6}", (self.now)());
        let patch = Patch::Merge(json!({"series": {"count": count, "lastObservedTime": last}}));
        let request = Request::new(PATH).patch(name, &PatchParams::default(), &patch);
        match send::<Value>(&self.client, request).await {
            Err(failure) if failure.code() != Some(404) => Err(failure),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn document(event: &Event, instance: &str, now: Timestamp) -> Value {
    let Event { regarding, reason, note, weight, action } = event;
    let Regarding { api_version, kind, name, uid } = regarding;
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": "partywall-", "namespace": "default"},
        "eventTime": format!("{now:.6}"),
        "reportingController": CONTROLLER,
        "reportingInstance": cut(instance, LONGEST_INSTANCE),
        "action": action,
        "reason": reason,
        "note": cut(note, LONGEST_NOTE),
        "type": weight.as_str(),
        "regarding": {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid},
    })
}

/// Returns the beginning of a text that has at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;
    use crate::cluster::fake_server::{Answer, FakeServer, status};

    fn created(name: &str) -> Answer {
        Answer::Object(201, json!({"metadata": {"name": name}}))
    }

    fn start(answers: impl IntoIterator<Item = Answer>) -> (FakeServer, Events, watch::Sender<bool>) {
        let server = FakeServer::new(answers);
        let (events, mut queue) = channel();
        let (stop, stopping) = watch::channel(false);
        let client = server.client.clone();
        tokio::spawn(async move {
            write(client, &mut queue, "a".repeat(500), || Timestamp::UNIX_EPOCH, stopping).await;
        });
        (server, events, stop)
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_written_as_the_api_server_reads_it_and_counted_when_it_happens_again() {
        let (server, events, _stop) = start([created("partywall-x"), Answer::Object(200, json!({}))]);
        events.tell(Event::example(&"é".repeat(1_000)));
        sleep(Duration::from_secs(1)).await;
        events.tell(Event::example(&"é".repeat(1_000)));
        sleep(Duration::from_secs(600)).await;
        events.tell(Event::example(&"é".repeat(1_000)));
        sleep(Duration::from_secs(1)).await;
        let asked = server.asked();
        assert_eq!(asked.len(), 2);
        let uri = "/apis/events.k8s.io/v1/namespaces/default/events";
        assert_eq!((asked[0].method.as_str(), asked[0].uri.trim_end_matches('?')), ("POST", uri));
        assert_eq!(asked[0].body["note"], "é".repeat(512));
        assert_eq!(asked[0].body["reportingInstance"], "a".repeat(128));
        assert_eq!(asked[0].body["eventTime"], "1970-01-01T00:00:00.000000Z");
        assert_eq!(asked[1].method, "PATCH");
        assert!(asked[1].uri.starts_with(&format!("{uri}/partywall-x")), "{}", asked[1].uri);
        let series = json!({"series": {"count": 3, "lastObservedTime": "1970-01-01T00:00:00.000000Z"}});
        assert_eq!(asked[1].body, series);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_was_not_written_is_written_when_it_happens_again() {
        let (server, events, _stop) = start([Answer::Object(500, status(500)), created("x")]);
        events.tell(Event::example("no"));
        sleep(Duration::from_secs(1)).await;
        events.tell(Event::example("no"));
        sleep(Duration::from_secs(1)).await;
        let methods: Vec<_> = server.asked().into_iter().map(|asked| asked.method).collect();
        assert_eq!(methods, ["POST", "POST"]);
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_left_out_rather_than_waited_for() {
        let (server, events, stop) = start([]);
        for number in 0..10_000 {
            events.tell(Event::example(&number.to_string()));
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(server.asked().len(), 1, "the first one gets no answer");
        stop.send_replace(true);
        sleep(Duration::from_secs(1)).await;
        events.tell(Event::example("after SIGTERM"));
        sleep(Duration::from_secs(60)).await;
        assert_eq!(server.asked().len(), 1);
    }
}
