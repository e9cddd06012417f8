//! The pure core from the outside: bytes in, bytes out.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test reads fixtures, and fails by panicking"
)]

mod annotations;
mod budget;
mod codec;
mod crowds;
mod daemon_sets;
mod enforcement;
mod entries;
mod exemptions;
mod fixtures;
mod foreign;
mod gated;
mod injection;
mod kinds;
mod lines;
mod pod_security;
mod properties;
mod recorded;
mod routes;
mod rule_fixture;
mod sent;
mod stamp;
mod support;
mod tolerations;
mod updates;
