//! The probe: an Exemption that is never stored, by which partywall learns whether the API server asks it.
//!
//! Whoever wants to know creates it in dry run, with a nonce in its name, and gets a denial that names it. No other
//! answer proves as much: an object that is allowed was perhaps never sent, and an error may come from anywhere.

use partywall_core::Answer;
use partywall_core::api::{API_VERSION, GROUP};
use partywall_core::review::find_head;
use partywall_core::verdict::{Undecidable, Verdict};
use serde_json::{Value, json};

/// The kind of the probe.
const KIND: &str = "Exemption";
/// What the names of probes begin with; the nonce follows.
const PREFIX: &str = "partywall-probe-";

/// Returns the probe with a nonce of lower-case letters and digits.
///
/// Its shape is that of an Exemption, so that the API server sends it. No rule has this id, so that a partywall that
/// knows nothing of probes denies it as well, and names it.
pub(crate) fn probe(nonce: &str) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": format!("{PREFIX}{nonce}")},
        "spec": {
            "namespace": "partywall-probe",
            "rules": ["partywall-probe"],
            "target": {"kind": "Pod", "name": "partywall-probe"},
            "reason": "asks whether the API server asks partywall; it is never stored",
            "expires": "2000-01-01",
        },
    })
}

/// Denies a probe; `None` if the review is of another object.
pub(crate) fn answer_to_probe(body: &[u8]) -> Option<Answer<'_>> {
    let head = find_head(body)?;
    let is_probe = &*head.asked.group == GROUP && &*head.asked.kind == KIND;
    let nonce = head.asked.name.strip_prefix(PREFIX).filter(|_| is_probe)?;
    let message = format!(
        "partywall was asked, and answers to `{nonce}`: Exemptions named {PREFIX}... are never stored"
    );
    let verdict = Verdict::undecidable(Undecidable::Invalid, message);
    Some(Answer { uid: head.uid.into(), asked: head.asked, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::{Known, review};

    fn body(object: &Value, group: &str) -> Vec<u8> {
        let kind = json!({"group": group, "version": "v1alpha1", "kind": object["kind"]});
        let request = json!({
            "uid": "u-1", "kind": kind, "name": object["metadata"]["name"], "operation": "CREATE",
            "userInfo": {"username": "alice"}, "object": object, "dryRun": true,
        });
        let review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        review.to_string().into()
    }

    fn message(answer: &Answer<'_>) -> String {
        let review: Value =
            serde_json::from_slice(&partywall_core::review::encode(&answer.uid, &answer.verdict)).unwrap();
        assert_eq!(
            (&review["response"]["uid"], &review["response"]["allowed"]),
            (&json!("u-1"), &json!(false))
        );
        review["response"]["status"]["message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_probe_is_denied_by_its_nonce() {
        let body = body(&probe("0123abcd"), GROUP);
        assert!(message(&answer_to_probe(&body).unwrap()).contains("`0123abcd`"));
    }

    #[test]
    fn other_objects_are_no_probes() {
        let mut other = probe("0123abcd");
        other["metadata"]["name"] = json!("agent");
        assert!(answer_to_probe(&body(&other, GROUP)).is_none());
        assert!(answer_to_probe(&body(&probe("0123abcd"), "example.com")).is_none());
        other = probe("0123abcd");
        other["kind"] = json!("Tenant");
        assert!(answer_to_probe(&body(&other, GROUP)).is_none());
        assert!(answer_to_probe(b"{}").is_none());
    }

    #[test]
    fn a_partywall_that_knows_of_no_probes_denies_it_and_names_it() {
        let body = body(&probe("0123abcd"), GROUP);
        let said = message(&review(&body, Known::NotYet).unwrap());
        assert!(said.contains("partywall-probe-0123abcd"), "{said}");
    }

    #[test]
    fn the_shape_of_a_probe_is_that_of_the_definition() {
        // The API server refuses another shape itself, before it asks.
        let spec = probe("0")["spec"].clone();
        serde_json::from_value::<partywall_core::api::ExemptionSpec>(spec).unwrap();
    }
}
