//! The API server as one user sees it, by paths and JSON, over kept connections.
//!
//! It has what tests/e2e/api.rs has, but for the client of kube, which would take a minute to build and some of the
//! latency.

use std::fmt::{self, Display};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;

/// The reason why there is no object.
#[derive(Debug)]
pub(crate) enum Error {
    /// The API server said so.
    Api { code: u16, message: String },
    /// It said nothing that could be understood.
    Other(anyhow::Error),
}

impl Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api { code, message } => write!(formatter, "{code}: {message}"),
            Self::Other(error) => write!(formatter, "{error:#}"),
        }
    }
}

impl std::error::Error for Error {}

/// A client of the API server.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

struct Inner {
    runtime: Handle,
    /// `127.0.0.1:6443`
    address: String,
    token: String,
    tls: TlsConnector,
    /// Connections on which no request is under way.
    free: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl Api {
    pub(crate) fn new(runtime: &Handle, server: &str, ca: &Path, token: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(Inner {
            runtime: runtime.clone(),
            address: server.trim_start_matches("https://").to_owned(),
            token: token.to_owned(),
            tls: TlsConnector::from(Arc::new(tls)),
            free: Mutex::default(),
        }))
    }

    /// Returns the text at a path that has no object, such as `/readyz`.
    pub(crate) fn text(&self, path: &str) -> Result<String, Error> {
        let body = self.0.runtime.block_on(self.bytes(&Method::GET, path, &Value::Null))?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The object or list at a path, if there is one.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        match self.send(Method::GET, path, &Value::Null) {
            Ok(object) => Some(object),
            Err(Error::Api { code: 404, .. }) => None,
            Err(error) => panic!("GET {path}: {error}"),
        }
    }

    /// Creates an object.
    #[track_caller]
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        self.must(Method::POST, path, object)
    }

    /// Merges a patch into an object.
    #[track_caller]
    pub(crate) fn patch(&self, path: &str, patch: &Value) -> Value {
        self.must(Method::PATCH, path, patch)
    }

    /// Deletes an object or a collection, without waiting until it is gone.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Value {
        self.must(Method::DELETE, path, &Value::Null)
    }

    #[track_caller]
    fn must(&self, method: Method, path: &str, body: &Value) -> Value {
        let name = method.clone();
        match self.send(method, path, body) {
            Ok(answer) => answer,
            Err(error) => panic!("{name} {path}: {error}"),
        }
    }

    /// Sends any request.
    pub(crate) fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Error> {
        self.0.runtime.block_on(self.send_async(method, path, body))
    }

    /// [`Self::send`], for the threads of the runtime.
    pub(crate) async fn send_async(&self, method: Method, path: &str, body: &Value) -> Result<Value, Error> {
        let answer = self.bytes(&method, path, body).await?;
        serde_json::from_slice(&answer).map_err(|error| Error::Other(error.into()))
    }

    async fn bytes(&self, method: &Method, path: &str, body: &Value) -> Result<Bytes, Error> {
        let (answer, bytes) = self.ask(method, path, body).await.map_err(Error::Other)?;
        if answer.status().is_success() {
            return Ok(bytes);
        }
        let status: Option<Value> = serde_json::from_slice(&bytes).ok();
        let message = status.and_then(|status| Some(status["message"].as_str()?.to_owned()));
        let message = message.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned());
        Err(Error::Api { code: answer.status().as_u16(), message })
    }

    async fn ask(&self, method: &Method, path: &str, body: &Value) -> anyhow::Result<(Response<()>, Bytes)> {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.0.address)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.0.token))
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(Bytes::from(body)))?;
        let mut connection = self.connection().await?;
        let (head, body) = connection.send_request(request).await.context("no answer")?.into_parts();
        let bytes = Incoming::collect(body).await.context("half an answer")?.to_bytes();
        self.free().push(connection);
        Ok((Response::from_parts(head, ()), bytes))
    }

    /// Returns one that is kept, or a new one.
    async fn connection(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        loop {
            let Some(mut kept) = self.free().pop() else { break };
            // The API server may have closed it by now.
            if kept.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        let stream = TcpStream::connect(&self.0.address).await?;
        stream.set_nodelay(true)?;
        let host = self.0.address.split(':').next().unwrap_or_default().to_owned();
        let stream = self.0.tls.connect(ServerName::try_from(host)?, stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn free(&self) -> MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
