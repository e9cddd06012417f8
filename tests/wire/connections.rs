//! Connections: how many there may be, and what becomes of peers that do not get on.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answers::{PLAIN, PLAIN_UID};
use crate::server::{PATIENCE, Server, Setup, limits};

const OPEN: &str = "partywall_connections";

/// Reads to the end, however that comes.
async fn rest(mut stream: impl AsyncReadExt + Unpin) -> Vec<u8> {
    let mut rest = Vec::new();
    let _how_it_ends = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    rest
}

#[tokio::test]
async fn beyond_the_limit_connections_are_closed_and_those_open_go_on() {
    let limits = limits(|limits| limits.connections.webhook = 2);
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let (mut one, two) = (server.target.http1().await, server.target.http1().await);
    server.until(OPEN, 2).await;
    assert!(server.target.connect("http/1.1", None).await.is_err());
    one.post("/mutate", PLAIN).await.review(PLAIN_UID);
    drop(two);
    server.until(OPEN, 1).await;
    server.target.http1().await.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

#[tokio::test]
async fn of_http2_connections_there_are_fewer() {
    let limits = limits(|limits| limits.connections.webhook_http2 = 1);
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut first = server.target.http2().await;
    first.post("/mutate", PLAIN).await.review(PLAIN_UID);
    assert_eq!(rest(server.target.connect("h2", None).await.unwrap()).await, b"");
    server.target.http1().await.post("/mutate", PLAIN).await.review(PLAIN_UID);
    first.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

#[tokio::test]
async fn connections_to_the_ops_port_wait_for_their_turn_and_reviews_do_not() {
    let limits = limits(|limits| limits.connections.ops = 2);
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(TcpStream::connect(server.ops).await.unwrap());
    }
    server.target.http1().await.post("/mutate", PLAIN).await.review(PLAIN_UID);
    let (waiting, ()) = tokio::join!(server.get("/livez"), async { drop(held) });
    assert_eq!(waiting.status, StatusCode::OK);
}

#[tokio::test]
async fn a_head_that_was_begun_must_be_finished() {
    let limits = limits(|limits| limits.timings.request_head = Duration::from_millis(1));
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut stream = server.target.connect("http/1.1", None).await.unwrap();
    stream.write_all(b"POST /mutate HTTP/1.1\r\n").await.unwrap();
    assert_eq!(rest(stream).await, b"");
    // The server may have sent its settings before it gives up.
    rest(server.target.connect("h2", None).await.unwrap()).await;
    rest(TcpStream::connect(server.ops).await.unwrap()).await;
}

#[tokio::test]
async fn failed_handshakes_are_counted_and_probes_are_none() {
    let server = Server::start().await;
    drop(TcpStream::connect(server.target.address).await.unwrap());
    let mut plain = TcpStream::connect(server.target.address).await.unwrap();
    plain.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    rest(plain).await;
    let mut stranger = server.target.clone();
    stranger.ca = crate::keys::Authority::new().pem;
    assert!(stranger.connect("http/1.1", None).await.is_err());
    server.until("partywall_tls_handshake_failures_total", 2).await;
}
