//! Sends spans to a collector: OTLP over HTTP/1.1, as protobuf.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the collector may take for a message.
const ANSWER: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const LONGEST: usize = 64 << 10;
/// The path of a collector for traces.
const PATH: &str = "/v1/traces";
/// The port of a URL without one.
const HTTP: u16 = 80;

/// The address of a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// A text is no address of a collector.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL over plain HTTP with a host.
    #[error(
        "write a URL such as http://collector.tracing:4318{PATH}; TLS, users and passwords are not supported"
    )]
    Url,
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let uri: Uri = text.parse().map_err(|_| EndpointError::Url)?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some("http"), Some(authority)) = (uri.scheme_str(), authority) else {
            return Err(EndpointError::Url);
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let path = if matches!(path, "" | "/") { PATH } else { path };
        let port = authority.port_u16().unwrap_or(HTTP);
        Ok(Self { host, port, authority: authority.as_str().to_owned(), path: path.to_owned() })
    }
}

/// Spans were not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the connection failed: {0}")]
    Connection(hyper::Error),
    #[error("the message cannot be written: {0}")]
    Request(axum::http::Error),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("its answer cannot be read: {0}")]
    Answer(Box<dyn std::error::Error + Send + Sync>),
    #[error("it took longer than {} s", ANSWER.as_secs())]
    Late,
}

/// A collector, to which each message goes over a new connection.
#[derive(Debug)]
pub(super) struct Collector(Endpoint);

impl Collector {
    pub(super) fn at(endpoint: Endpoint) -> Self {
        Self(endpoint)
    }

    /// Sends spans; returns how many of them the collector rejected.
    pub(super) async fn send(&self, message: &ExportTraceServiceRequest) -> Result<u64, SendError> {
        timeout(ANSWER, self.post(message.encode_to_vec().into())).await.map_err(|_| SendError::Late)?
    }

    async fn post(&self, message: Bytes) -> Result<u64, SendError> {
        let Endpoint { host, port, authority, path } = &self.0;
        let stream = TcpStream::connect((&**host, *port)).await.map_err(SendError::Connect)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(SendError::Connection)?;
        // Ends when the sender is dropped; an error of the connection is one of the request, too.
        tokio::spawn(connection);
        let request = Request::post(path)
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(Full::new(message))
            .map_err(SendError::Request)?;
        let response = sender.send_request(request).await.map_err(SendError::Connection)?;
        if !response.status().is_success() {
            return Err(SendError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), LONGEST).collect().await.map_err(SendError::Answer)?;
        let answer = ExportTraceServiceResponse::decode(body.to_bytes());
        let answer = answer.map_err(|error| SendError::Answer(error.into()))?;
        let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(u64::try_from(rejected).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_in_plain_http() {
        let parts = |text: &str| {
            let Endpoint { host, port, authority, path } = text.parse().unwrap();
            [host, port.to_string(), authority, path].join(" ")
        };
        assert_eq!(parts("http://a.b:4318/v1/traces"), "a.b 4318 a.b:4318 /v1/traces");
        assert_eq!(parts("http://a.b:4318"), "a.b 4318 a.b:4318 /v1/traces");
        assert_eq!(parts("http://[::1]:4318/x?y=z"), "::1 4318 [::1]:4318 /x?y=z");
        assert_eq!(parts("http://a.b/"), "a.b 80 a.b /v1/traces");
        for wrong in
            ["", "a.b", "a.b:4318", "https://a.b:4318", "http://user:word@a.b", "/v1/traces", "grpc://a"]
        {
            let error = wrong.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains("http://collector"), "{wrong}: {error}");
        }
    }
}
