//! What becomes of peers that do not finish what they began.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{PATIENCE, Server, Setup, limits};

/// Reads to the end, however that comes.
async fn rest(mut stream: impl AsyncReadExt + Unpin) -> Vec<u8> {
    let mut rest = Vec::new();
    let _how_it_ends = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    rest
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
