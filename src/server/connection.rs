//! Connections: from a listening socket to HTTP requests.

mod accept;
mod descriptors;
mod fair_queue;
mod handshake;
mod peer_timeouts;
mod threads;

pub use self::accept::bind;
pub(super) use self::accept::{WhenFull, accept, serve_plain, serve_tls};
pub(crate) use self::descriptors::limits;
pub(super) use self::fair_queue::Turns;
pub use self::threads::{Workers, step_back};
