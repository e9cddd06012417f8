//! Connections: the listening socket, the table of open connections, the threads, the TLS handshake, and HTTP.

mod accept;
mod descriptors;
mod drain;
mod fair_queue;
mod handshake;
mod peer_timeouts;
mod serve;
mod table;
mod threads;

pub use self::accept::bind;
pub(super) use self::accept::{Protocol, accept};
pub(crate) use self::descriptors::limits_within_descriptors;
pub(super) use self::drain::Drain;
pub(super) use self::fair_queue::FairQueue;
pub(super) use self::handshake::note_silence;
pub(super) use self::serve::{serve_plain, serve_tls};
pub(super) use self::table::ConnectionTable;
pub use self::threads::{Workers, lower_priority};
