//! The server over a real connection: what the API server sees of it, byte for byte, and what the operator sees.
//!
//! Everything runs in this process, on ports that the system chooses. Nothing sleeps: a test that waits for
//! something asks for it again and again, up to [`server::PATIENCE`].

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]
#![expect(clippy::disallowed_methods, reason = "writes certificates for the server to read")]

#[path = "wire/answers.rs"]
mod answers;
#[path = "wire/certificates.rs"]
mod certificates;
#[path = "wire/client.rs"]
mod client;
#[path = "wire/connections.rs"]
mod connections;
#[path = "wire/crowd.rs"]
mod crowd;
#[path = "wire/keys.rs"]
mod keys;
#[path = "wire/lifecycle.rs"]
mod lifecycle;
#[path = "wire/log_filter.rs"]
mod log_filter;
#[path = "wire/overload.rs"]
mod overload;
#[path = "wire/panicking.rs"]
mod panicking;
#[path = "wire/policies.rs"]
mod policies;
#[path = "wire/process.rs"]
mod process;
#[path = "wire/server.rs"]
mod server;
#[path = "wire/start.rs"]
mod start;
#[cfg(feature = "otlp")]
#[path = "wire/traces.rs"]
mod traces;
