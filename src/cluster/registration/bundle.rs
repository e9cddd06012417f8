//! The CAs that callers trust, as the configurations hold them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::cluster::facts::Fingerprint;

/// How many letters of base64 a line of PEM has.
const LINE: usize = 64;

/// CAs without an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bundle(BTreeMap<Fingerprint, CertificateDer<'static>>);

impl Bundle {
    /// Reads the certificates in a PEM; one that has something else in it has none.
    pub(super) fn of_pem(pem: &[u8]) -> Self {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.unwrap_or_default();
        Self(certificates.into_iter().map(|der| (Fingerprint::of(&der), der)).collect())
    }

    /// Reads the certificates that a webhook is verified by; none if there is no bundle, or no legible one.
    pub(super) fn of_webhook(webhook: &Value) -> Self {
        let text = webhook.pointer("/clientConfig/caBundle").and_then(Value::as_str).unwrap_or_default();
        STANDARD.decode(text).map(|pem| Self::of_pem(&pem)).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn holds(&self, ca: Fingerprint) -> bool {
        self.0.contains_key(&ca)
    }

    pub(super) fn cas(&self) -> BTreeSet<Fingerprint> {
        self.0.keys().copied().collect()
    }

    /// Adds those CAs of another bundle that are chosen.
    pub(super) fn add(&mut self, other: &Self, is_chosen: impl Fn(Fingerprint) -> bool) {
        let chosen = other.0.iter().filter(|(ca, _)| is_chosen(**ca));
        self.0.extend(chosen.map(|(ca, der)| (*ca, der.clone())));
    }

    /// Writes the bundle into a webhook.
    pub(super) fn write(&self, webhook: &mut Value) {
        if let Some(Value::Object(config)) = webhook.get_mut("clientConfig") {
            config.insert("caBundle".to_owned(), STANDARD.encode(self.pem()).into());
        }
    }

    /// Returns the PEM, the same for the same CAs.
    fn pem(&self) -> String {
        let mut pem = String::new();
        for der in self.0.values() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            for (index, letter) in STANDARD.encode(der).char_indices() {
                if index > 0 && index % LINE == 0 {
                    pem.push('\n');
                }
                pem.push(letter);
            }
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
        pem
    }
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bundle_is_read_as_it_was_written_whatever_its_order() {
        let pems = ["a", "b"].map(|name| generate_simple_self_signed([name.to_owned()]).unwrap().cert.pem());
        let bundle = Bundle::of_pem(format!("{}{}", pems[0], pems[1]).as_bytes());
        let other_order = Bundle::of_pem(format!("{}{}", pems[1], pems[0]).as_bytes());
        assert_eq!(bundle.cas().len(), 2);
        assert_eq!(bundle, other_order);
        let mut webhook = json!({"clientConfig": {"url": "https://a"}});
        bundle.write(&mut webhook);
        assert_eq!(Bundle::of_webhook(&webhook), bundle);
    }

    #[test]
    fn what_is_no_bundle_holds_nothing() {
        for text in ["", "%", "bm90aGluZw=="] {
            assert!(Bundle::of_webhook(&json!({"clientConfig": {"caBundle": text}})).is_empty(), "{text}");
        }
        assert!(Bundle::of_webhook(&json!({"clientConfig": {"url": "https://a"}})).is_empty());
        let mut none = Value::Null;
        Bundle::default().write(&mut none);
        assert!(none.is_null());
    }
}
