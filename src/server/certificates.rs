//! The serving certificate with its key, and the CA of clients.
//!
//! Files are compared by content, so they may be replaced in any way: in place, by renaming, or by the swap of the
//! `..data` symlink, as kubelet does it for a Secret.
//!
//! In a cluster the pair comes from memory instead: each new connection gets the one that was supplied last.
//!
//! INVARIANT: the pair in use was checked as a whole (it parses, the chain is not empty, the key belongs to the
//! certificate). A faulty change never replaces it.

mod client_names;
mod material;
mod supplied;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SignatureAlgorithm};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use self::client_names::ClientNames;
pub use self::material::{CertificatesError, Pair};
use self::material::{Material, faulty};
use self::supplied::Supplied;
use crate::telemetry::{CertificateFile, Loads, Metrics, Reload};

/// The clients that are served.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The CA of their certificates, in PEM.
    pub ca: PathBuf,
    /// The names of which a certificate must have one, as its common name or a DNS name; with none, all certificates of
    /// the CA are accepted.
    pub names: Vec<String>,
}

/// The serving certificate and the client CA, reloaded when their files change.
#[derive(Debug)]
pub struct Certificates {
    pair: Option<Pair>,
    clients: Option<Clients>,
    /// The pairs that somebody supplies, instead of files.
    supplied: Option<Supplied>,
    /// As read at the start; an ephemeral pair is never replaced.
    first: Material,
    current: ArcSwap<ServerConfig>,
    /// Changes when somebody demands that the files are read; `None` if nobody can.
    demands: Option<watch::Receiver<()>>,
}

impl Certificates {
    /// Reads the pair, or generates an ephemeral one for the loopback addresses if there is none.
    ///
    /// Without `clients`, everybody is served.
    pub fn load(pair: Option<Pair>, clients: Option<Clients>) -> Result<Self, CertificatesError> {
        let client_ca = clients.as_ref().map(|clients| &*clients.ca);
        let first = match &pair {
            Some(pair) => Material::read(pair, client_ca)?,
            None => Material::ephemeral(client_ca)?,
        };
        Self::of((pair, None), clients, first)
    }

    /// Serves the pair that was supplied last. While there is none, every handshake fails.
    ///
    /// Without `clients`, everybody is served.
    pub fn supplied(
        pairs: watch::Receiver<Option<Arc<CertifiedKey>>>,
        clients: Option<Clients>,
    ) -> Result<Self, CertificatesError> {
        let first = Material::default().with_client_ca(clients.as_ref().map(|clients| &*clients.ca))?;
        Self::of((None, Some(Supplied(pairs))), clients, first)
    }

    fn of(
        (pair, supplied): (Option<Pair>, Option<Supplied>),
        clients: Option<Clients>,
        first: Material,
    ) -> Result<Self, CertificatesError> {
        let Checked { config, is_rsa } = check(&first, supplied.as_ref(), names_of(clients.as_ref()))?;
        advise(is_rsa);
        let current = ArcSwap::from_pointee(config);
        Ok(Self { pair, clients, supplied, first, current, demands: None })
    }

    /// Reads the files at once whenever `demands` changes, too.
    #[must_use]
    pub fn reading_on(self, demands: watch::Receiver<()>) -> Self {
        Self { demands: Some(demands), ..self }
    }

    /// Returns the configuration for the next connection.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Checks the files once in `every`, and follows what is supplied, for ever.
    pub(super) async fn watch(&self, every: Duration, metrics: &Metrics) -> Infallible {
        let Some(supplied) = &self.supplied else { return self.watch_files(every, metrics).await };
        tokio::select! {
            never = supplied.clone().note_expiries(metrics) => never,
            never = self.watch_files(every, metrics) => never,
        }
    }

    async fn watch_files(&self, every: Duration, metrics: &Metrics) -> Infallible {
        self.note_expiry(&self.first, metrics);
        metrics.note_load(Loads::Certificates, Reload::Taken);
        if self.pair.is_none() && self.clients.is_none() {
            return std::future::pending().await;
        }
        let mut demands = self.demands.clone();
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Seen::of(self.first.clone());
        loop {
            let is_demanded = tokio::select! {
                _ = ticks.tick() => false,
                () = demanded(demands.as_mut()) => true,
            };
            let Some(material) = self.read().await else { continue };
            let trial = |material: &Material| {
                check(material, self.supplied.as_ref(), names_of(self.clients.as_ref()))
            };
            let change = match seen.look(material.clone(), trial) {
                // A person says that the files are complete, so one look is enough to report them as faulty.
                Change::None if is_demanded => seen.look(material, trial),
                change @ (Change::None | Change::Good(_) | Change::Faulty(_)) => change,
            };
            match change {
                Change::None => {}
                Change::Good(Checked { config, is_rsa }) => {
                    self.current.store(Arc::new(config));
                    self.note_expiry(&seen.served, metrics);
                    metrics.certificate_reloads.inc(Reload::Taken);
                    metrics.note_load(Loads::Certificates, Reload::Taken);
                    info!("the certificates changed; new connections get the new ones");
                    advise(is_rsa);
                }
                Change::Faulty(error) => {
                    metrics.certificate_reloads.inc(Reload::Refused);
                    metrics.note_load(Loads::Certificates, Reload::Refused);
                    error!(%error, "the certificates changed, but are faulty; the old ones are still served");
                }
            }
            metrics.certificates_faulty.set(i64::from(seen.is_faulty()));
            if is_demanded {
                let reload = if seen.is_faulty() { Reload::Refused } else { Reload::Taken };
                metrics.note_load(Loads::Certificates, reload);
                info!(faulty = seen.is_faulty(), "the certificates were read again");
            }
        }
    }

    /// Says in the metrics when the first certificate of each file expires.
    fn note_expiry(&self, material: &Material, metrics: &Metrics) {
        let [serving, client_ca] = material.expiries();
        if self.supplied.is_none() {
            metrics.certificate_expiry.set(CertificateFile::Serving, serving.unwrap_or_default());
        }
        metrics.certificate_expiry.set(CertificateFile::ClientCa, client_ca.unwrap_or_default());
    }

    /// Reads the files on a blocking thread.
    async fn read(&self) -> Option<Result<Material, CertificatesError>> {
        let client_ca = self.clients.as_ref().map(|clients| clients.ca.clone());
        let (pair, first) = (self.pair.clone(), self.first.clone());
        let read = move || match &pair {
            Some(pair) => Material::read(pair, client_ca.as_deref()),
            None => first.with_client_ca(client_ca.as_deref()),
        };
        tokio::task::spawn_blocking(read).await.ok()
    }
}

/// Waits until somebody demands that the files are read.
async fn demanded(demands: Option<&mut watch::Receiver<()>>) {
    if let Some(demands) = demands
        && demands.changed().await.is_ok()
    {
        return;
    }
    // Nobody can demand it any more.
    std::future::pending().await
}

fn names_of(clients: Option<&Clients>) -> &[String] {
    clients.map(|clients| &*clients.names).unwrap_or_default()
}

type Found = Result<Material, CertificatesError>;

/// How often the same faulty files must be found before they are reported.
const SETTLED: usize = 2;

/// The files that were found so far.
struct Seen {
    /// The files in use.
    served: Material,
    /// Faulty files, and how often they were found.
    faulty: Option<(Found, usize)>,
}

/// The difference that another look found.
enum Change {
    None,
    Good(Checked),
    Faulty(CertificatesError),
}

impl Seen {
    fn of(served: Material) -> Self {
        Self { served, faulty: None }
    }

    /// Returns whether the files on disk were reported as faulty.
    fn is_faulty(&self) -> bool {
        self.faulty.as_ref().is_some_and(|(_, times)| *times >= SETTLED)
    }

    /// Compares by content, and reports faulty files only when they are found a second time.
    ///
    /// Two files cannot be replaced at once, so a certificate with a wrong key may be half of a change.
    fn look(
        &mut self,
        found: Found,
        check: impl Fn(&Material) -> Result<Checked, CertificatesError>,
    ) -> Change {
        if found.as_ref() == Ok(&self.served) {
            self.faulty = None;
            return Change::None;
        }
        if let Some((faulty, times)) = &mut self.faulty
            && *faulty == found
        {
            *times += 1;
            if *times != SETTLED {
                return Change::None;
            }
            return match found.and_then(|material| check(&material)) {
                Err(error) => Change::Faulty(error),
                Ok(_) => Change::None,
            };
        }
        match found.clone().and_then(|material| Ok((check(&material)?, material))) {
            Ok((checked, material)) => {
                *self = Self::of(material);
                Change::Good(checked)
            }
            Err(_) => {
                self.faulty = Some((found, 1));
                Change::None
            }
        }
    }
}

/// A configuration that passed the checks.
struct Checked {
    config: ServerConfig,
    is_rsa: bool,
}

/// Warns of a key that makes handshakes expensive.
fn advise(is_rsa: bool) {
    if is_rsa {
        warn!("the serving key is RSA, so every new connection costs ten times as much as with P-256");
    }
}

/// Checks the files and builds a configuration from them, with the pairs that are supplied if any are.
fn check(
    material: &Material,
    supplied: Option<&Supplied>,
    client_names: &[String],
) -> Result<Checked, CertificatesError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (pairs, is_rsa): (Arc<dyn ResolvesServerCert>, bool) = match supplied {
        Some(supplied) => (Arc::new(supplied.clone()), false),
        None => {
            let pair = material.pair(&provider)?;
            let is_rsa = pair.key.algorithm() == SignatureAlgorithm::RSA;
            (Arc::new(SingleCertAndKey::from(pair)), is_rsa)
        }
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| faulty("TLS".to_owned(), &error))?;
    let builder = match material.client_roots()? {
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| faulty(material.client_ca_name().unwrap_or_default(), &error))?;
            builder.with_client_cert_verifier(match client_names {
                [] => verifier,
                names => Arc::new(ClientNames { chain: verifier, names: names.to_vec() }),
            })
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(pairs);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The API server never resumes a session, so tickets would only cost time and memory.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Checked { config, is_rsa })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes certificates to be read")]
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
        for (found, expected, is_faulty) in [
            (Ok(a.clone()), "none", false),
            (Ok(half.clone()), "none", false),
            (Ok(b.clone()), "good", false),
            (Ok(b.clone()), "none", false),
            (Ok(half.clone()), "none", false),
            (Ok(half.clone()), "faulty", true),
            (Ok(half.clone()), "none", true),
            (Ok(half), "none", true),
            (Err(gone.clone()), "none", false),
            (Err(gone), "faulty", true),
            (Ok(b), "none", false),
            (Ok(a), "good", false),
        ] {
            let change = seen.look(found, |material| check(material, None, &[]));
            assert_eq!(name(&change), expected);
            assert_eq!(seen.is_faulty(), is_faulty);
        }
    }

    #[test]
    fn a_faulty_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let pair = Pair { cert: path("tls.crt"), key: path("tls.key") };
        let write = |material: &Material| {
            std::fs::write(&pair.cert, &material.chain.bytes).unwrap();
            std::fs::write(&pair.key, &material.key.bytes).unwrap();
        };
        let problem = |client_ca: Option<PathBuf>| {
            let checked =
                Material::read(&pair, client_ca.as_deref()).and_then(|material| check(&material, None, &[]));
            checked.map(|_| ()).unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "")
        };
        let (one, other) = (Material::ephemeral(None).unwrap(), Material::ephemeral(None).unwrap());
        write(&one);
        std::fs::write(path("ca.crt"), "no certificate").unwrap();
        assert_eq!(problem(Some(path("ca.crt"))), "client CA `ca.crt`: there is no certificate in it");
        assert!(problem(Some(path("gone"))).starts_with("gone: cannot be read: "));
        write(&Material { key: other.key, ..one });
        let mismatch = problem(None);
        assert!(
            mismatch.starts_with("certificate chain `tls.crt` and private key `tls.key`: "),
            "{mismatch}"
        );
        std::fs::write(&pair.key, "no key").unwrap();
        let no_key = problem(None);
        assert!(no_key.starts_with("private key `tls.key`: "), "{no_key}");
        std::fs::write(&pair.cert, "").unwrap();
        assert_eq!(problem(None), "certificate chain `tls.crt`: there is no certificate in it");
    }

    #[test]
    fn no_session_is_ever_resumed() {
        let Checked { config, is_rsa } = check(&Material::ephemeral(None).unwrap(), None, &[]).unwrap();
        assert!(!is_rsa);
        assert_eq!(config.send_tls13_tickets, 0);
        assert!(!config.ticketer.enabled());
        assert!(!config.session_storage.can_cache());
    }
}
