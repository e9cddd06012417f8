//! The PEM files that a TLS configuration is made from.

#![expect(clippy::disallowed_methods, reason = "reads certificates")]

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use crate::x509::validity;

/// The reason that certificates cannot be served; it names the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificatesError {
    /// A file cannot be read.
    #[error("{}: cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        problem: String,
    },
    /// A file has the wrong content.
    #[error("{what}: {problem}")]
    Faulty {
        /// The role of the file, and its path.
        what: String,
        /// The fault.
        problem: String,
    },
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The key of the first certificate.
    pub key: PathBuf,
}

/// The content of the PEM files; without chain and key if they are supplied otherwise.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Material {
    pub(super) chain: Pem,
    pub(super) key: Pem,
    pub(super) client_ca: Option<Pem>,
}

/// The content of a file, or of an ephemeral certificate that is in no file.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Pem {
    path: Option<PathBuf>,
    pub(super) bytes: Vec<u8>,
}

impl Pem {
    fn read(path: &Path) -> Result<Self, CertificatesError> {
        let bytes = std::fs::read(path).map_err(|error| CertificatesError::Unreadable {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self { path: Some(path.to_owned()), bytes })
    }

    fn ephemeral(pem: String) -> Self {
        Self { path: None, bytes: pem.into() }
    }

    /// Returns its role, and its path if it has one.
    fn name(&self, what: &str) -> String {
        match &self.path {
            Some(path) => format!("{what} `{}`", path.display()),
            None => what.to_owned(),
        }
    }
}

/// Leaves out the content, since the key is a secret.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").finish_non_exhaustive()
    }
}

impl Material {
    /// Reads the files.
    pub(super) fn read(pair: &Pair, client_ca: Option<&Path>) -> Result<Self, CertificatesError> {
        Ok(Self {
            chain: Pem::read(&pair.cert)?,
            key: Pem::read(&pair.key)?,
            client_ca: client_ca.map(Pem::read).transpose()?,
        })
    }

    /// Generates a self-signed pair for the loopback addresses, in memory only.
    pub(super) fn ephemeral(client_ca: Option<&Path>) -> Result<Self, CertificatesError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| faulty("ephemeral certificate".to_owned(), &error))?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        Self { chain: Pem::ephemeral(chain), key: Pem::ephemeral(key), client_ca: None }
            .with_client_ca(client_ca)
    }

    /// Returns the same pair, with the client CA read again.
    pub(super) fn with_client_ca(self, client_ca: Option<&Path>) -> Result<Self, CertificatesError> {
        Ok(Self { client_ca: client_ca.map(Pem::read).transpose()?, ..self })
    }

    /// Returns the chain and the key, after checking that they belong together.
    pub(super) fn pair(&self, provider: &CryptoProvider) -> Result<CertifiedKey, CertificatesError> {
        let (of_chain, of_key) = (self.chain.name("certificate chain"), self.key.name("private key"));
        let chain = certificates(&of_chain, &self.chain.bytes)?;
        let key =
            PrivateKeyDer::from_pem_slice(&self.key.bytes).map_err(|error| faulty(of_key.clone(), &error))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            let what = format!("{of_chain} and {of_key}");
            if matches!(error, rustls::Error::InconsistentKeys(_)) {
                faulty(what, &"the key is not that of the certificate")
            } else {
                faulty(what, &error)
            }
        })
    }

    /// Returns the CAs of clients, if clients need a certificate.
    pub(super) fn client_roots(&self) -> Result<Option<RootCertStore>, CertificatesError> {
        let (Some(pem), Some(what)) = (&self.client_ca, self.client_ca_name()) else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&what, &pem.bytes)? {
            roots.add(certificate).map_err(|error| faulty(what.clone(), &error))?;
        }
        Ok(Some(roots))
    }

    /// Returns when the first certificate of the chain expires, and when the first of the client CA's does, in seconds
    /// since 1970.
    pub(super) fn expiries(&self) -> [Option<i64>; 2] {
        let first = |pem: &Pem| {
            let certificates = CertificateDer::pem_slice_iter(&pem.bytes).filter_map(Result::ok);
            certificates.filter_map(|certificate| Some(validity(&certificate)?.not_after)).min()
        };
        [first(&self.chain), self.client_ca.as_ref().and_then(first)]
    }

    /// Returns the name of the client CA for an error.
    pub(super) fn client_ca_name(&self) -> Option<String> {
        self.client_ca.as_ref().map(|pem| pem.name("client CA"))
    }
}

/// Parses at least one certificate; comments and other PEM sections are ignored.
fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| faulty(what.to_owned(), &error))?;
    if certificates.is_empty() {
        return Err(faulty(what.to_owned(), &"there is no certificate in it"));
    }
    Ok(certificates)
}

pub(super) fn faulty(what: String, problem: &dyn fmt::Display) -> CertificatesError {
    CertificatesError::Faulty { what, problem: problem.to_string() }
}
