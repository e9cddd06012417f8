//! Registers the webhook configurations that partywall prints.
//!
//! The suite registers the URL of a loopback address, to which the API server speaks h2; to a Service it speaks
//! HTTP/1.1.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::partywall::{PROGRAM, Pair};
use crate::process;

/// Returns the webhook configurations, as an operator pipes them into `kubectl apply`.
pub(crate) fn manifests(address: SocketAddr, policies: &Path, pair: &Pair) -> String {
    let url = format!("--url=https://{address}");
    print(&[&url, &format!("--policies={}", policies.display())], pair)
}

/// Returns the webhook for partywall's own objects, as a configuration of another name.
pub(crate) fn own_objects(address: SocketAddr, pair: &Pair) -> String {
    let url = format!("--url=https://{address}");
    let printed: Vec<Value> = serde_saphyr::from_multiple(&print(&[&url, "--own-objects"], pair)).unwrap();
    let mut validating = printed.into_iter().nth(1).unwrap();
    validating["metadata"]["name"] = "partywall-own-objects".into();
    let webhooks = validating["webhooks"].as_array_mut().unwrap();
    webhooks.retain(|webhook| webhook["name"] == "policies.partywall.dev");
    assert_eq!(webhooks.len(), 1);
    validating.to_string()
}

/// The same for partywall behind a Service.
pub(crate) fn manifests_of_service(pair: &Pair) -> String {
    print(&["--service=partywall-system/partywall"], pair)
}

fn print(flags: &[&str], pair: &Pair) -> String {
    let output = process::command(Path::new(PROGRAM))
        .args(["manifests", "webhooks"])
        .args(flags)
        .arg(format!("--ca-bundle={}", pair.ca.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "partywall manifests: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The `caBundle` of a webhook that serves with this pair.
pub(crate) fn bundle(pair: &Pair) -> String {
    BASE64_STANDARD.encode(fs::read(&pair.ca).unwrap())
}
