//! Modes *files* and *cert-manager*: somebody else issues the certificate and its CA.
//!
//! Both are looked at every three seconds and compared by content, so it does not matter how they were replaced.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde_json::Value;
use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{info, warn};

use super::certificate::{is_for, signer_of};
use super::channels::{Inputs, Outputs, WAIT};
use super::decide::Live;
use super::issued::{Bundle, Issued, Kept, Waited, takes};
use super::names::Names;
use crate::cluster::facts::{Fingerprint, Trust};
use crate::cluster::send::{self, send};
use crate::telemetry::{CertificateFile, Metrics};
use crate::x509::validity;

/// How long what a Secret held is passed on while the API server does not answer.
const STALE: Duration = Duration::from_secs(10);
/// How often the same fault must be found before it is told: files are not replaced at once.
const SETTLED: usize = 2;

/// Where the certificate, its key and its CAs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In files: the chain, the key and the CAs.
    Files { cert: PathBuf, key: PathBuf, ca: PathBuf },
    /// In a Secret of this namespace, as cert-manager writes it.
    Secret { namespace: String, name: String },
}

/// The reason why what was issued cannot be used.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Refused(#[from] send::Failure),
    #[error("{what} cannot be read: {problem}")]
    Unreadable { what: String, problem: String },
    #[error("{0} is missing")]
    Missing(String),
    #[error("{what}: {problem}")]
    Faulty { what: String, problem: String },
    #[error("the certificate was signed by none of the CAs beside it, or has ended")]
    Unsigned,
}

/// The three parts in PEM, each with the name of its place.
struct Parts {
    chain: (String, Vec<u8>),
    key: (String, Vec<u8>),
    cas: (String, Vec<u8>),
}

/// The certificate that somebody else issues.
pub(super) struct Given {
    client: Client,
    place: Place,
    names: Names,
    /// How long the bundles must hold a CA before every API server uses them.
    settle: Duration,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    metrics: Arc<Metrics>,
    started: Instant,
    contact: Instant,
    served: Option<Issued>,
    offered: Option<Issued>,
    kept: Kept,
    /// The CA of what is offered, if all bundles hold it, and since when that has been seen.
    seen: Option<(Fingerprint, Instant)>,
    /// How often in a row it could not be used.
    failures: usize,
}

impl Given {
    pub(super) fn new(
        client: Client,
        place: Place,
        names: Names,
        settle: Duration,
        now: Arc<dyn Fn() -> i64 + Send + Sync>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (started, kept) = (Instant::now(), Kept::default());
        let (contact, served, offered, seen, failures) = (started, None, None, None, 0);
        Self {
            client,
            place,
            names,
            settle,
            now,
            metrics,
            started,
            contact,
            served,
            offered,
            kept,
            seen,
            failures,
        }
    }

    /// Follows what is issued, for ever.
    pub(super) async fn run(mut self, mut inputs: Inputs, outputs: Outputs) -> Infallible {
        loop {
            self.look(&inputs, &outputs).await;
            inputs.wait().await;
        }
    }

    async fn look(&mut self, inputs: &Inputs, outputs: &Outputs) {
        let read = match read(&self.client, &self.place).await {
            Ok(parts) => understand(&parts, (self.now)()),
            Err(failure) => Err(failure),
        };
        let is_silent = matches!(&read, Err(Failure::Refused(refused)) if refused.is_silence());
        if !is_silent {
            self.contact = Instant::now();
        }
        self.tell(read.as_ref().err());
        if let Ok((issued, certified)) = read {
            self.offer(issued, certified, inputs, outputs);
        }
        let replicas = inputs.replicas.borrow();
        let trust = self.kept.trust(self.served.as_ref(), self.offered.as_ref(), &replicas, (self.now)());
        let is_stale = is_silent && self.contact.elapsed() >= STALE;
        outputs.publish(if is_stale { Trust { signer: trust.signer, ..Trust::default() } } else { trust });
    }

    /// Serves what is offered, if callers trust it.
    fn offer(&mut self, issued: Issued, certified: Arc<CertifiedKey>, inputs: &Inputs, outputs: &Outputs) {
        let registered = inputs.registered.borrow();
        let live = Live::of(&registered);
        let signer = matches!(live, Live::Of(cas) if cas.contains(&issued.signer)).then_some(issued.signer);
        self.seen = match (signer, self.seen) {
            (Some(signer), Some((seen, since))) if signer == seen => Some((seen, since)),
            (signer, _) => signer.map(|signer| (signer, Instant::now())),
        };
        let waited = Waited {
            long: self.started.elapsed() >= WAIT,
            settled: self.seen.is_some_and(|(_, since)| since.elapsed() >= self.settle),
        };
        if takes(self.served.as_ref(), &issued, live, (self.now)(), waited) {
            let is_for = certified.cert.first().is_some_and(|leaf| is_for(leaf, &self.names));
            if !is_for {
                let names = self.names.all().collect::<Vec<_>>().join(", ");
                warn!(names, "the certificate that was issued is not for these names");
            }
            let until = Timestamp::from_second(issued.until).unwrap_or_default();
            info!(signer = issued.signer.short(), %until, "serves the certificate that was issued");
            outputs.serve(certified);
            let ca = issued.cas.get(&issued.signer).and_then(|der| validity(der));
            self.metrics.certificate_expiry.set(CertificateFile::CurrentCa, ca.map_or(0, |ca| ca.not_after));
            self.served = Some(issued.clone());
        }
        self.offered = Some(issued);
    }

    fn tell(&mut self, failure: Option<&Failure>) {
        let before = self.failures;
        self.failures = if failure.is_some() { before.saturating_add(1) } else { 0 };
        self.metrics.authority_failing.set(i64::from(self.failures >= SETTLED));
        match failure {
            Some(failure) if self.failures == SETTLED => {
                warn!(place = %self.place(), %failure, "the certificate that was issued cannot be used");
            }
            None if before >= SETTLED => {
                info!(place = %self.place(), "the certificate that was issued can be used again");
            }
            Some(_) | None => {}
        }
    }

    fn place(&self) -> String {
        match &self.place {
            Place::Files { cert, .. } => cert.display().to_string(),
            Place::Secret { namespace, name } => format!("Secret {namespace}/{name}"),
        }
    }
}

async fn read(client: &Client, place: &Place) -> Result<Parts, Failure> {
    match place.clone() {
        Place::Files { cert, key, ca } => {
            let read =
                spawn_blocking(move || Ok(Parts { chain: file(&cert)?, key: file(&key)?, cas: file(&ca)? }));
            let unread =
                |error| Failure::Unreadable { what: "a file".to_owned(), problem: format!("{error}") };
            read.await.map_err(unread)?
        }
        Place::Secret { namespace, name } => {
            let path = format!("/api/v1/namespaces/{namespace}/secrets");
            let secret: Value = send(client, Request::new(path).get(&name, &GetParams::default())).await?;
            let part = |key: &str| {
                let what = format!("`{key}` of the Secret {namespace}/{name}");
                let text = secret.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
                let bytes = text.filter(|text| !text.is_empty()).and_then(|text| STANDARD.decode(text).ok());
                match bytes {
                    Some(bytes) => Ok((what, bytes)),
                    None => Err(Failure::Missing(what)),
                }
            };
            Ok(Parts { chain: part("tls.crt")?, key: part("tls.key")?, cas: part("ca.crt")? })
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "reads certificates")]
fn file(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let what = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => Ok((what, bytes)),
        Err(error) => Err(Failure::Unreadable { what, problem: error.to_string() }),
    }
}

/// Checks that the parts belong together.
fn understand(parts: &Parts, now: i64) -> Result<(Issued, Arc<CertifiedKey>), Failure> {
    let Parts { chain, key: (of_key, key), cas } = parts;
    let faulty = |what: &str, problem: String| Failure::Faulty { what: what.to_owned(), problem };
    let (chain, cas, of_chain) = (certificates(chain)?, certificates(cas)?, &chain.0);
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| faulty(of_key, error.to_string()))?;
    let signer = signer_of(&chain, &cas, now).ok_or(Failure::Unsigned)?;
    let leaf = chain.first().ok_or(Failure::Unsigned)?;
    let until = validity(leaf).ok_or(Failure::Unsigned)?.not_after;
    let (id, signer) = (Fingerprint::of(leaf), Fingerprint::of(signer));
    let certified = CertifiedKey::from_der(chain, key, &default_provider());
    let certified =
        certified.map_err(|error| faulty(&format!("{of_chain} and {of_key}"), error.to_string()))?;
    let cas: Bundle = cas.into_iter().map(|der| (Fingerprint::of(&der), der)).collect::<BTreeMap<_, _>>();
    Ok((Issued { id, signer, until, cas }, Arc::new(certified)))
}

fn certificates((what, pem): &(String, Vec<u8>)) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let faulty = |problem: String| Failure::Faulty { what: what.clone(), problem };
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| faulty(error.to_string()))?;
    if all.is_empty() { Err(faulty("there is no certificate in it".to_owned())) } else { Ok(all) }
}

#[cfg(test)]
mod tests;
