//! Limits: how much work the server accepts at once, and how long each step of it may take.

use std::time::Duration;

/// Every limit of the server; a test sets its own.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Reviews whose body is being read or that are being decided, at once; more get HTTP 429.
    ///
    /// This and the memory for bodies hold for the reviews of tenants. Reviews elsewhere have half as much of their
    /// own, and so have those without which the API server goes on.
    pub reviews_at_once: usize,
    /// Sizes of bodies, and the memory for them.
    pub bodies: BodyLimits,
    /// Numbers of connections.
    pub connections: ConnectionLimits,
    /// Durations.
    pub timings: Timings,
}

/// Sizes of bodies, and the memory for them, all in bytes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// The largest body that is decided.
    ///
    /// A tenant may send 3 MiB to the API server. As JSON, with the old object beside
    /// the new one and `<` written in six bytes, 18.6 MB of that were measured, but no honest object comes close.
    pub decided_up_to: usize,
    /// The largest body that its connection's own thread decides as soon as it is complete.
    ///
    /// A larger one is decided on another thread, which costs two wake-ups.
    pub inline_up_to: usize,
    /// The largest body that counts as small; nearly every honest one does.
    pub small_up_to: usize,
    /// How much of an oversized body is kept, to find the uid in it.
    pub kept_of_oversized: usize,
    /// How much of an oversized body is read and discarded, so that its connection can be used again.
    pub discarded_of_oversized: usize,
    /// Memory for all small bodies together.
    pub small_body_memory: usize,
    /// Memory for all bodies together that are larger than small ones and decided inline.
    ///
    /// A pod of 100 KB doesn't wait for memory behind bodies of megabytes.
    pub medium_body_memory: usize,
    /// Memory for all larger bodies together.
    pub large_body_memory: usize,
}

/// Numbers of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections to the webhook's port at once; more are closed. Three API servers opened 2,000 in a measurement.
    pub webhook: usize,
    /// Those of them that may speak HTTP/2, which buffers more. Only an API server on the same host uses it.
    pub webhook_http2: usize,
    /// Connections to the ops port at once; more wait to be accepted.
    pub ops: usize,
}

/// Durations.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long the head of a connection's first request may take from its first byte on.
    ///
    /// The same time holds for an HTTP/2 preface from the handshake on, and for any head on the ops port, idle time
    /// included.
    pub request_head: Duration,
    /// How long a body may take to deliver as many bytes as a small body has, or its end.
    pub body_progress: Duration,
    /// How long a write may wait for its peer to read.
    pub write_progress: Duration,
    /// How long a connection may be idle.
    ///
    /// The API server closes its own after 90 s and doesn't repeat a POST that meets
    /// a closed one, so this must be longer.
    pub idle: Duration,
    /// How long a shutdown waits for reviews that are under way, after connections were told to finish.
    pub shutdown: Duration,
    /// The time between two looks at the certificate files.
    pub certificates_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reviews_at_once: 2_048,
            bodies: BodyLimits {
                decided_up_to: 16 << 20,
                inline_up_to: 256 << 10,
                small_up_to: 64 << 10,
                kept_of_oversized: 64 << 10,
                discarded_of_oversized: 32 << 20,
                small_body_memory: 16 << 20,
                medium_body_memory: 8 << 20,
                large_body_memory: 40 << 20,
            },
            connections: ConnectionLimits { webhook: 4_096, webhook_http2: 64, ops: 64 },
            timings: Timings {
                handshake: Duration::from_secs(5),
                request_head: Duration::from_secs(10),
                body_progress: Duration::from_secs(2),
                write_progress: Duration::from_secs(10),
                idle: Duration::from_secs(120),
                shutdown: Duration::from_secs(10),
                certificates_interval: Duration::from_millis(500),
            },
        }
    }
}
