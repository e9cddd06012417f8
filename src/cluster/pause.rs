//! Tells, as an event of the webhook configuration, that somebody paused the registration.

use std::time::Duration;

use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

use super::events::{Event, Events, Regarding, Weight};
use super::facts::{Registered, Replicas};
use super::installation::CONFIGURATIONS;
use super::item::Item;
use super::send::{Failure, send};

/// The kinds of both configurations, and the paths of all of them.
const KINDS: [(&str, &str); 2] = [
    ("MutatingWebhookConfiguration", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"),
    (
        "ValidatingWebhookConfiguration",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    ),
];
const API_VERSION: &str = "admissionregistration.k8s.io/v1";
/// The annotation by which somebody pauses the registration, and its value.
const PAUSE: (&str, &str) = ("partywall.dev/registration", "paused");
/// How long to wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// Tells whenever the registration has been paused while this replica leads, until `stopping` is true.
pub(super) async fn tell(
    client: Client,
    (mut registered, mut replicas): (watch::Receiver<Registered>, watch::Receiver<Replicas>),
    events: Events,
    mut stopping: watch::Receiver<bool>,
) {
    let tells = async {
        let (mut is_told, mut is_failing) = (false, false);
        loop {
            let is_paused = registered.borrow_and_update().is_paused;
            let leads = replicas.borrow_and_update().leads;
            is_told &= is_paused;
            if is_paused && leads && !is_told {
                match paused(&client).await {
                    Ok(paused) => {
                        paused.into_iter().for_each(|event| events.tell(event));
                        (is_told, is_failing) = (true, false);
                    }
                    Err(failure) => {
                        if !is_failing {
                            warn!(%failure, "no event tells of the paused registration; it is tried again");
                        }
                        is_failing = true;
                    }
                }
            }
            let is_over = tokio::select! {
                changed = registered.changed() => changed.is_err(),
                changed = replicas.changed() => changed.is_err(),
                () = sleep(AGAIN), if is_failing => false,
            };
            if is_over {
                return;
            }
        }
    };
    tokio::select! {
        () = tells => {}
        // Its sender may be gone, which means the same.
        _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
    }
}

/// Returns an event of each configuration that somebody paused.
async fn paused(client: &Client) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    for (kind, path) in KINDS {
        let request = Request::new(path).get_metadata(CONFIGURATIONS, &GetParams::default());
        let item: Item = match send(client, request).await {
            Ok(item) => item,
            // The other one pauses both.
            Err(failure) if failure.code() == Some(404) => continue,
            Err(failure) => return Err(failure),
        };
        let (key, value) = PAUSE;
        if item.metadata.annotations.get(key).is_some_and(|found| found == value) {
            events.push(Event {
                regarding: Regarding {
                    api_version: API_VERSION,
                    kind,
                    name: item.metadata.name,
                    uid: item.metadata.uid,
                },
                reason: "RegistrationPaused".to_owned(),
                note: format!(
                    "somebody paused the registration by the annotation {key}: {value}; until it is removed, \
                     partywall mends neither webhook configuration"
                ),
                weight: Weight::Warning,
                action: "Register",
            });
        }
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::events;
    use crate::cluster::fake_server::{Answer, FakeServer, status};

    fn configuration(annotations: &serde_json::Value) -> Answer {
        let metadata = json!({"name": "partywall", "uid": "u", "annotations": annotations});
        Answer::Object(200, json!({"metadata": metadata}))
    }

    #[tokio::test(start_paused = true)]
    async fn the_leader_tells_once_of_the_configuration_that_is_paused() {
        let paused = || configuration(&json!({"partywall.dev/registration": "paused"}));
        let other = || configuration(&json!({"partywall.dev/registration": "no"}));
        let failed = Answer::Object(500, status(500));
        let gone = Answer::Object(404, status(404));
        let server = FakeServer::new([failed, paused(), other(), gone, paused()]);
        let (registered, registered_now) = watch::channel(Registered::default());
        let (replicas, replicas_now) = watch::channel(Replicas::default());
        let (stop, stopping) = watch::channel(false);
        let (events, mut queue) = events::channel();
        let task =
            tokio::spawn(tell(server.client.clone(), (registered_now, replicas_now), events, stopping));
        registered.send_modify(|registered| registered.is_paused = true);
        sleep(AGAIN * 3).await;
        assert!(server.asked().is_empty(), "another replica leads");
        replicas.send_modify(|replicas| replicas.leads = true);
        sleep(AGAIN * 3).await;
        let event = queue.try_next().unwrap();
        assert_eq!((event.reason.as_str(), event.regarding.uid.as_str()), ("RegistrationPaused", "u"));
        assert_eq!(event.regarding.kind, "MutatingWebhookConfiguration");
        assert!(queue.try_next().is_none());
        registered.send_modify(|registered| registered.is_armed = true);
        sleep(AGAIN).await;
        assert_eq!(server.asked().len(), 3, "it is told");
        for is_paused in [false, true] {
            registered.send_modify(|registered| registered.is_paused = is_paused);
            sleep(AGAIN).await;
        }
        assert_eq!(queue.try_next().unwrap().regarding.kind, "ValidatingWebhookConfiguration");
        stop.send_replace(true);
        task.await.unwrap();
    }
}
