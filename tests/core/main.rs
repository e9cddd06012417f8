//! The pure core from the outside: bytes in, bytes out.

mod codec;
mod exemptions;
mod fixtures;
mod properties;
mod recorded;
mod stamp;
mod support;
