//! The webhook configurations that make the API server ask partywall: those that partywall prints.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::control_plane::Version;
use crate::partywall::{PROGRAM, Pair};

/// What an operator pipes into `kubectl apply`.
pub(crate) fn manifests(address: SocketAddr, pair: &Pair, version: &Version) -> String {
    let output = Command::new(PROGRAM)
        .args(["manifests", "webhooks"])
        .arg(format!("--url=https://{address}"))
        .arg(format!("--ca-bundle={}", pair.ca.display()))
        .arg(format!("--kubernetes={version}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "partywall manifests: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The `caBundle` of a webhook that serves with this pair.
pub(crate) fn bundle(pair: &Pair) -> String {
    BASE64_STANDARD.encode(fs::read(&pair.ca).unwrap())
}
