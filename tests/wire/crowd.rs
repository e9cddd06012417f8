//! Peers that hold what others need: connections, handshakes, heads and bodies that they never finish.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use axum::http::StatusCode;
use hyper_util::rt::TokioIo;
use partywall::server::Limits;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, duplex, split};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::answers::{PLAIN, PLAIN_UID};
use crate::client::{Client, Target};
use crate::keys::Authority;
use crate::server::{PATIENCE, Server, Setup, limits};

/// The address of honest peers, and often of others too, as behind a proxy.
const HOME: [u8; 4] = [127, 0, 0, 1];
/// The address of peers that flood.
const AWAY: [u8; 4] = [127, 0, 0, 2];

/// The start of a ClientHello.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01";
/// The first of the two records of a ClientHello.
const SPLIT_HELLO: &[u8] = b"\x16\x03\x01\x00\x06\x01\x00\x02\x00\x03\x03";
const HALF_A_HEAD: &[u8] = b"POST /validate HTTP/1.1\r\nhost: local";

/// Few connections in each stage but the first, and all the time of the world.
fn few() -> Limits {
    limits(|limits| {
        let webhook = &mut limits.connections.webhook;
        (webhook.handshake, webhook.http1, webhook.http2) = (4, 4, 4);
        (limits.connections.ops.silent, limits.connections.ops.http1) = (4, 4);
        (limits.timings.silence, limits.timings.handshake) = (3 * PATIENCE, 3 * PATIENCE);
        limits.timings.request_head = 3 * PATIENCE;
    })
}

async fn server() -> Server {
    Server::with(Setup { limits: few(), ..Setup::default() }).await
}

/// Waits until so many connections of a stage were closed for others, or more.
async fn until_dropped(server: &Server, stage: &str, count: u64) {
    let series = format!(r#"partywall_connections_dropped_total{{stage="{stage}"}}"#);
    let reached = async { while server.figure(&series).await < count {} };
    timeout(PATIENCE, reached)
        .await
        .unwrap_or_else(|_| panic!("fewer of stage {stage} were closed than {count}"));
}

/// Opens connections that send `bytes` and nothing more.
async fn stall(target: &Target, from: [u8; 4], count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut stalled = Vec::new();
    for _ in 0..count {
        let mut stream = target.connect_from(from).await.unwrap();
        // It may be closed already.
        let _sent = stream.write_all(bytes).await;
        stalled.push(stream);
    }
    stalled
}

/// Opens connections that send `bytes` after their handshake and nothing more.
async fn stall_secured(
    target: &Target,
    from: [u8; 4],
    count: usize,
    alpn: &str,
    bytes: &[u8],
) -> Vec<TlsStream<TcpStream>> {
    let mut stalled = Vec::new();
    for _ in 0..count {
        let stream = target.connect_from(from).await.unwrap();
        let mut stream = target.secure(stream, alpn, None).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stalled.push(stream);
    }
    stalled
}

async fn is_answered(client: &mut Client) {
    client.post("/mutate", PLAIN).await.review(PLAIN_UID);
}

/// Three connections in the stages that a flood must not touch.
struct Honest {
    proven: Client,
    proven_http2: Client,
    fresh: TlsStream<TcpStream>,
}

impl Honest {
    async fn connect(target: &Target) -> Self {
        // The server completes its handshake before it answers the others.
        let fresh = target.connect("http/1.1", None).await.unwrap();
        let (mut proven, mut proven_http2) = (target.http1().await, target.http2().await);
        is_answered(&mut proven).await;
        is_answered(&mut proven_http2).await;
        Self { proven, proven_http2, fresh }
    }

    async fn are_served(&mut self) {
        is_answered(&mut self.proven).await;
        is_answered(&mut self.proven_http2).await;
    }

    /// The connection that has sent nothing since its handshake is there, too.
    async fn are_all_served(mut self) {
        self.are_served().await;
        is_answered(&mut Client::http1(TokioIo::new(self.fresh)).await).await;
    }
}

#[tokio::test]
async fn o5_connections_without_a_whole_hello_give_way_to_new_ones_and_touch_no_secured_ones() {
    for (from, bytes) in [(AWAY, &b""[..]), (HOME, b""), (AWAY, HALF_A_HELLO), (HOME, HALF_A_HELLO)] {
        let mut limits = few();
        limits.connections.webhook.silent = 4;
        let server = Server::with(Setup { limits, ..Setup::default() }).await;
        let honest = Honest::connect(&server.target).await;
        let _silent = stall(&server.target, from, 50, bytes).await;
        until_dropped(&server, "silent", 46).await;
        is_answered(&mut server.target.http1().await).await;
        honest.are_all_served().await;
    }
}

/// Post-quantum key shares are longer than a segment.
#[tokio::test]
async fn a_hello_in_two_segments_is_served() {
    let server = Server::start().await;
    let target = server.target.clone();
    let mut stream = target.connect_from(HOME).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (ours, theirs) = duplex(64 << 10);
    let relay = async move {
        let (mut from_client, mut to_client) = split(theirs);
        let (mut from_server, mut to_server) = stream.split();
        let mut start = [0; 100];
        from_client.read_exact(&mut start).await.unwrap();
        for half in start.chunks(50) {
            to_server.write_all(half).await.unwrap();
            // The server looks at the first half before the second one comes.
            yield_now().await;
            assert_eq!(server.get("/livez").await.status, StatusCode::OK);
        }
        let both = (copy(&mut from_client, &mut to_server), copy(&mut from_server, &mut to_client));
        let _ended = tokio::join!(both.0, both.1);
    };
    tokio::spawn(relay);
    let stream = target.secure(ours, "http/1.1", None).await.unwrap();
    is_answered(&mut Client::http1(TokioIo::new(stream)).await).await;
}

#[tokio::test]
async fn o5_unfinished_handshakes_give_way_to_new_ones_and_touch_no_secured_ones() {
    for from in [AWAY, HOME] {
        let server = server().await;
        let honest = Honest::connect(&server.target).await;
        let _begun = stall(&server.target, from, 50, SPLIT_HELLO).await;
        until_dropped(&server, "handshake", 46).await;
        is_answered(&mut server.target.http1().await).await;
        honest.are_all_served().await;
    }
}

#[tokio::test]
async fn o5_unfinished_heads_give_way_to_new_ones_and_touch_no_proven_ones() {
    for (from, bytes) in [(AWAY, HALF_A_HEAD), (HOME, HALF_A_HEAD), (AWAY, b""), (HOME, b"")] {
        let server = server().await;
        let mut honest = Honest::connect(&server.target).await;
        let _begun = stall_secured(&server.target, from, 20, "http/1.1", bytes).await;
        // The one that is fresh counts, and has no more than its neighbours if it is alone.
        until_dropped(&server, "http1", 17).await;
        is_answered(&mut server.target.http1().await).await;
        if from == HOME { honest.are_served().await } else { honest.are_all_served().await }
    }
}

#[tokio::test]
async fn o5_unproven_http2_connections_give_way_to_new_ones_and_touch_no_proven_ones() {
    for from in [AWAY, HOME] {
        let server = server().await;
        let honest = Honest::connect(&server.target).await;
        let _begun = stall_secured(&server.target, from, 20, "h2", b"PRI * HTTP/2.0\r\n").await;
        until_dropped(&server, "http2", 16).await;
        is_answered(&mut server.target.http2().await).await;
        honest.are_all_served().await;
    }
}

#[tokio::test]
async fn o5_an_accepted_certificate_proves_a_connection_before_its_first_review() {
    let server = Server::with(Setup { limits: few(), asks_clients: true, ..Setup::default() }).await;
    let certificate = server.authority.sign();
    let mut fresh = Vec::new();
    for _ in 0..20 {
        fresh.push(server.target.connect("http/1.1", Some(&certificate)).await.unwrap());
        // The client's handshake ends before the server has read its certificate; a question that the server answers
        // later gives it the time.
        server.figure("partywall_connections").await;
    }
    let _begun = stall(&server.target, HOME, 50, SPLIT_HELLO).await;
    until_dropped(&server, "handshake", 46).await;
    for stream in fresh {
        is_answered(&mut Client::http1(TokioIo::new(stream)).await).await;
    }
}

#[tokio::test]
async fn o5_one_peer_cannot_have_all_proven_connections() {
    let mut limits = few();
    limits.connections.webhook.proven_http1 = 8;
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut many = Vec::new();
    for _ in 0..20 {
        let stream = server.target.connect_from(AWAY).await.unwrap();
        let stream = server.target.secure(stream, "http/1.1", None).await.unwrap();
        let mut client = Client::http1(TokioIo::new(stream)).await;
        is_answered(&mut client).await;
        many.push(client);
    }
    until_dropped(&server, "http1", 10).await;
    let (mut honest, mut second) = (server.target.http1().await, server.target.http1().await);
    is_answered(&mut honest).await;
    is_answered(&mut second).await;
    let _begun = stall_secured(&server.target, HOME, 20, "http/1.1", HALF_A_HEAD).await;
    until_dropped(&server, "http1", 30).await;
    // Those that were proven first keep their connections, too.
    for client in many.iter_mut().take(6).chain([&mut honest, &mut second]) {
        is_answered(client).await;
    }
}

#[tokio::test]
async fn o5_silent_connections_to_the_ops_port_give_way_to_probes() {
    let server = server().await;
    for bytes in [&b""[..], b"GET /livez HTTP/1.1\r\n"] {
        let mut held = Vec::new();
        for _ in 0..64 {
            let mut stream = TcpStream::connect(server.ops).await.unwrap();
            let _sent = stream.write_all(bytes).await;
            held.push(stream);
        }
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
        }
    }
    is_answered(&mut server.target.http1().await).await;
}

/// A body of this length lacks its last KB.
async fn stall_body(target: &Target, from: [u8; 4], length: usize) -> TlsStream<TcpStream> {
    let stream = target.connect_from(from).await.unwrap();
    let mut stream = target.secure(stream, "http/1.1", None).await.unwrap();
    let head =
        format!("POST /validate?timeout=30s HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; length - 1_024]).await.unwrap();
    stream
}

/// A review of so many bytes.
fn review(bytes: usize) -> String {
    let fill = "x".repeat(bytes.saturating_sub(PLAIN.len()));
    PLAIN.trim_end().replacen("\"labels\"", &format!("\"x\":\"{fill}\",\"labels\""), 1)
}

#[tokio::test]
async fn o5_bodies_that_stall_give_their_memory_to_those_that_progress() {
    for from in [AWAY, HOME] {
        let limits = limits(|limits| {
            limits.timings.body_progress = 3 * PATIENCE;
            limits.bodies.small_body_memory = 1 << 20;
            limits.bodies.medium_body_memory = 1 << 20;
            limits.bodies.large_body_memory = 2 << 20;
        });
        let server = Server::with(Setup { limits, ..Setup::default() }).await;
        // Together they hold all memory of their pools, and more of them wait.
        let mut stalled = Vec::new();
        for (count, length) in [(20, 64 << 10), (6, 250 << 10), (4, 1 << 20)] {
            for _ in 0..count {
                stalled.push(stall_body(&server.target, from, length).await);
            }
        }
        for bytes in [0, 60 << 10, 200 << 10, 1 << 20] {
            let mut client = server.target.http1().await;
            client.post("/validate?timeout=3s", review(bytes)).await.review(PLAIN_UID);
        }
    }
}

#[tokio::test]
async fn o5_bodies_that_stall_give_way_when_too_many_reviews_are_under_way() {
    let limits = limits(|limits| {
        limits.timings.body_progress = 3 * PATIENCE;
        limits.reviews_at_once = 8;
    });
    let server = Server::with(Setup { limits, ..Setup::default() }).await;
    let mut stalled = Vec::new();
    for _ in 0..8 {
        stalled.push(stall_body(&server.target, HOME, 4 << 10).await);
    }
    server.until("partywall_reviews_in_flight", 8).await;
    // While all of them have progressed just now, a client is told to ask again.
    let answered =
        async { while server.target.http1().await.post("/mutate", PLAIN).await.status != StatusCode::OK {} };
    timeout(PATIENCE, answered).await.unwrap();
    server.until("partywall_reviews_in_flight", 7).await;
}

/// An HTTP/2 frame of the connection's own stream.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn o5_a_peer_that_sends_senseless_frames_cannot_fill_the_log() {
    let (keys, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.sign().write(keys.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_partywall"))
        .args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log-format", "json"])
        .arg("--tls-cert")
        .arg(keys.path().join("tls.crt"))
        .arg("--tls-key")
        .arg(keys.path().join("tls.key"))
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let serving = log.find(|line| line.contains(r#""message":"serving""#)).unwrap();
    let serving: Value = serde_json::from_str(&serving).unwrap();
    let address = serving["listen"].as_str().unwrap().parse().unwrap();
    let mut stream = Target { address, ca: authority.pem }.connect("h2", None).await.unwrap();
    let (settings, ping) = (frame(4, 0, b""), frame(6, 0, b"finished"));
    let unasked = frame(6, 1, b"unasked!").repeat(1_000);
    stream
        .write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*settings, &unasked, &ping].concat())
        .await
        .unwrap();
    let mut received = Vec::new();
    let answered = async {
        while !received.windows(8).any(|bytes| bytes == b"finished") {
            assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "the server closed the connection");
        }
    };
    timeout(PATIENCE, answered).await.unwrap();
    // It writes the rest of its log before it ends.
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let lines = log.filter(|line| line.contains("PING")).count();
    child.wait().unwrap();
    assert!((1..=10).contains(&lines), "{lines}");
}
