//! Writes the label of its tenant onto each Namespace that a Tenant lists.
//!
//! The API server chooses by this label which objects it sends. Each replica writes it, since an apply that changes
//! nothing costs little, and to be without a label for a moment costs a tenant its wall.

use std::time::Duration;

use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use partywall_core::labels::TENANT;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use super::failure::{code, told};
use super::installation::LABELS_MANAGER;

/// How long a request may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long to wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// A label that a Namespace lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) namespace: Box<str>,
    /// The identity of the Namespace, so that none of that name is created, and no later one labelled by mistake.
    pub(super) uid: Box<str>,
    pub(super) tenant: Box<str>,
}

/// The reason why a label was not written.
#[derive(Debug, Error)]
enum Failure {
    #[error("no answer in time")]
    Silent,
    #[error("{}", told(_0))]
    Failed(#[from] kube::Error),
    #[error(transparent)]
    Request(#[from] kube::core::request::Error),
}

/// Writes the labels that are missing, now and later, until `stopping` is true.
pub(super) async fn write(
    client: Client,
    mut missing: watch::Receiver<Vec<Label>>,
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
                    is_failing = false;
                }
                // It is gone, or another one has its name; the watch tells.
                Err(Failure::Failed(error)) if matches!(code(&error), Some(404 | 409)) => {}
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
    let request = Request::new("/api/v1/namespaces").patch(&label.namespace, &params, &patch)?;
    timeout(ANSWER, client.request::<Value>(request)).await.map_err(|_| Failure::Silent)??;
    Ok(())
}

fn patch(Label { namespace, uid, tenant }: &Label) -> Value {
    let metadata = json!({"name": namespace, "uid": uid, "labels": {TENANT: tenant}});
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fake_server::{Answer, Asked, FakeServer, status};

    fn label(namespace: &str) -> Label {
        Label { namespace: namespace.into(), uid: "7".into(), tenant: "x".into() }
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
        tokio::spawn(write(server.client.clone(), missing, stopping));
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
        tokio::spawn(write(server.client.clone(), missing, stopping));
        assert_eq!(names(&until(&server, 4).await), ["a", "gone", "a", "gone"]);
        labels.send_replace(vec![label("b")]);
        assert_eq!(names(&until(&server, 5).await)[4..], ["b"]);
        tokio::time::sleep(AGAIN * 5).await;
        assert_eq!(server.asked().len(), 5, "nothing is pending");
    }

    #[tokio::test(start_paused = true)]
    async fn from_sigterm_on_nothing_is_written() {
        let server = FakeServer::new([]);
        let (labels, missing) = watch::channel(Vec::new());
        let (stop, stopping) = watch::channel(false);
        let writer = tokio::spawn(write(server.client.clone(), missing, stopping));
        stop.send_replace(true);
        labels.send_replace(vec![label("a")]);
        writer.await.unwrap();
        assert!(server.asked().is_empty());
    }
}
