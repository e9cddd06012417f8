//! Tests the server under overload.

use std::net::Ipv4Addr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use partywall::server::{self, Decider, Limits, Observers, Reply};
use partywall_core::Entry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::timeout;

use crate::answers::{PLAIN, PLAIN_UID};
use crate::server::{PATIENCE, Server, Setup, limits};

#[tokio::test]
async fn a_hundred_connections_at_once_are_all_answered() {
    let server = Server::start().await;
    let mut clients = JoinSet::new();
    for _ in 0..100 {
        let target = server.target.clone();
        clients.spawn(async move {
            let mut client = target.http1().await;
            client.post("/mutate", PLAIN).await.review(PLAIN_UID);
            client.post("/validate", PLAIN).await.review(PLAIN_UID);
        });
    }
    assert_eq!(clients.join_all().await.len(), 100);
}

/// A client repeats a SYN that was dropped after a second, so a dropped one would show as that delay.
#[tokio::test]
async fn many_connections_wait_for_being_accepted() {
    let listener = server::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    // More than tokio has wait, if the system allows.
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let many = 300.min(allowed.trim().parse().unwrap());
    let mut waiting = Vec::new();
    for number in 0..many {
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
        waiting.push(connected.unwrap_or_else(|_| panic!("connection {number} was not heard")).unwrap());
    }
    assert_eq!(waiting.len(), many);
}

#[tokio::test]
async fn too_many_reviews_are_sent_away_to_ask_again() {
    let limits = limits(|limits| limits.reviews_at_once = 0);
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let answer = server.target.http1().await.post("/mutate", PLAIN).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((answer.header("retry-after"), answer.header("connection")), (Some("1"), Some("close")));
    let answer = server.target.http2().await.post("/mutate", PLAIN).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("1")));
    assert_eq!(server.figure(r#"partywall_http_refusals_total{code="429"}"#).await, 2);
}

#[tokio::test]
async fn bodies_that_are_decided_beside_their_connection_are_answered_like_others() {
    let limits = limits(|limits| limits.bodies.inline_up_to = 0);
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let target = server.target.clone();
        clients.spawn(async move {
            let mut client = target.http1().await;
            assert_eq!(client.post("/mutate", PLAIN).await.review(PLAIN_UID)["patchType"], "JSONPatch");
            assert_eq!(client.post("/validate", PLAIN).await.review(PLAIN_UID)["allowed"], false);
        });
    }
    assert_eq!(clients.join_all().await.len(), 20);
    server.until("partywall_reviews_in_flight", 0).await;
}

/// The number of bodies that `OnceAllowed` has seen.
static SEEN: AtomicUsize = AtomicUsize::new(0);
static ALLOWED: Barrier = Barrier::new(2);

struct OnceAllowed;

impl Decider for OnceAllowed {
    fn is_ready(&self) -> bool {
        true
    }

    fn reply(&self, _: Entry, _: &[u8], _: Observers<'_>) -> Option<Reply> {
        SEEN.fetch_add(1, Ordering::Relaxed);
        ALLOWED.wait();
        Some(Reply::Review(b"{}".to_vec()))
    }
}

#[tokio::test]
async fn of_a_caller_that_hangs_up_before_it_is_its_turn_nothing_is_decided() {
    let limits = limits(|limits| limits.bodies.inline_up_to = 0);
    let server = Server::deciding_by(OnceAllowed, Setup { limits, ..Setup::default() }).await;
    let mut first = server.target.http1().await;
    let first = tokio::spawn(async move { first.post("/mutate?timeout=30s", PLAIN).await.status });
    let seen = async {
        while SEEN.load(Ordering::Relaxed) == 0 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, seen).await.unwrap();
    let mut second = server.target.connect("http/1.1", None).await.unwrap();
    second.write_all(begun(PLAIN.len(), PLAIN).as_bytes()).await.unwrap();
    server.until("partywall_reviews_in_flight", 2).await;
    drop(second);
    server.until("partywall_reviews_in_flight", 1).await;
    spawn_blocking(|| ALLOWED.wait()).await.unwrap();
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    server.until("partywall_reviews_in_flight", 0).await;
    assert_eq!(SEEN.load(Ordering::Relaxed), 1);
}

/// A POST that declares `length` bytes, and what was sent of them.
fn begun(length: usize, sent: &str) -> String {
    format!("POST /mutate?timeout=30s HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{sent}")
}

#[tokio::test]
async fn bodies_that_declare_much_and_bring_little_take_nothing_from_others() {
    let limits = limits(|limits| {
        limits.timings.body_progress = PATIENCE;
        limits.reviews_at_once = 8;
    });
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut stalled = Vec::new();
    for sent in ["", "{"].repeat(7) {
        let mut stream = server.target.connect("http/1.1", None).await.unwrap();
        stream.write_all(begun(16 << 20, sent).as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    // Those that brought nothing take no place, those that brought a byte take no room to speak of.
    server.until("partywall_reviews_in_flight", 7).await;
    for mut client in [server.target.http1().await, server.target.http2().await] {
        client.post("/mutate?timeout=1s", PLAIN).await.review(PLAIN_UID);
    }
    let large =
        PLAIN.trim_end().replacen("\"labels\"", &format!("\"x\":\"{}\",\"labels\"", "x".repeat(8 << 20)), 1);
    server.target.http1().await.post("/validate", large).await.review(PLAIN_UID);
}

/// Never decides about a body that is larger than those that are decided at once.
struct KeepsLarge;

impl Decider for KeepsLarge {
    fn is_ready(&self) -> bool {
        true
    }

    fn reply(&self, _: Entry, body: &[u8], _: Observers<'_>) -> Option<Reply> {
        while body.len() > Limits::default().bodies.inline_up_to {
            std::thread::park();
        }
        Some(Reply::Review(b"{}".to_vec()))
    }
}

/// Over HTTP/2 they have a connection, and what may be sent on it unasked, in common.
#[tokio::test]
async fn bodies_that_wait_for_room_hold_up_nobody_on_their_connection() {
    const COUNT: u64 = 60;
    let limits = limits(|limits| {
        limits.bodies.large_body_memory = 1 << 10;
        limits.timings.body_progress = PATIENCE;
    });
    let server = Server::deciding_by(KeepsLarge, Setup { limits, ..Setup::default() }).await;
    let mut has_all_room = server.target.http1().await;
    tokio::spawn(async move { has_all_room.post("/validate?timeout=30s", vec![b' '; 1 << 20]).await });
    server.until("partywall_reviews_in_flight", 1).await;
    let client = server.target.http2().await;
    let mut waiting = JoinSet::new();
    for _ in 0..COUNT {
        let mut client = client.http2_again();
        waiting.spawn(async move { client.post("/validate?timeout=30s", vec![b' '; 1 << 20]).await });
    }
    server.until("partywall_reviews_in_flight", 1 + COUNT).await;
    let answer = timeout(PATIENCE, async { client.http2_again().post("/mutate", PLAIN).await }).await;
    assert_eq!(answer.unwrap().status, StatusCode::OK);
    assert!(waiting.try_join_next().is_none(), "they wait");
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_and_its_connection_closed() {
    let limits = limits(|limits| limits.timings.body_progress = Duration::from_millis(1));
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    for sent in ["", "{"] {
        let mut stream = server.target.connect("http/1.1", None).await.unwrap();
        stream.write_all(begun(1_000, sent).as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_hurts_nobody_else() {
    let server = Server::start().await;
    let mut stream = server.target.connect("http/1.1", None).await.unwrap();
    let head = format!("POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", PLAIN.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&PLAIN.as_bytes()[..100]).await.unwrap();
    server.until("partywall_reviews_in_flight", 1).await;
    drop(stream);
    server.until("partywall_reviews_in_flight", 0).await;
    server.target.http1().await.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_given_up() {
    let limits = limits(|limits| limits.timings.body_progress = PATIENCE);
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut stream = server.target.connect("http/1.1", None).await.unwrap();
    let head = "POST /mutate?timeout=1s HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server closes after its answer, without the client having to.
    let _how_it_ends = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_beyond_all_measure_is_denied_and_its_connection_closed() {
    let limits = limits(|limits| {
        limits.bodies.decided_up_to = 8 << 10;
        limits.bodies.kept_of_oversized = 4 << 10;
        limits.bodies.discarded_of_oversized = 16 << 10;
    });
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let body =
        PLAIN.trim_end().replacen("\"labels\"", &format!("\"x\":\"{}\",\"labels\"", "x".repeat(64 << 10)), 1);
    let answer = server.target.http1().await.post("/validate", body).await;
    assert_eq!(answer.review(PLAIN_UID)["status"]["code"], 413);
    assert_eq!(answer.header("connection"), Some("close"));
    server.target.http1().await.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

#[tokio::test]
async fn o1_an_entry_that_goes_on_without_an_answer_is_always_answered() {
    let limits = limits(|limits| {
        limits.reviews_at_once = 0;
        limits.timings.body_progress = Duration::from_millis(50);
    });
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    for entry in Entry::ALL {
        let answer = server.target.http1().await.post(entry.path(), PLAIN).await;
        if !entry.goes_on_without_answer() {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{entry:?}");
            continue;
        }
        let response = answer.review(PLAIN_UID);
        assert_eq!(response["allowed"], true, "{entry:?}");
        let warning = response["warnings"][0].as_str().unwrap();
        assert!(warning.contains("did not judge this request: too many reviews"), "{warning}");
    }
    assert_eq!(
        server.figure(r#"partywall_reviews_total{endpoint="validate/templates",verdict="unjudged"}"#).await,
        1
    );
}
