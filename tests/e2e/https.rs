//! A webhook server by hand: one function from the path and the body of a request to the body of its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::partywall::Pair;

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _accepting: JoinSet<()>,
}

/// Answers a request, given its path and its body.
pub(crate) type Answer = dyn Fn(&str, &[u8]) -> Value + Send + Sync;

impl Server {
    pub(crate) fn start(runtime: &Handle, pair: &Pair, answer: Arc<Answer>) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config(pair)));
        let mut accepting = JoinSet::new();
        accepting.spawn_on(accept(listener, acceptor, answer), runtime);
        Self { address, _accepting: accepting }
    }
}

fn config(pair: &Pair) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(&pair.cert).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, answer: Arc<Answer>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
        connections.spawn(async move {
            // The caller sees how it ends.
            let _how_it_ends = serve(stream, acceptor, answer).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, answer: Arc<Answer>) -> io::Result<()> {
    let stream = TokioIo::new(acceptor.accept(stream).await?);
    let service = service_fn(|request: Request<Incoming>| {
        let answer = Arc::clone(&answer);
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect().await?.to_bytes();
            let answer = answer(&path, &body).to_string();
            Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(answer))))
        }
    });
    http1::Builder::new().serve_connection(stream, service).await.map_err(io::Error::other)
}
