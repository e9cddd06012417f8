//! What the server proves itself with, and whom it believes: the certificate pair and the client CA.
//!
//! Files are compared by content, so it does not matter how they are replaced: in place, by renaming, or by the
//! swap of the `..data` symlink that kubelet does for a Secret.
//!
//! INVARIANT: what is served was checked as a whole (it parses, the chain is not empty, the key is the
//! certificate's). A faulty change never replaces what is served.

mod material;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use self::material::Material;
use crate::telemetry::{Metrics, Reload};

/// Why certificates cannot be served. Where a field is a path, the file is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificatesError {
    /// A file cannot be read.
    #[error("{}: cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// A file is not what it should be.
    #[error("{what}: {problem}")]
    Faulty {
        /// What it should be.
        what: &'static str,
        /// What is wrong.
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

/// What the server proves itself with, kept up to date.
#[derive(Debug)]
pub struct Certificates {
    pair: Option<Pair>,
    client_ca: Option<PathBuf>,
    /// What was read at the start; an ephemeral pair stays what it is.
    first: Material,
    current: ArcSwap<ServerConfig>,
}

impl Certificates {
    /// Reads the pair, or makes an ephemeral one for this machine's loopback if there is none. With a client CA,
    /// only clients with a certificate of that CA are served.
    pub fn load(pair: Option<Pair>, client_ca: Option<PathBuf>) -> Result<Self, CertificatesError> {
        let first = match &pair {
            Some(pair) => Material::read(pair, client_ca.as_deref())?,
            None => Material::ephemeral(client_ca.as_deref())?,
        };
        let current = ArcSwap::from_pointee(config(&first)?);
        Ok(Self { pair, client_ca, first, current })
    }

    /// The configuration for the next connection.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Looks at the files `every` so often, for ever.
    pub(super) async fn watch(&self, every: Duration, metrics: &Metrics) -> Infallible {
        if self.pair.is_none() && self.client_ca.is_none() {
            return std::future::pending().await;
        }
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Seen::of(self.first.clone());
        loop {
            ticks.tick().await;
            let Some(material) = self.read().await else { continue };
            match seen.look(material) {
                Change::None => {}
                Change::Good(config) => {
                    self.current.store(config);
                    metrics.certificate_reloads.inc(Reload::Taken);
                    info!("the certificates changed; new connections get the new ones");
                }
                Change::Faulty(error) => {
                    metrics.certificate_reloads.inc(Reload::Refused);
                    error!(%error, "the certificates changed, but are faulty; the old ones are still served");
                }
            }
        }
    }

    /// Reads the files off the threads that serve requests.
    async fn read(&self) -> Option<Result<Material, CertificatesError>> {
        let (pair, client_ca, first) = (self.pair.clone(), self.client_ca.clone(), self.first.clone());
        let read = move || match &pair {
            Some(pair) => Material::read(pair, client_ca.as_deref()),
            None => first.with_client_ca(client_ca.as_deref()),
        };
        tokio::task::spawn_blocking(read).await.ok()
    }
}

type Found = Result<Material, CertificatesError>;

/// What was found when looking at the files.
struct Seen {
    /// What is served.
    served: Material,
    /// What is faulty, and how often it was seen.
    faulty: Option<(Found, usize)>,
}

/// What looking again brought.
enum Change {
    None,
    Good(Arc<ServerConfig>),
    Faulty(CertificatesError),
}

impl Seen {
    fn of(served: Material) -> Self {
        Self { served, faulty: None }
    }

    /// Compares by content. Something faulty is only called so when it is seen a second time: two files cannot
    /// be replaced at once, so a certificate without its key may just be half of a change.
    fn look(&mut self, found: Found) -> Change {
        if found.as_ref() == Ok(&self.served) {
            self.faulty = None;
            return Change::None;
        }
        if let Some((faulty, times)) = &mut self.faulty
            && *faulty == found
        {
            *times += 1;
            let is_settled = *times == 2;
            return match found.and_then(|material| config(&material)) {
                Err(error) if is_settled => Change::Faulty(error),
                Ok(_) | Err(_) => Change::None,
            };
        }
        match found.clone().and_then(|material| Ok((config(&material)?, material))) {
            Ok((config, material)) => {
                *self = Self::of(material);
                Change::Good(Arc::new(config))
            }
            Err(_) => {
                self.faulty = Some((found, 1));
                Change::None
            }
        }
    }
}

/// Checks the material and makes a configuration of it.
fn config(material: &Material) -> Result<ServerConfig, CertificatesError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pair = material.pair(&provider)?;
    let fault =
        |what| move |error: rustls::Error| CertificatesError::Faulty { what, problem: error.to_string() };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(fault("TLS"))?;
    let builder = match material.client_roots()? {
        Some(roots) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(
                    |error| CertificatesError::Faulty { what: "client CA", problem: error.to_string() },
                )?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The API server never resumes a session: tickets would be work and memory for nobody.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(change: &Change) -> &'static str {
        match change {
            Change::None => "none",
            Change::Good(_) => "good",
            Change::Faulty(_) => "faulty",
        }
    }

    #[test]
    fn l6_changes_are_taken_when_good_and_refused_once_when_faulty() {
        let (a, b) = (Material::ephemeral(None).unwrap(), Material::ephemeral(None).unwrap());
        let half = Material { key: b.key.clone(), ..a.clone() };
        let gone = CertificatesError::Unreadable { path: "tls.crt".into(), problem: "gone".to_owned() };
        let mut seen = Seen::of(a.clone());
        for (found, expected) in [
            (Ok(a.clone()), "none"),
            (Ok(half.clone()), "none"),
            (Ok(b.clone()), "good"),
            (Ok(b.clone()), "none"),
            (Ok(half.clone()), "none"),
            (Ok(half.clone()), "faulty"),
            (Ok(half.clone()), "none"),
            (Ok(half), "none"),
            (Err(gone.clone()), "none"),
            (Err(gone), "faulty"),
            (Ok(b), "none"),
            (Ok(a), "good"),
        ] {
            assert_eq!(name(&seen.look(found)), expected);
        }
    }

    #[test]
    fn a_chain_without_certificates_is_faulty() {
        let material = Material { chain: Vec::new(), ..Material::ephemeral(None).unwrap() };
        let error = config(&material).unwrap_err().to_string();
        assert_eq!(error, "certificate chain: there is no certificate in it");
    }

    #[test]
    fn no_session_is_ever_resumed() {
        let config = config(&Material::ephemeral(None).unwrap()).unwrap();
        assert_eq!(config.send_tls13_tickets, 0);
        assert!(!config.ticketer.enabled());
        assert!(!config.session_storage.can_cache());
    }
}
