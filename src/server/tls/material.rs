//! The bytes that a TLS configuration is made of, as they are on disk.

#![expect(clippy::disallowed_methods, reason = "reads certificates")]

use std::fmt;
use std::path::Path;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, SignatureAlgorithm};
use tracing::warn;

use super::{CertificatesError, Pair};

/// PEM files, by content.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    pub(super) chain: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// The key is a secret.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").finish_non_exhaustive()
    }
}

impl Material {
    /// Reads the files.
    pub(super) fn read(pair: &Pair, client_ca: Option<&Path>) -> Result<Self, CertificatesError> {
        Ok(Self {
            chain: read(&pair.cert)?,
            key: read(&pair.key)?,
            client_ca: client_ca.map(read).transpose()?,
        })
    }

    /// A new pair for this machine's loopback, signed by itself; nothing of it is written anywhere.
    pub(super) fn ephemeral(client_ca: Option<&Path>) -> Result<Self, CertificatesError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| faulty("ephemeral certificate", &error))?;
        Self { chain: made.cert.pem().into(), key: made.signing_key.serialize_pem().into(), client_ca: None }
            .with_client_ca(client_ca)
    }

    /// The same pair, with the client CA read again.
    pub(super) fn with_client_ca(self, client_ca: Option<&Path>) -> Result<Self, CertificatesError> {
        Ok(Self { client_ca: client_ca.map(read).transpose()?, ..self })
    }

    /// The chain and the key, checked to belong together.
    pub(super) fn pair(&self, provider: &CryptoProvider) -> Result<CertifiedKey, CertificatesError> {
        let chain = certificates("certificate chain", &self.chain)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| faulty("private key", &error))?;
        let pair = CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| faulty("certificate chain and private key", &error))?;
        if pair.key.algorithm() == SignatureAlgorithm::RSA {
            warn!("the serving key is RSA, so every new connection costs ten times as much as with P-256");
        }
        Ok(pair)
    }

    /// The CAs of clients, if clients are asked for a certificate.
    pub(super) fn client_roots(&self) -> Result<Option<RootCertStore>, CertificatesError> {
        let Some(pem) = &self.client_ca else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("client CA", pem)? {
            roots.add(certificate).map_err(|error| faulty("client CA", &error))?;
        }
        Ok(Some(roots))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificatesError> {
    std::fs::read(path)
        .map_err(|error| CertificatesError::Unreadable { path: path.to_owned(), problem: error.to_string() })
}

/// At least one certificate; comments and other PEM sections are passed over.
fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| faulty(what, &error))?;
    if certificates.is_empty() {
        return Err(faulty(what, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn faulty(what: &'static str, problem: &dyn fmt::Display) -> CertificatesError {
    CertificatesError::Faulty { what, problem: problem.to_string() }
}
