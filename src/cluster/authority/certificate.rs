//! Makes CAs and serving certificates, and checks those that are read.
//!
//! INVARIANT: what leaves this file was verified as a caller verifies it, names and constraints of names included.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PublicKeyData,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::cas::Ca;
use super::leaf::{Leaf, renew_at};
use super::names::Names;
use crate::cluster::facts::Fingerprint;
use crate::x509::{Validity, validity};

/// How long before it is made a CA is valid, in seconds, for callers with clocks that are behind.
const CA_EARLIER: i64 = 24 * 60 * 60;
/// The same of a serving certificate.
const LEAF_EARLIER: i64 = 60 * 60;

/// The reason why a certificate cannot be used or made.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The number of certificates is wrong.
    #[error("it holds {0} certificates, and not one")]
    Count(usize),
    /// It cannot be read.
    #[error("it is no certificate")]
    NoCertificate,
    /// The key cannot be read.
    #[error("its key cannot be used: {0}")]
    Key(String),
    /// It cannot sign for the names.
    #[error("it and its key cannot sign for `{name}`: {problem}")]
    CannotSign {
        /// The name.
        name: String,
        /// The error of the verification.
        problem: String,
    },
    /// It cannot be made.
    #[error("it cannot be made: {0}")]
    Unmade(String),
}

impl From<rcgen::Error> for Flaw {
    fn from(error: rcgen::Error) -> Self {
        Self::Unmade(error.to_string())
    }
}

/// Makes a CA that may sign for these names alone, and lives for so many seconds from now on.
pub(crate) fn make_ca(names: &Names, now: i64, life: i64) -> Result<Ca, Flaw> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = issuer(&key);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.not_before = time(now - CA_EARLIER).into();
    params.not_after = time(now + life).into();
    params.name_constraints = Some(constraints(names));
    let certificate = params.self_signed(&key)?.pem();
    read_ca(&certificate, Some(&key.serialize_pem()), names)
}

/// Reads a CA with its key, or one that signs nothing any more without it.
///
/// Whether it has ended is not checked.
pub(super) fn read_ca(certificate: &str, key: Option<&str>, names: &Names) -> Result<Ca, Flaw> {
    let (der, Validity { not_before, not_after }) = one(certificate)?;
    let mut ca = Ca {
        id: Fingerprint::of(&der),
        made: not_before + CA_EARLIER,
        until: not_after,
        fits: true,
        certificate: certificate.into(),
        key: key.map(Arc::from),
    };
    if ca.key.is_some() {
        // A trial certificate tells whether the key is right and what the CA may sign.
        let trial = |names: &Names| sign(&ca, names, (not_before, not_after), not_before + 1).map(drop);
        trial(&names.of_service())?;
        ca.fits = trial(names).is_ok();
    }
    Ok(ca)
}

/// Makes a serving certificate that lives for so many seconds from now on, and not longer than the CA.
///
/// A CA that may not sign for all names signs for the Service alone.
pub(super) fn make_leaf(ca: &Ca, names: &Names, now: i64, life: i64) -> Result<(Leaf, CertifiedKey), Flaw> {
    let (from, until) = (now - LEAF_EARLIER, now.saturating_add(life).min(ca.until));
    let Signed { leaf, key } = match sign(ca, names, (from, until), now) {
        Err(_) if !ca.fits => sign(ca, &names.of_service(), (from, until), now),
        signed => signed,
    }?;
    let Fingerprint([chance, ..]) = Fingerprint::of(leaf.der());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let certified = CertifiedKey::from_der(vec![leaf.der().clone()], key, &default_provider());
    let certified = certified.map_err(|error| Flaw::Key(error.to_string()))?;
    Ok((Leaf { signer: ca.clone(), from, renew_at: renew_at(now, until, chance), until }, certified))
}

/// Returns the one of these CAs, each in DER, up to which a chain of certificates leads.
pub(super) fn signer_of<'c>(
    chain: &[CertificateDer<'_>],
    cas: impl IntoIterator<Item = &'c CertificateDer<'c>>,
    now: i64,
) -> Option<&'c CertificateDer<'c>> {
    cas.into_iter().find(|ca| verify(chain, ca, now).is_ok())
}

/// Returns whether a certificate is valid for all names.
pub(super) fn is_for(certificate: &CertificateDer<'_>, names: &Names) -> bool {
    let Ok(leaf) = EndEntityCert::try_from(certificate) else { return false };
    names.verified().all(|name| name.is_some_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok()))
}

/// A certificate that was signed, and its key.
pub(super) struct Signed {
    pub(super) leaf: Certificate,
    pub(super) key: KeyPair,
}

/// Signs a certificate with a new key, and verifies it at a time.
pub(super) fn sign(ca: &Ca, names: &Names, (from, until): (i64, i64), now: i64) -> Result<Signed, Flaw> {
    let key_of_ca = ca.key.as_deref().unwrap_or_default();
    let key_of_ca = KeyPair::from_pem(key_of_ca).map_err(|error| Flaw::Key(error.to_string()))?;
    let mut params = CertificateParams::new(names.all().map(str::to_owned).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, names.service());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = time(from).into();
    params.not_after = time(until).into();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let issuer_params = issuer(&key_of_ca);
    let leaf = params.signed_by(&key, &Issuer::from_params(&issuer_params, &key_of_ca))?;
    let (of_ca, _) = one(&ca.certificate)?;
    let refused =
        |problem: String| Flaw::CannotSign { name: names.all().collect::<Vec<_>>().join("`, `"), problem };
    verify(std::slice::from_ref(leaf.der()), &of_ca, now).map_err(|error| refused(error.to_string()))?;
    if !is_for(leaf.der(), names) {
        return Err(refused("the names are not in it".to_owned()));
    }
    Ok(Signed { leaf, key })
}

/// Verifies a chain of certificates up to a CA, which need not be valid itself.
fn verify(chain: &[CertificateDer<'_>], ca: &CertificateDer<'_>, now: i64) -> Result<(), webpki::Error> {
    let (leaf, intermediates) = chain.split_first().ok_or(webpki::Error::UnknownIssuer)?;
    let anchor = anchor_from_trusted_cert(ca)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or_default()));
    let algorithms = default_provider().signature_verification_algorithms.all;
    let usage = KeyUsage::server_auth();
    let leaf = EndEntityCert::try_from(leaf)?;
    leaf.verify_for_usage(algorithms, &[anchor], intermediates, time, usage, None, None).map(drop)
}

/// Returns the parameters of a CA by which it signs. Its name follows from its key, so that no two have the same one.
fn issuer(key: &KeyPair) -> CertificateParams {
    let id = Fingerprint::of(key.der_bytes()).to_string();
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("partywall CA {}", id.get(..8).unwrap_or_default()));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// Returns the names for which a CA may sign. A critical extension: who does not know it refuses the certificate.
fn constraints(names: &Names) -> NameConstraints {
    let subnet = |address| {
        GeneralSubtree::IpAddress(match address {
            IpAddr::V4(address) => CidrSubnet::V4(address.octets(), [u8::MAX; 4]),
            IpAddr::V6(address) => CidrSubnet::V6(address.octets(), [u8::MAX; 16]),
        })
    };
    let dns = names.dns().map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let permitted_subtrees: Vec<_> = dns.chain(names.addresses().map(subnet)).collect();
    // Without an address among them, all addresses would be allowed.
    let all =
        [CidrSubnet::V4([0; 4], [0; 4]), CidrSubnet::V6([0; 16], [0; 16])].map(GeneralSubtree::IpAddress);
    let excluded_subtrees = if names.addresses().next().is_none() { Vec::from(all) } else { Vec::new() };
    NameConstraints { permitted_subtrees, excluded_subtrees }
}

/// Reads one certificate in PEM.
fn one(pem: &str) -> Result<(CertificateDer<'static>, Validity), Flaw> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let mut all = all.map_err(|_| Flaw::NoCertificate)?;
    let count = all.len();
    match (all.pop(), count) {
        (Some(der), 1) => {
            let validity = validity(&der).ok_or(Flaw::NoCertificate)?;
            Ok((der, validity))
        }
        _ => Err(Flaw::Count(count)),
    }
}

/// Returns a time, in seconds since 1970, as the system writes it.
fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests;
