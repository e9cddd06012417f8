//! Asks the API server for the version of the newest Tenant, for a Namespace that is created: its Tenant may be newer
//! than what the watch has told.
//!
//! One list answers all who asked before it began, so that many Namespaces at once are no many lists.

use std::time::Duration;

use kube::Client;
use kube::api::ListParams;
use kube::core::{ObjectList, Request};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{info, warn};

use super::kind::Kind;
use super::send::{Failure, send};
use crate::policies::Question;

/// How many questions wait for one answer without waiting for each other.
pub(super) const QUESTIONS: usize = 64;
/// How long an answer may take. Who asks has little more time.
const ANSWER: Duration = Duration::from_secs(1);
/// How many Tenants a page of the list has.
const PAGE: u32 = 500;

/// A Tenant, of which only the version is read.
#[derive(Clone, Debug, Deserialize)]
struct Tenant {
    metadata: Metadata,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

/// Answers questions until nobody asks any more.
pub(super) async fn answer(client: Client, questions: &mut mpsc::Receiver<Question>) {
    let mut is_failing = false;
    while let Some(first) = questions.recv().await {
        let mut asked = vec![first];
        while let Ok(another) = questions.try_recv() {
            asked.push(another);
        }
        match timeout(ANSWER, newest(&client)).await.unwrap_or(Err(Failure::Silent)) {
            Ok(version) => {
                if is_failing {
                    info!("the Tenants can be listed for new Namespaces again");
                    is_failing = false;
                }
                for question in asked {
                    // Whoever asked may have given up.
                    let _given_up = question.send(version);
                }
            }
            Err(failure) => {
                if !is_failing {
                    warn!(%failure, "the Tenants cannot be listed; new Namespaces wait a moment instead");
                    is_failing = true;
                }
            }
        }
    }
}

/// Returns the version of the newest Tenant, 0 if there is none.
async fn newest(client: &Client) -> Result<u64, Failure> {
    let mut newest = 0;
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let request = Request::new(Kind::Tenant.path()).list_metadata(&params);
        let page: ObjectList<Tenant> = send(client, request).await?;
        let versions = page.items.iter().filter_map(|tenant| version(&tenant.metadata.resource_version));
        newest = versions.fold(newest, u64::max);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(newest),
        }
    }
}

/// Returns a version as a number, by which versions of one kind are ordered.
pub(super) fn version(text: &str) -> Option<u64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::sync::oneshot;

    use super::*;
    use crate::cluster::fake_server::{Answer, FakeServer, status};

    fn page(versions: &[&str], token: &str) -> Answer {
        let item = |version: &&str| json!({"metadata": {"name": "a", "resourceVersion": version}});
        let items: Vec<Value> = versions.iter().map(item).collect();
        Answer::Object(200, json!({"kind": "List", "metadata": {"continue": token}, "items": items}))
    }

    #[tokio::test]
    async fn one_list_answers_all_who_asked_before_it() {
        let server = FakeServer::new([page(&["9", "12"], "next"), page(&["10"], "")]);
        let (sender, mut questions) = mpsc::channel(QUESTIONS);
        let mut answers = Vec::new();
        for _ in 0..3 {
            let (question, answer) = oneshot::channel();
            sender.send(question).await.unwrap();
            answers.push(answer);
        }
        drop(sender);
        answer(server.client.clone(), &mut questions).await;
        for answer in answers {
            assert_eq!(answer.await, Ok(12));
        }
        let asked = server.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(!asked[0].uri.contains("resourceVersion"), "only such a list has all of now: {asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_fails_or_hangs_answers_nobody_and_the_next_is_tried() {
        // The third question gets no answer at all.
        let server = FakeServer::new([Answer::Object(500, status(500)), page(&[], "")]);
        let (sender, mut questions) = mpsc::channel(QUESTIONS);
        let client = server.client.clone();
        tokio::spawn(async move { answer(client, &mut questions).await });
        for expected in [None, Some(0), None] {
            let (question, answer) = oneshot::channel();
            sender.send(question).await.unwrap();
            assert_eq!(answer.await.ok(), expected);
        }
    }
}
