//! The API server as one user sees it, by paths and JSON, so that no Rust type hides fields of a newer version.

use std::path::Path;

use axum::http::request::Builder;
use axum::http::{Method, Request};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Handle;

/// A client of the API server.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    runtime: Handle,
}

impl Api {
    pub(crate) fn new(runtime: &Handle, server: &str, ca: &Path, token: &str) -> Self {
        let mut config = Config::new(server.parse().unwrap());
        config.root_cert_file = Some(ca.to_owned());
        // No retries: a case that expects a failure to pass repeats the request itself.
        config.default_retry = false;
        config.auth_info.token = Some(token.to_owned().into());
        let _inside = runtime.enter();
        Self { client: Client::try_from(config).unwrap(), runtime: runtime.clone() }
    }

    /// Returns the text at a path that has no object, such as `/readyz`.
    pub(crate) fn text(&self, path: &str) -> Result<String, kube::Error> {
        let request = Request::get(path).body(Vec::new()).unwrap();
        self.runtime.block_on(self.client.request_text(request))
    }

    /// Returns what the API server answers to these media types, such as those of aggregated discovery.
    #[track_caller]
    pub(crate) fn get_as(&self, path: &str, accept: &str) -> Value {
        let request = Request::get(path).header("accept", accept).body(Vec::new()).unwrap();
        match self.runtime.block_on(self.client.request(request)) {
            Ok(answer) => answer,
            Err(error) => panic!("GET {path} as {accept}: {error}"),
        }
    }

    /// The object or list at a path, if there is one.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        match self.send(Method::GET, path, &Value::Null) {
            Ok(object) => Some(object),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("GET {path}: {error}"),
        }
    }

    /// Creates an object.
    #[track_caller]
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        self.must(&Method::POST, path, object)
    }

    /// Merges a patch into an object.
    #[track_caller]
    pub(crate) fn patch(&self, path: &str, patch: &Value) -> Value {
        self.must(&Method::PATCH, path, patch)
    }

    /// Deletes an object, without waiting until it is gone.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Value {
        self.must(&Method::DELETE, path, &Value::Null)
    }

    #[track_caller]
    fn must(&self, method: &Method, path: &str, body: &Value) -> Value {
        match self.send(method.clone(), path, body) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Sends any request.
    pub(crate) fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, kube::Error> {
        self.runtime.block_on(self.send_async(method, path, body))
    }

    /// [`Self::send`], on behalf of another user.
    pub(crate) fn send_as(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let request = request(method, path, body).header("impersonate-user", user);
        self.runtime.block_on(self.client.request(request.body(bytes(body)).unwrap()))
    }

    /// [`Self::send`], for the threads of the runtime.
    pub(crate) async fn send_async(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        self.client.request(request(method, path, body).body(bytes(body)).unwrap()).await
    }

    /// The client itself, for watches.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

fn request(method: Method, path: &str, body: &Value) -> Builder {
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let builder = Request::builder().method(method).uri(path);
    if body.is_null() { builder } else { builder.header("content-type", kind) }
}

fn bytes(body: &Value) -> Vec<u8> {
    if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
}
