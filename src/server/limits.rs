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
    /// Connections to the webhook's port.
    pub webhook: StageLimits,
    /// Connections to the ops port, which are never proven.
    pub ops: StageLimits,
}

/// How many connections may be in each stage at once; beyond that the oldest of the peer with the most is closed.
#[derive(Clone, Copy, Debug)]
pub struct StageLimits {
    /// Connections that have sent nothing, or not yet a whole record of TLS. Each takes 2 KB and a file descriptor.
    pub silent: usize,
    /// Connections in their TLS handshake, each of which buffers up to 64 KiB.
    pub handshake: usize,
    /// Connections over HTTP/1.1 without a review, each of which buffers up to 64 KiB.
    pub http1: usize,
    /// Connections over HTTP/2 without a review.
    pub http2: usize,
    /// Connections over HTTP/1.1 that are never closed for others. Three API servers opened 2,000 in a measurement.
    pub proven_http1: usize,
    /// Connections over HTTP/2 that are never closed for others, of which each buffers more. Only an API server on the
    /// same host uses HTTP/2.
    pub proven_http2: usize,
}

impl StageLimits {
    /// Returns the number of connections in all stages together.
    pub(super) fn total(&self) -> usize {
        let Self { silent, handshake, http1, http2, proven_http1, proven_http2 } = self;
        silent + handshake + http1 + http2 + proven_http1 + proven_http2
    }

    /// Returns limits that are `total` together, in the same proportions, each at least 1 unless it is 0.
    pub(super) fn scaled_to(&self, total: usize) -> Self {
        let scale = |limit: usize| (limit * total / self.total().max(1)).max(limit.min(1));
        Self {
            silent: scale(self.silent),
            handshake: scale(self.handshake),
            http1: scale(self.http1),
            http2: scale(self.http2),
            proven_http1: scale(self.proven_http1),
            proven_http2: scale(self.proven_http2),
        }
    }
}

/// Durations.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// How long a connection to the webhook's port may send nothing, or less than a whole record of TLS.
    ///
    /// Up to twice as long, so that connections that were opened together are not closed together.
    pub silence: Duration,
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
            connections: ConnectionLimits {
                webhook: StageLimits {
                    silent: 12_288,
                    handshake: 1_024,
                    http1: 1_024,
                    http2: 16,
                    proven_http1: 4_096,
                    proven_http2: 48,
                },
                ops: StageLimits {
                    silent: 128,
                    handshake: 0,
                    http1: 128,
                    http2: 0,
                    proven_http1: 0,
                    proven_http2: 0,
                },
            },
            timings: Timings {
                silence: Duration::from_secs(30),
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
