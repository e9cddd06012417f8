//! Normalises names of hosts.

use std::net::IpAddr;

use thiserror::Error;

/// Tells why no decision about a host is possible.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HostError {
    /// An empty host, which means every host.
    #[error("a missing host claims every host")]
    Empty,
    /// A bare `*`.
    #[error("`*` claims every host")]
    Everything,
    /// An IP address.
    #[error("an IP address is no host name")]
    Address,
    /// A host with letters outside ASCII.
    #[error("a host name must be written in ASCII (punycode)")]
    NotAscii,
    /// Any other text that is not a DNS name.
    #[error("this is no DNS name")]
    Invalid,
}

/// Returns the name in lower case and without the trailing dot, or an error for an invalid label.
pub(super) fn normalise(text: &str) -> Result<String, HostError> {
    if text.is_empty() {
        return Err(HostError::Empty);
    }
    if !text.is_ascii() {
        return Err(HostError::NotAscii);
    }
    // A dot may follow a name of 253 characters.
    if text.len() > 254 {
        return Err(HostError::Invalid);
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.parse::<IpAddr>().is_ok() {
        return Err(HostError::Address);
    }
    if name.len() <= 253 && name.split('.').all(is_label) { Ok(name) } else { Err(HostError::Invalid) }
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-' || *b == b'_';
    matches!(bytes.len(), 1..=63)
        && bytes.iter().all(inner)
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}
