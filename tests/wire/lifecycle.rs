//! From a start without policies to the last answer of a drain.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use partywall::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answers::{PLAIN, PLAIN_UID};
use crate::client::{Answer, Client};
use crate::server::{PATIENCE, Server, Setup, Stopping, limits, policies};

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3_600);

async fn readyz(server: &Stopping) -> Answer {
    let stream = TcpStream::connect(server.ops).await.unwrap();
    Client::http1(TokioIo::new(stream)).await.send(Method::GET, "/readyz", "").await
}

async fn until_draining(server: &Stopping) {
    let draining = async { while readyz(server).await.status == StatusCode::OK {} };
    timeout(PATIENCE, draining).await.unwrap();
}

#[tokio::test]
async fn m11_without_policies_it_is_not_ready_and_sends_reviews_away_to_ask_again() {
    let mut server = Server::with(Setup { without_policies: true, ..Setup::default() }).await;
    let answer = server.get("/readyz").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::SERVICE_UNAVAILABLE, "no policies loaded\n"));
    let mut client = server.target.http1().await;
    let answer = client.post("/mutate", PLAIN).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(server.get("/livez").await.status, StatusCode::OK);

    server.writer.replace(policies());
    assert_eq!(server.get("/readyz").await.status, StatusCode::OK);
    client.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

#[tokio::test]
async fn l8_while_it_drains_it_is_not_ready_but_serves_and_retires_each_connection() {
    let server = Server::start().await;
    let (mut http1, mut http2) = (server.target.http1().await, server.target.http2().await);
    assert_eq!(http1.post("/mutate", PLAIN).await.header("connection"), None);
    let server = server.stop(FOR_EVER);
    until_draining(&server).await;
    assert_eq!(readyz(&server).await.text(), "shutting down\n");

    for mut client in [http1, server.target.http1().await] {
        let answer = client.post("/mutate", PLAIN).await;
        answer.review(PLAIN_UID);
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let answer = http2.post("/mutate", PLAIN).await;
    answer.review(PLAIN_UID);
    assert_eq!(answer.header("connection"), None);
    server.task.abort();
}

#[tokio::test]
async fn l8_it_ends_when_the_last_review_is_answered() {
    let limits = limits(|Limits { timings, .. }| {
        (timings.shutdown, timings.body_progress) = (FOR_EVER, FOR_EVER);
    });
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    // Go's client dials more connections than it uses; nothing was ever sent on them.
    let _fresh_http1 = server.target.connect("http/1.1", None).await.unwrap();
    let _fresh_http2 = server.target.http2().await;
    let mut idle = server.target.http1().await;
    idle.post("/mutate", PLAIN).await.review(PLAIN_UID);
    let mut slow = server.target.connect("http/1.1", None).await.unwrap();
    let head = format!("POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", PLAIN.len());
    let (start, rest) = PLAIN.split_at(100);
    slow.write_all(format!("{head}{start}").as_bytes()).await.unwrap();
    server.until("partywall_reviews_in_flight", 1).await;

    let server = server.stop(Duration::ZERO);
    until_draining(&server).await;
    slow.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _how_it_ends = timeout(PATIENCE, slow.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(PLAIN_UID), "{answer}");
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.target.address).await.is_err());
}
