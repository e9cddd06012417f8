//! Connections: the listening socket, the threads, the TLS handshake, and HTTP.

mod accept;
mod descriptors;
mod fair_queue;
mod handshake;
mod peer_timeouts;
mod threads;

pub use self::accept::bind;
pub(super) use self::accept::{WhenFull, accept, serve_plain, serve_tls};
pub(crate) use self::descriptors::limits_within_descriptors;
pub(super) use self::fair_queue::FairQueue;
pub use self::threads::{Workers, lower_priority};
