//! Writes the label of its tenant onto each Namespace that a Tenant lists.
//!
//! The API server chooses by this label which objects it sends. Each replica writes it, since an apply that changes
//! nothing costs little, and to be without a label for a moment costs a tenant its wall.

use std::time::Duration;

use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use partywall_core::api::API_VERSION;
use partywall_core::labels::TENANT;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use super::events::{Event, Events, Regarding, Weight};
use super::facts::Replicas;
use super::installation::LABELS_MANAGER;
use super::send::{Failure, send};

/// How long to wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// A label that a Namespace lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) namespace: Box<str>,
    /// The identity of the Namespace, so that none of that name is created, and no later one labelled by mistake.
    pub(super) uid: Box<str>,
    pub(super) tenant: Box<str>,
    /// Whether the Namespace has had it before.
    pub(super) is_lost: bool,
    /// The identity of the Tenant.
    pub(super) tenant_uid: Box<str>,
}

/// Where labels that somebody took away are told.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    pub(super) events: Events,
    /// Only the replica that leads tells of it.
    pub(super) replicas: watch::Receiver<Replicas>,
}

impl Teller {
    fn tell(&self, label: &Label) {
        let Label { namespace, tenant, tenant_uid, is_lost, .. } = label;
        if !is_lost || !self.replicas.borrow().leads {
            return;
        }
        self.events.tell(Event {
            regarding: Regarding {
                api_version: API_VERSION,
                kind: "Tenant",
                name: tenant.to_string(),
                uid: tenant_uid.to_string(),
            },
            reason: "LabelPutBack".to_owned(),
            note: format!(
                "somebody took away or changed the label {TENANT} of the Namespace `{namespace}`; partywall put it \
                 back"
            ),
            weight: Weight::Warning,
            action: "Label",
        });
    }
}

/// Writes the labels that are missing, now and later, until `stopping` is true.
pub(super) async fn write(
    client: Client,
    mut missing: watch::Receiver<Vec<Label>>,
    teller: Teller,
    mut stopping: watch::Receiver<bool>,
) {
    let mut is_failing = false;
    let mut is_pending = true;
    loop {
        let woken = async {
            if is_pending {
                // A change of the list is no reason to wait.
                timeout(AGAIN, missing.changed()).await.unwrap_or(Ok(()))
            } else {
                missing.changed().await
            }
        };
        let is_over = tokio::select! {
            changed = woken => changed.is_err(),
            // Its sender may be gone, which means the same.
            _ = stopping.wait_for(|is_stopping| *is_stopping) => true,
        };
        if is_over {
            return;
        }
        is_pending = false;
        let labels = missing.borrow_and_update().clone();
        for label in labels {
            if *stopping.borrow() {
                return;
            }
            let Label { namespace, tenant, .. } = &label;
            match apply(&client, &label).await {
                Ok(()) => {
                    info!(%namespace, %tenant, "the Namespace got the label of its tenant");
                    teller.tell(&label);
                    is_failing = false;
                }
                // It is gone, or another one has its name; the watch tells.
                Err(failure) if matches!(failure.code(), Some(404 | 409)) => {}
                Err(failure) => {
                    if !is_failing {
                        warn!(%namespace, %tenant, %failure, "a Namespace lacks its label; it is tried again");
                    }
                    (is_failing, is_pending) = (true, true);
                }
            }
        }
    }
}

async fn apply(client: &Client, label: &Label) -> Result<(), Failure> {
    let params = PatchParams::apply(LABELS_MANAGER).force();
    let patch = Patch::Apply(patch(label));
    let request = Request::new("/api/v1/namespaces").patch(&label.namespace, &params, &patch);
    send::<Value>(client, request).await.map(drop)
}

fn patch(Label { namespace, uid, tenant, .. }: &Label) -> Value {
    let metadata = json!({"name": namespace, "uid": uid, "labels": {TENANT: tenant}});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::events::{Queue, channel};
    use crate::cluster::fake_server::{Answer, Asked, FakeServer, status};

    fn label(namespace: &str) -> Label {
        Label {
            namespace: namespace.into(),
            uid: "7".into(),
            tenant: "x".into(),
            is_lost: false,
            tenant_uid: "8".into(),
        }
    }

    fn teller(leads: bool) -> (Teller, Queue) {
        let (events, queue) = channel();
        let (_replicas, replicas) = watch::channel(Replicas { leads, ..Replicas::default() });
        (Teller { events, replicas }, queue)
    }

    /// Waits until the server was asked so often.
    async fn until(server: &FakeServer, count: usize) -> Vec<Asked> {
        for _ in 0..1_000 {
            if server.asked().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.asked()
    }

    fn names(asked: &[Asked]) -> Vec<&str> {
        asked.iter().filter_map(|asked| asked.body["metadata"]["name"].as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_label_is_applied_by_its_own_manager_to_that_namespace_alone() {
        let server = FakeServer::new([Answer::Object(200, json!({}))]);
        let (_labels, missing) = watch::channel(vec![label("a")]);
        let (_stop, stopping) = watch::channel(false);
        tokio::spawn(write(server.client.clone(), missing, teller(true).0, stopping));
        let asked = until(&server, 1).await;
        let expected = Asked {
            method: "PATCH".to_owned(),
            uri: "/api/v1/namespaces/a?&force=true&fieldManager=partywall-labels".to_owned(),
            body: json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "a", "uid": "7", "labels": {"partywall.dev/tenant": "x"}},
            }),
        };
        assert_eq!(asked, [expected]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_and_what_is_gone_is_not() {
        let server = FakeServer::new([
            Answer::Object(500, status(500)),
            Answer::Object(409, status(409)),
            Answer::Object(200, json!({})),
            Answer::Object(404, status(404)),
            Answer::Object(200, json!({})),
        ]);
        let (labels, missing) = watch::channel(vec![label("a"), label("gone")]);
        let (_stop, stopping) = watch::channel(false);
        tokio::spawn(write(server.client.clone(), missing, teller(true).0, stopping));
        assert_eq!(names(&until(&server, 4).await), ["a", "gone", "a", "gone"]);
        labels.send_replace(vec![label("b")]);
        assert_eq!(names(&until(&server, 5).await)[4..], ["b"]);
        tokio::time::sleep(AGAIN * 5).await;
        assert_eq!(server.asked().len(), 5, "nothing is pending");
    }

    #[tokio::test(start_paused = true)]
    async fn the_leader_tells_of_a_label_that_somebody_took_away() {
        for (is_lost, leads) in [(true, true), (true, false), (false, true)] {
            let server = FakeServer::new([Answer::Object(200, json!({}))]);
            let (labels, missing) = watch::channel(vec![Label { is_lost, ..label("a") }]);
            let (stop, stopping) = watch::channel(false);
            let (teller, mut queue) = teller(leads);
            let writer = tokio::spawn(write(server.client.clone(), missing, teller, stopping));
            until(&server, 1).await;
            tokio::time::sleep(AGAIN).await;
            stop.send_replace(true);
            writer.await.unwrap();
            drop(labels);
            let event = queue.try_next();
            assert_eq!(event.is_some(), is_lost && leads);
            if let Some(event) = event {
                assert_eq!((event.reason.as_str(), event.regarding.uid.as_str()), ("LabelPutBack", "8"));
                assert!(event.note.contains("`a`"), "{}", event.note);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn from_sigterm_on_nothing_is_written() {
        let server = FakeServer::new([]);
        let (labels, missing) = watch::channel(Vec::new());
        let (stop, stopping) = watch::channel(false);
        let writer = tokio::spawn(write(server.client.clone(), missing, teller(true).0, stopping));
        stop.send_replace(true);
        labels.send_replace(vec![label("a")]);
        writer.await.unwrap();
        assert!(server.asked().is_empty());
    }
}
