//! A plain GET: what probes and scrapers send.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time limit of a request: a kubelet's default for a probe.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The answer to a GET on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> io::Result<(StatusCode, String)> {
    timeout(TIMEOUT, answer(address, path)).await.map_err(io::Error::other)?
}

async fn answer(address: SocketAddr, path: &str) -> io::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request =
        Request::get(path).header("host", "localhost").body(Body::empty()).map_err(io::Error::other)?;
    let (head, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
}
