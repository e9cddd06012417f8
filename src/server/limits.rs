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
    /// Bytes of all bodies that are held at once.
    pub held: usize,
    /// Reviews read or decided at once.
    pub in_flight: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may be idle. The API server lets go of one after 90 s and does not repeat a POST
    /// that met a closed one, so this must be longer.
    pub idle: Duration,
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
            held: 64 << 20,
            in_flight: 2_048,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            grace: Duration::from_secs(10),
            certificates_every: Duration::from_secs(1),
        }
    }
}
