//! The API server's side of a connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::keys::Signed;

/// The address and the certificates of a server.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The CA that is trusted.
    pub(crate) ca: String,
}

impl Target {
    /// A secured connection, offering `alpn`, with a client certificate if one is given.
    pub(crate) async fn connect(
        &self,
        alpn: &str,
        client: Option<&Signed>,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.secure(TcpStream::connect(self.address).await?, alpn, client).await
    }

    /// A connection that has said nothing yet, from an address of this machine.
    pub(crate) async fn connect_from(&self, from: [u8; 4]) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::from(from), 0).into())?;
        socket.connect(self.address).await
    }

    /// The handshake on a connection.
    pub(crate) async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        alpn: &str,
        client: Option<&Signed>,
    ) -> io::Result<TlsStream<S>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            Some(Signed { cert, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// The serving certificate that a new connection meets.
    pub(crate) async fn certificate(&self) -> CertificateDer<'static> {
        let stream = self.connect("http/1.1", None).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// A connection as the API server makes it to a Service.
    pub(crate) async fn http1(&self) -> Client {
        Client::http1(TokioIo::new(self.connect("http/1.1", None).await.unwrap())).await
    }

    /// A connection as the API server makes it to a loopback URL.
    pub(crate) async fn http2(&self) -> Client {
        let io = TokioIo::new(self.connect("h2", None).await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        Client::Http2(sender)
    }
}

/// One connection.
pub(crate) enum Client {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) async fn http1<I>(io: TokioIo<I>) -> Self
    where
        TokioIo<I>: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self::Http1(sender)
    }

    /// The same connection, for one more request at once.
    pub(crate) fn http2_again(&self) -> Self {
        match self {
            Self::Http1(_) => panic!("over HTTP/1.1 there is one request at a time"),
            Self::Http2(sender) => Self::Http2(sender.clone()),
        }
    }

    /// Sends a request, on this very connection.
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        self.try_send(method, path, body.into()).await.unwrap()
    }

    pub(crate) async fn try_send(&mut self, method: Method, path: &str, body: Body) -> hyper::Result<Answer> {
        let request = Request::builder().method(method);
        let response = match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                let request = request.uri(path).header("host", "localhost").body(body).unwrap();
                sender.send_request(request).await?
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                let request = request.uri(format!("https://localhost{path}")).body(body).unwrap();
                sender.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    pub(crate) async fn post(&mut self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(Method::POST, path, body).await
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The `response` of a review, after a look at everything around it.
    pub(crate) fn review(&self, uid: &str) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("content-length"), Some(self.body.len().to_string().as_str()));
        let review: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(review["kind"], "AdmissionReview");
        assert_eq!(review["response"]["uid"], uid);
        review["response"].clone()
    }
}
