//! The certificates of an installation: which one this replica serves, and which CAs callers must trust for that.
//!
//! | mode | CAs | serving certificate |
//! |---|---|---|
//! | self | made here, in one Secret | made here, in memory only, another one in each replica |
//! | cert-manager | in a Secret that cert-manager writes | the same one in each replica |
//! | files | in files | in files |
//!
//! Every replica does everything. Nothing is decided by who leads.
//!
//! INVARIANT: once an entry is registered, a replica serves another certificate only when the bundles of all entries
//! hold its CA. What a replica tells others to trust contains the CA of what it serves.

mod cas;
mod certificate;
mod channels;
mod decide;
mod given;
mod issued;
mod leaf;
mod lifetimes;
mod names;
mod own;
mod secret;
mod trust;
#[cfg(test)]
mod world;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kube::Client;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tracing::warn;

#[cfg(test)]
pub(super) use self::cas::Ca;
pub(super) use self::cas::Cas;
#[cfg(test)]
pub(super) use self::certificate::make_ca;
pub(super) use self::channels::Inputs;
use self::channels::Outputs;
use self::given::{Given, Place};
pub(crate) use self::lifetimes::Lifetimes;
pub(super) use self::names::Names;
use self::own::Own;
pub(super) use self::secret::{Found, write};
use super::facts::Trust;
use crate::telemetry::Metrics;

/// Who issues the certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// This program.
    Own,
    /// Somebody who writes a Secret in the installation's namespace, as cert-manager does.
    Secret(String),
    /// Somebody who writes the chain, the key and the CAs into files.
    Files {
        /// The chain, the serving certificate first.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// The CAs that callers must trust.
        ca: PathBuf,
    },
}

/// How many seconds the clock is ahead, in tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockOffset(pub(crate) i64);

impl ClockOffset {
    /// Returns the time of day in seconds since 1970.
    #[expect(clippy::disallowed_methods, reason = "certificates follow the time of day")]
    pub(super) fn now(self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX).saturating_add(self.0)
    }
}

/// The certificates of an installation.
#[derive(Clone)]
pub(super) struct Authority {
    client: Client,
    names: Names,
    /// The place where somebody else puts the certificate; `None`: it is this program's own.
    place: Option<Place>,
    namespace: String,
    lifetimes: Lifetimes,
    clock: ClockOffset,
    metrics: Arc<Metrics>,
    outputs: Outputs,
}

impl Authority {
    /// Prepares the certificates for these names. Nothing is asked of the API server yet.
    pub(super) fn new(
        client: Client,
        namespace: &str,
        names: Names,
        issuer: Issuer,
        (lifetimes, clock): (Lifetimes, ClockOffset),
        metrics: Arc<Metrics>,
    ) -> Self {
        if clock != ClockOffset::default() {
            warn!(
                seconds = clock.0,
                "--clock-offset: certificates follow a wrong clock; it is for tests only"
            );
        }
        if lifetimes != Lifetimes::default() {
            let Lifetimes { ca, leaf } = lifetimes;
            warn!(ca, leaf, "--ca-lifetime, --leaf-lifetime: certificates end early; it is for tests only");
        }
        let namespace = namespace.to_owned();
        let place = match issuer {
            Issuer::Own => None,
            Issuer::Secret(name) => Some(Place::Secret { namespace: namespace.clone(), name }),
            Issuer::Files { cert, key, ca } => Some(Place::Files { cert, key, ca }),
        };
        Self { client, names, place, namespace, lifetimes, clock, metrics, outputs: Outputs::default() }
    }

    /// Returns what callers must trust, now and later.
    pub(super) fn trust(&self) -> watch::Receiver<Trust> {
        self.outputs.trust.subscribe()
    }

    /// Returns the pair to serve, now and later.
    pub(super) fn pair(&self) -> watch::Receiver<Option<Arc<CertifiedKey>>> {
        self.outputs.leaf.subscribe()
    }

    /// Tells that what callers must trust is not known any more. The certificate is served as before.
    pub(super) fn forget(&self) {
        self.outputs.publish(Trust::default());
    }

    /// Keeps the certificates, for ever.
    pub(super) async fn run(self, inputs: Inputs) -> Infallible {
        let Self { client, names, place, namespace, lifetimes, clock, metrics, outputs } = self;
        let now = Arc::new(move || clock.now());
        match place {
            None => Own::new(client, namespace, names, lifetimes, now, metrics).run(inputs, outputs).await,
            Some(place) => {
                let given = Given::new(client, place, names, lifetimes.settle(), now, metrics);
                given.run(inputs, outputs).await
            }
        }
    }
}
