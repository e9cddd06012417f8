//! Accepts a client certificate only if it has one of the names that the operator listed.
//!
//! A CA that signs certificates of API servers usually signs others too: with the CA of the cluster alone, every
//! kubelet would be accepted.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::EndEntityCert;

/// The DER of the object identifier 2.5.4.3, a common name.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Verifies a certificate as `chain` does, and compares its names.
#[derive(Debug)]
pub(super) struct ClientNames {
    pub(super) chain: Arc<dyn ClientCertVerifier>,
    pub(super) names: Vec<String>,
}

impl ClientNames {
    /// Compares the common name exactly, and DNS names without regard to case. No wildcard matches anything.
    fn accepts(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(certificate) = EndEntityCert::try_from(certificate) else { return false };
        let is_listed = |found: &str| self.names.iter().any(|name| name.eq_ignore_ascii_case(found));
        let is_common_name = |found: &[u8]| self.names.iter().any(|name| name.as_bytes() == found);
        certificate.valid_dns_names().any(is_listed)
            || common_names(certificate.subject()).into_iter().any(is_common_name)
    }
}

impl ClientCertVerifier for ClientNames {
    fn offer_client_auth(&self) -> bool {
        self.chain.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.chain.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        if self.accepts(end_entity) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Returns the common names in the DER of a subject, which is a sequence of sets of attributes (RFC 5280, 4.1.2.4).
fn common_names(subject: &[u8]) -> Vec<&[u8]> {
    let sets = elements(subject).filter(|(tag, _)| *tag == 0x31);
    let attributes = sets.flat_map(|(_, set)| elements(set)).filter(|(tag, _)| *tag == 0x30);
    let value = |(_, attribute)| {
        let mut parts = elements(attribute);
        let (is_oid, kind) = (parts.next()?, parts.next()?);
        // UTF8String, PrintableString and IA5String have the bytes of the text.
        (is_oid == (0x06, COMMON_NAME) && matches!(kind.0, 0x0c | 0x13 | 0x16)).then_some(kind.1)
    };
    attributes.filter_map(value).collect()
}

/// Returns the elements of a DER sequence, each as its tag and its content, up to the first that is malformed.
fn elements(mut der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let ([tag, length], rest) = der.split_first_chunk()?;
        let (length, rest) = match *length {
            short @ 0..=0x7f => (usize::from(short), rest),
            0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
            0x82 => rest
                .split_first_chunk()
                .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        der = after;
        Some((*tag, content))
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};
    use rustls::server::NoClientAuth;

    use super::*;

    /// Returns whether a certificate with these names is accepted for `allowed`.
    fn is_accepted(common_name: Option<DnValue>, dns_names: &[&str], allowed: &str) -> bool {
        let dns_names: Vec<_> = dns_names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(dns_names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "system:masters");
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let names = vec!["other".to_owned(), allowed.to_owned()];
        ClientNames { chain: Arc::new(NoClientAuth), names }.accepts(certificate.der())
    }

    #[test]
    fn l12_a_name_is_the_common_name_or_a_dns_name_and_nothing_else() {
        let utf8 = |name: &str| Some(DnValue::Utf8String(name.to_owned()));
        let printable = Some(DnValue::PrintableString("kube-apiserver".try_into().unwrap()));
        let long = "x".repeat(300);
        for (common_name, dns_names, allowed, expected) in [
            (utf8("kube-apiserver"), &[][..], "kube-apiserver", true),
            (printable, &[], "kube-apiserver", true),
            (utf8(&long), &[], &*long, true),
            (utf8("kube-apiserver"), &[], "Kube-apiserver", false),
            (utf8("kube-apiserver-2"), &[], "kube-apiserver", false),
            (utf8("kubelet"), &["a.example", "api.example"], "API.example", true),
            (None, &["api.example"], "api.example", true),
            (None, &["*.example"], "api.example", false),
            (utf8("kubelet"), &["other.example"], "kube-apiserver", false),
            (None, &[], "system:masters", false),
        ] {
            assert_eq!(
                is_accepted(common_name.clone(), dns_names, allowed),
                expected,
                "{common_name:?} {dns_names:?}"
            );
        }
    }

    #[test]
    fn malformed_subjects_have_no_names() {
        let whole = b"\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02ab";
        assert_eq!(common_names(whole), [b"ab"]);
        for length in 0..whole.len() {
            assert_eq!(common_names(&whole[..length]), [b""; 0], "{length}");
        }
    }
}
