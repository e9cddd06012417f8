//! Asks through the API server whether it asks this server.
//!
//! The answer to each probe closes its connection, so that each of several comes over one that was opened with the CAs
//! that are registered now: connections that are kept would hide that new ones fail.

use kube::Client;
use rustls::crypto::ring::default_provider;
use thiserror::Error;

use super::requests::{Failure, try_exemption};
use crate::policies::probe;

/// How many probes must come back, one after another.
const PROBES: u32 = 3;
/// The bytes of a nonce.
const NONCE: usize = 16;
/// What the API server says before the message of the webhook that denies an object of partywall.
const DENIED: &str = r#"admission webhook "policies.partywall.dev" denied the request: "#;

/// The reason why a probe did not come back.
#[derive(Debug, Error)]
pub(super) enum NotAsked {
    /// The API server allows what partywall denies.
    #[error(
        "the API server goes on without asking; is the address of partywall right, and reachable from it?"
    )]
    Allowed,
    /// Somebody else refused the probe.
    #[error("{}", in_words(_0))]
    Refused(#[source] Failure),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoNonce,
}

/// Returns what an operator has to know of a probe that was refused by somebody else.
fn in_words(failure: &Failure) -> String {
    match failure.refusal() {
        Some(status) if status.code == 404 => {
            "the API server does not know Exemptions; apply the CustomResourceDefinitions".to_owned()
        }
        Some(status) => format!("a probe was refused by something else: {}", status.message),
        None => failure.to_string(),
    }
}

/// Asks so often that the API server must have asked this server over new connections.
pub(super) async fn ask(client: &Client) -> Result<(), NotAsked> {
    for _ in 0..PROBES {
        let nonce = nonce()?;
        match try_exemption(client, &probe(&nonce)).await {
            Ok(_) => return Err(NotAsked::Allowed),
            Err(failure) => {
                let said = failure.refusal().map(|status| &*status.message).unwrap_or_default();
                if !is_denial(said, &nonce) {
                    return Err(NotAsked::Refused(failure));
                }
            }
        }
    }
    Ok(())
}

/// Returns whether partywall denied the probe with this nonce.
///
/// Schemas, permissions and other webhooks refuse objects by name too.
fn is_denial(message: &str, nonce: &str) -> bool {
    message.strip_prefix(DENIED).is_some_and(|said| said.contains(nonce))
}

fn nonce() -> Result<String, NotAsked> {
    let mut bytes = [0; NONCE];
    default_provider().secure_random.fill(&mut bytes).map_err(|_| NotAsked::NoNonce)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::fake_server::{Answer, FakeServer};

    #[test]
    fn a_denial_by_partywall_is_told_from_those_by_others() {
        let nonce = nonce().unwrap();
        assert_eq!(nonce.len(), 2 * NONCE);
        assert_ne!(nonce, super::nonce().unwrap());
        assert!(is_denial(&format!("{DENIED}it answers to `{nonce}`"), &nonce));
        for other in [
            format!("{DENIED}it answers to `0123`"),
            format!(
                "Exemption.partywall.dev \"partywall-probe-{nonce}\" is invalid: spec.rules: Required value"
            ),
            format!(
                "exemptions.partywall.dev \"partywall-probe-{nonce}\" is forbidden: User \"x\" cannot create"
            ),
            format!("admission webhook \"validate.kyverno.svc\" denied the request: {DENIED}{nonce}"),
        ] {
            assert!(!is_denial(&other, &nonce), "{other}");
        }
    }

    fn refusal(code: u16, message: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message,
               "reason": "Forbidden", "metadata": {}})
    }

    #[tokio::test]
    async fn what_others_answer_arms_nothing() {
        for (answer, expected) in [
            (Answer::Object(201, json!({})), "goes on without asking"),
            (Answer::Object(404, refusal(404, "not found")), "apply the CustomResourceDefinitions"),
            (Answer::Object(403, refusal(403, "User cannot create")), "something else: User cannot create"),
        ] {
            let server = FakeServer::new([answer]);
            let error = ask(&server.client).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            let asked = server.asked();
            assert_eq!(asked.len(), 1);
            assert!(asked[0].uri.contains("dryRun=All"), "{}", asked[0].uri);
        }
    }
}
