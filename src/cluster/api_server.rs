//! The API server, as commands ask it: one request after the other, each with a time limit.
//!
//! A request has one of three results: an answer; a refusal, of which the rest of a command is independent; or none
//! at all, which ends the command.

use std::time::Duration;

use kube::Client;
use kube::api::{DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ObjectList, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use tokio::time::timeout;

use super::connect::{self, Access};

/// How long a request may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How many objects a page of a list has.
const PAGE: u32 = 500;
/// How often a list begins anew whose next page has expired.
const LISTS: usize = 3;

/// The API server gives no answer, or does not know the user.
#[derive(Debug, Error)]
#[error("the API server cannot be asked: {0}")]
pub(crate) struct Unreachable(String);

/// The API server answered, and did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// The HTTP code; 0 if the answer could not be read.
    pub(super) code: u16,
    pub(super) message: String,
}

/// The result of a request.
pub(super) type Answer<T> = Result<Result<T, Refusal>, Unreachable>;

/// The API server, by a user's credentials.
pub(crate) struct ApiServer {
    client: Client,
}

impl ApiServer {
    /// Prepares the client. Nothing is asked yet.
    pub(crate) async fn new(access: Access) -> anyhow::Result<Self> {
        Ok(Self { client: connect::client(access).await? })
    }

    #[cfg(test)]
    pub(super) const fn of(client: Client) -> Self {
        Self { client }
    }

    /// Asks for the version, which everybody may read, so that an API server that is away is noticed first.
    pub(super) async fn greet(&self) -> Result<(), Unreachable> {
        match self.ask::<Value>(axum::http::Request::get("/version").body(Vec::new())).await? {
            // Somebody may have taken even this away from users.
            Err(Refusal { code, message }) if code != 403 => Err(Unreachable(message)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Returns an object, or `None` if it is not there.
    pub(super) async fn get<T>(&self, path: &str, name: &str) -> Answer<Option<T>>
    where
        T: Clone + DeserializeOwned,
    {
        self.find(Request::new(path).get(name, &GetParams::default())).await
    }

    /// Returns the metadata of an object, or `None` if it is not there.
    ///
    /// The rest of it does not leave the API server.
    pub(super) async fn get_metadata<T>(&self, path: &str, name: &str) -> Answer<Option<T>>
    where
        T: Clone + DeserializeOwned,
    {
        self.find(Request::new(path).get_metadata(name, &GetParams::default())).await
    }

    /// Returns all objects at a path, page by page; none if the API server does not know the resource.
    pub(super) async fn list<T>(&self, path: &str) -> Answer<Vec<T>>
    where
        T: Clone + DeserializeOwned,
    {
        self.pages(|params| Request::new(path).list(params)).await
    }

    /// Returns the metadata of all objects at a path.
    pub(super) async fn list_metadata<T>(&self, path: &str) -> Answer<Vec<T>>
    where
        T: Clone + DeserializeOwned,
    {
        self.pages(|params| Request::new(path).list_metadata(params)).await
    }

    /// Creates an object in a dry run, and returns it as it would be stored.
    pub(super) async fn try_to_create(&self, path: &str, object: &Value) -> Answer<Value> {
        let params = PostParams { dry_run: true, field_manager: None };
        self.ask(Request::new(path).create(&params, object.to_string().into_bytes())).await
    }

    /// Applies an object by a field manager, and returns it as it is stored.
    pub(super) async fn apply(&self, path: &str, name: &str, manager: &str, object: &Value) -> Answer<Value> {
        let params = PatchParams::apply(manager);
        self.ask(Request::new(path).patch(name, &params, &Patch::Apply(object))).await
    }

    /// Merges a patch into a subresource.
    pub(super) async fn merge_into(
        &self,
        path: &str,
        name: &str,
        subresource: &str,
        patch: &Value,
    ) -> Answer<Value> {
        let request = Request::new(path);
        let patch = Patch::Merge(patch);
        self.ask(request.patch_subresource(subresource, name, &PatchParams::default(), &patch)).await
    }

    /// Deletes an object, and returns whether it was there.
    pub(super) async fn delete(&self, path: &str, name: &str) -> Answer<bool> {
        let answer = self.ask::<Value>(Request::new(path).delete(name, &DeleteParams::default())).await?;
        Ok(match answer {
            Ok(_) => Ok(true),
            Err(Refusal { code: 404, .. }) => Ok(false),
            Err(refusal) => Err(refusal),
        })
    }

    async fn find<T: DeserializeOwned>(&self, request: Built<impl Into<anyhow::Error>>) -> Answer<Option<T>> {
        Ok(match self.ask(request).await? {
            Ok(object) => Ok(Some(object)),
            Err(Refusal { code: 404, .. }) => Ok(None),
            Err(refusal) => Err(refusal),
        })
    }

    async fn pages<T, E>(&self, request: impl Fn(&ListParams) -> Built<E>) -> Answer<Vec<T>>
    where
        T: Clone + DeserializeOwned,
        E: Into<anyhow::Error>,
    {
        let mut items = Vec::new();
        let mut lists = 1;
        let mut params = ListParams::default().limit(PAGE);
        loop {
            match self.ask::<ObjectList<T>>(request(&params)).await? {
                Ok(page) => {
                    items.extend(page.items);
                    match page.metadata.continue_.filter(|token| !token.is_empty()) {
                        Some(token) => params = params.continue_token(&token),
                        None => return Ok(Ok(items)),
                    }
                }
                // The next page is of a version that the API server does not keep any more.
                Err(Refusal { code: 410, .. }) if lists < LISTS => {
                    lists += 1;
                    items.clear();
                    params = ListParams::default().limit(PAGE);
                }
                Err(Refusal { code: 404, .. }) => return Ok(Ok(Vec::new())),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, request: Built<impl Into<anyhow::Error>>) -> Answer<T> {
        let request = match request {
            Ok(request) => request,
            Err(error) => return Ok(Err(Refusal { code: 0, message: error.into().to_string() })),
        };
        let answer = timeout(ANSWER, self.client.request::<T>(request)).await;
        match answer {
            Err(_) => Err(Unreachable(format!("no answer within {} seconds", ANSWER.as_secs()))),
            Ok(Ok(answer)) => Ok(Ok(answer)),
            Ok(Err(kube::Error::Api(status))) if status.code == 401 => {
                Err(Unreachable(format!("it does not know the user: {}", status.message)))
            }
            Ok(Err(kube::Error::Api(status))) => {
                Ok(Err(Refusal { code: status.code, message: status.message }))
            }
            Ok(Err(error @ kube::Error::SerdeError(_))) => {
                Ok(Err(Refusal { code: 0, message: format!("the answer cannot be read: {error}") }))
            }
            Ok(Err(error)) => Err(Unreachable(chain(&error))),
        }
    }
}

/// A request, or why it cannot be written.
type Built<E> = Result<axum::http::Request<Vec<u8>>, E>;

/// Returns an error with its causes, since the outermost only says that a service failed.
fn chain(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::fake_server::{Answer as Says, FakeServer, status};

    fn page(names: &[&str], token: &str) -> Says {
        let items: Vec<Value> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
        Says::Object(200, json!({"kind": "List", "metadata": {"continue": token}, "items": items}))
    }

    fn names(list: &[Value]) -> Vec<&str> {
        list.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect()
    }

    #[tokio::test]
    async fn lists_are_paged_and_begin_anew_once_a_page_has_expired() {
        let server = FakeServer::new([
            page(&["a"], "next"),
            Says::Object(410, status(410)),
            page(&["a", "b"], "next"),
            page(&["c"], ""),
        ]);
        let api = ApiServer::of(server.client.clone());
        let list: Vec<Value> = api.list("/api/v1/nodes").await.unwrap().unwrap();
        assert_eq!(names(&list), ["a", "b", "c"]);
        let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.uri).collect();
        assert!(asked[0].contains("limit=500") && asked[3].contains("continue=next"), "{asked:?}");
        assert!(!asked[2].contains("continue"), "{asked:?}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_none_and_what_is_refused_is_a_refusal() {
        let server = FakeServer::new([404, 404, 404, 403].map(|code| Says::Object(code, status(code))));
        let api = ApiServer::of(server.client.clone());
        assert_eq!(api.list::<Value>("/apis/a/v1/b").await.unwrap(), Ok(Vec::new()));
        assert_eq!(api.get::<Value>("/api/v1/nodes", "a").await.unwrap(), Ok(None));
        assert_eq!(api.delete("/api/v1/nodes", "a").await.unwrap(), Ok(false));
        assert_eq!(api.list::<Value>("/api/v1/nodes").await.unwrap().unwrap_err().code, 403);
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_and_an_unknown_user_end_the_command() {
        let server = FakeServer::new([401, 500, 403].map(|code| Says::Object(code, status(code))));
        let api = ApiServer::of(server.client.clone());
        assert!(api.greet().await.unwrap_err().to_string().contains("does not know the user"));
        assert!(api.greet().await.is_err());
        api.greet().await.unwrap();
        // The fake server says nothing any more.
        assert!(api.greet().await.unwrap_err().to_string().contains("no answer within 10 seconds"));
    }
}
