//! How much the server takes on at once, and for how long.

use std::time::Duration;

/// Every bound of the server; a test sets its own.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body that is decided. A tenant may send 3 MiB; as JSON, with the old object beside it and
    /// `<` written as six bytes, that was seen to become 18.6 MB, but no honest object comes near.
    pub body: usize,
    /// Bytes kept of a larger body, to find the uid in.
    pub start: usize,
    /// Bytes of a larger body that are read and thrown away, so that the connection can be used again.
    pub discarded: usize,
    /// Bytes of all larger bodies that are held at once.
    pub held: usize,
    /// Bytes of all bodies held at once that are not small but decided at once, besides: a pod of a hundred KB does not
    /// wait for room behind bodies of megabytes.
    pub held_medium: usize,
    /// Bytes of all small bodies that are held at once, besides.
    pub held_small: usize,
    /// Up to how many bytes a body is small; nearly every honest one is.
    pub small: usize,
    /// Up to how many bytes a body is decided as soon as it is there, on the thread of its connection. A larger one
    /// is decided beside it, at the price of waking two threads.
    pub at_once: usize,
    /// Bodies read, or reviews decided, at once.
    pub in_flight: usize,
    /// How long a body may take to bring as many bytes as a small one has, or its end.
    pub stall: Duration,
    /// Connections to the webhook's port at once; more are closed. Three API servers were seen to need 2,000.
    pub connections: usize,
    /// How many of them may speak HTTP/2, which buffers more. Only an API server on the same host does.
    pub http2_connections: usize,
    /// Connections to the ops port at once; more wait to be accepted.
    pub ops_connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may be idle. The API server lets go of one after 90 s and does not repeat a POST
    /// that met a closed one, so this must be longer.
    pub idle: Duration,
    /// How long the head of a connection's first request may take from its first byte on, an HTTP/2 preface from
    /// the handshake on, and any head on the ops port, idleness included.
    pub head: Duration,
    /// How long a peer may read nothing of what is written to it.
    pub unread: Duration,
    /// How long to wait, once connections are told to finish, for reviews that are not answered yet.
    pub grace: Duration,
    /// How often certificates are looked at.
    pub certificates_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            start: 64 << 10,
            discarded: 32 << 20,
            held: 40 << 20,
            held_medium: 8 << 20,
            held_small: 16 << 20,
            small: 64 << 10,
            at_once: 256 << 10,
            in_flight: 2_048,
            stall: Duration::from_secs(2),
            connections: 4_096,
            http2_connections: 64,
            ops_connections: 64,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            head: Duration::from_secs(10),
            unread: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            certificates_every: Duration::from_millis(500),
        }
    }
}
