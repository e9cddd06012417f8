//! Policies from files into the server's store, and again when the files change.
//!
//! INVARIANT: what holds was loaded without a mistake; and policies with tenants are never replaced by policies
//! without, since then every tenant's pod would be nobody's.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::config::{self, Fingerprint, LoadError, Loaded};
use crate::server::Writer;
use crate::telemetry::{Metrics, Reload};

const EVERY: Duration = Duration::from_secs(1);

/// The policies of this process.
pub(super) struct Policies {
    /// Empty for the embedded demo.
    paths: Vec<PathBuf>,
    /// What the files looked like just before they were read.
    fingerprint: Fingerprint,
    writer: Writer,
    metrics: Arc<Metrics>,
}

impl Policies {
    /// Loads for the first time. The error has every mistake, one a line.
    pub(super) async fn load(
        paths: Vec<PathBuf>,
        writer: Writer,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let (paths, fingerprint, loaded) = spawn_blocking(move || {
            let fingerprint = config::fingerprint(&paths, today());
            let loaded = read(&paths);
            (paths, fingerprint, loaded)
        })
        .await?;
        let loaded = loaded.map_err(|error| anyhow!("the policies cannot be used:\n{error}"))?;
        let mut policies = Self { paths, fingerprint, writer, metrics };
        policies.hold(loaded);
        Ok(policies)
    }

    /// Looks at the files every second, for ever.
    pub(super) async fn watch(mut self) -> Infallible {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Loads again if something changed: a file, or the date, with which exemptions expire. All of it off the
    /// threads that serve requests.
    async fn look(&mut self) {
        let paths = self.paths.clone();
        let Ok(fingerprint) = spawn_blocking(move || config::fingerprint(&paths, today())).await else {
            return;
        };
        if fingerprint == self.fingerprint {
            return;
        }
        let paths = self.paths.clone();
        let Ok(loaded) = spawn_blocking(move || read(&paths)).await else { return };
        self.fingerprint = fingerprint;
        let reload = match loaded {
            Ok(loaded) => self.hold(loaded),
            Err(error) => {
                for mistake in error.to_string().lines() {
                    error!(mistake, "the policies changed, but cannot be used");
                }
                error!("the last good policies hold until this is mended");
                Reload::Refused
            }
        };
        self.metrics.policy_reloads.inc(reload);
    }

    /// Puts what was loaded into the store, unless it is worse than what is there.
    fn hold(&mut self, Loaded { snapshot, warnings }: Loaded) -> Reload {
        for warning in warnings {
            warn!("{warning}");
        }
        let (tenants, namespaces) = (snapshot.tenants().len(), snapshot.namespace_count());
        let node_pools = snapshot.pools().len();
        if tenants == 0 {
            if self.writer.current().is_some() {
                error!("the policies have no tenant any more; the last ones hold, since this is never meant");
            } else {
                error!("the policies have no tenant; nothing is decided until they have one");
            }
            return Reload::Refused;
        }
        self.metrics.hold(&snapshot);
        self.writer.replace(Arc::new(snapshot));
        info!(tenants, namespaces, node_pools, "policies loaded");
        Reload::Taken
    }
}

fn read(paths: &[PathBuf]) -> Result<Loaded, LoadError> {
    if paths.is_empty() { config::demo(today()) } else { config::load(paths, today()) }
}

/// The date by which exemptions expire: everywhere the same.
#[expect(clippy::disallowed_methods, reason = "the clock of the program")]
fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}
