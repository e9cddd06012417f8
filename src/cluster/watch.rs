//! Lists a kind, and follows its changes.
//!
//! The loop lists once, and then watches from the version of the list on. The API server ends a watch after two
//! minutes; the next one goes on from the last version seen. If that version is too old, the loop lists again.
//!
//! A connection may hang without an end, for example behind a load balancer that forgot it. So a watch without any
//! event for longer than the API server would let it run is given up.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::{ObjectList, Request};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::failure::{code, told};
use super::item::Item;
use super::kind::Kind;
use super::state::Change;

/// How long the API server lets a watch run, in seconds.
const WATCH_SECONDS: u32 = 120;
/// How long a watch may be without an event; each ends before that.
const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 5);
/// How long the answer to a request may take to begin, and a page of a list to arrive.
const ANSWER: Duration = Duration::from_secs(20);
/// How many objects a page of a list has, so that a large list is never in memory at once as JSON.
const PAGE: u32 = 500;
/// The first and the longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));
/// From this minor version of Kubernetes on, the API server streams lists; 1.32 could, and 1.33 could not.
const STREAMS_LISTS: u32 = 34;
/// The annotation of the bookmark that ends a streamed list.
const LIST_ENDS: &str = "k8s.io/initial-events-end";

/// The reason why a list or watch ended.
#[derive(Debug, Error)]
enum Failure {
    /// The last version seen is too old to go on from.
    #[error("the version is too old")]
    Expired,
    /// Nothing came for longer than a watch runs.
    #[error("no answer in time")]
    Silent,
    /// The server ended the watch as soon as it had begun, or in the midst of a list.
    #[error("the watch ended too soon")]
    Short,
    /// The request failed.
    #[error("{}", told(_0))]
    Failed(#[from] kube::Error),
    /// The request could not be written.
    #[error(transparent)]
    Request(#[from] kube::core::request::Error),
    /// Nobody takes the changes any more.
    #[error("stopped")]
    Stopped,
}

/// Follows a kind until nobody takes the changes any more.
pub(super) async fn watch(client: Client, kind: Kind, changes: mpsc::Sender<Change>) {
    let mut watch = Watch { client, kind, changes, version: None };
    let mut pause = PAUSES.0;
    let mut is_failing = false;
    loop {
        let result = watch.go_on().await;
        let resource = kind.resource();
        match result {
            Ok(()) => {
                if is_failing {
                    info!(resource, "the watch goes on");
                }
                (pause, is_failing) = (PAUSES.0, false);
            }
            Err(Failure::Stopped) => return,
            Err(Failure::Expired) => {
                watch.version = None;
                // An API server that has just started may say so again and again.
                sleep(PAUSES.0).await;
            }
            Err(failure) => {
                if !is_failing {
                    warn!(resource, %failure, "the watch failed; what is known holds, and it is tried again");
                    is_failing = true;
                }
                sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

/// A watch of one kind.
struct Watch {
    client: Client,
    kind: Kind,
    changes: mpsc::Sender<Change>,
    /// The version from which a watch goes on; `None` before a list.
    version: Option<String>,
}

impl Watch {
    /// Lists if nothing is known yet, and else watches until the API server ends it.
    async fn go_on(&mut self) -> Result<(), Failure> {
        match self.version.clone() {
            Some(version) => self.follow(&version, None).await,
            None if self.streams_lists().await => match self.follow("", Some(Vec::new())).await {
                // A feature gate of the server may be off.
                Err(Failure::Failed(error)) if matches!(code(&error), Some(400 | 422)) => self.list().await,
                result => result,
            },
            None => self.list().await,
        }
    }

    async fn streams_lists(&self) -> bool {
        let Ok(Ok(version)) = timeout(ANSWER, self.client.apiserver_version()).await else { return false };
        let minor: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
        version.major == "1" && minor.parse::<u32>().is_ok_and(|minor| minor >= STREAMS_LISTS)
    }

    /// Lists page by page.
    async fn list(&mut self) -> Result<(), Failure> {
        let mut items = Vec::new();
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let request = Request::new(self.kind.path());
            let request =
                if self.kind.is_own() { request.list(&params)? } else { request.list_metadata(&params)? };
            let answer = timeout(ANSWER, self.client.request::<ObjectList<Item>>(request)).await;
            let page = answer.map_err(|_| Failure::Silent)?.map_err(failure)?;
            items.extend(page.items.into_iter().map(|item| self.needed(item)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => {
                    self.version = page.metadata.resource_version;
                    return self.send(Change::Listed(self.kind, items)).await;
                }
            }
        }
    }

    /// Watches from a version on. With `listed`, the watch begins with all objects, which are gathered there.
    async fn follow(&mut self, version: &str, mut listed: Option<Vec<Item>>) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut params = WatchParams::default().timeout(WATCH_SECONDS);
        if listed.is_some() {
            params = params.initial_events();
        }
        let request = Request::new(self.kind.path());
        let request = if self.kind.is_own() {
            request.watch(&params, version)?
        } else {
            request.watch_metadata(&params, version)?
        };
        let answer = timeout(ANSWER, self.client.request_events::<Item>(request)).await;
        let events = answer.map_err(|_| Failure::Silent)?.map_err(failure)?;
        let mut events = pin!(events);
        if listed.is_none() {
            self.send(Change::Contact(self.kind)).await?;
        }
        let mut is_first = true;
        loop {
            let event = timeout(SILENCE, events.next()).await.map_err(|_| Failure::Silent)?;
            let Some(event) = event else {
                let is_short = is_first && begun.elapsed() < Duration::from_secs(1);
                // Half of a list is no list.
                return if is_short || listed.is_some() { Err(Failure::Short) } else { Ok(()) };
            };
            is_first = false;
            match event.map_err(failure)? {
                WatchEvent::Added(item) | WatchEvent::Modified(item) => {
                    let item = self.needed(item);
                    match &mut listed {
                        Some(items) => items.push(item),
                        None => {
                            self.version = Some(item.metadata.resource_version.clone());
                            self.send(Change::Set(self.kind, Box::new(item))).await?;
                        }
                    }
                }
                WatchEvent::Deleted(item) => {
                    self.version = Some(item.metadata.resource_version);
                    self.send(Change::Gone(self.kind, item.metadata.name)).await?;
                }
                WatchEvent::Bookmark(bookmark) => {
                    let metadata = bookmark.metadata;
                    if listed.is_none() || metadata.annotations.contains_key(LIST_ENDS) {
                        self.version = Some(metadata.resource_version);
                        let change = match listed.take() {
                            Some(items) => Change::Listed(self.kind, items),
                            None => Change::Contact(self.kind),
                        };
                        self.send(change).await?;
                    }
                }
                WatchEvent::Error(status) => return Err(failure(kube::Error::Api(status))),
            }
        }
    }

    /// Drops what is not read of an object, before it waits with all others of a list.
    fn needed(&self, mut item: Item) -> Item {
        if !self.kind.is_own() {
            item.metadata.annotations.clear();
        }
        item
    }

    async fn send(&self, change: Change) -> Result<(), Failure> {
        self.changes.send(change).await.map_err(|_| Failure::Stopped)
    }
}

fn failure(error: kube::Error) -> Failure {
    if code(&error) == Some(410) { Failure::Expired } else { Failure::Failed(error) }
}

#[cfg(test)]
mod tests;
