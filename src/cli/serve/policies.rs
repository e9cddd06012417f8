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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes policies to be read")]
mod tests {
    use std::fs;

    use super::*;
    use crate::admission::tenancy::Snapshot;
    use crate::server::{Reader, store};

    const POOL: &str = "
apiVersion: partywall.dev/v1alpha1
kind: NodePool
metadata: {name: tenants-x}
spec:
  nodeSelector: {tenant: tenants-x}
  taints: [{key: tenant, value: tenants-x, effect: NoSchedule}]
";
    const TENANT: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Tenant
metadata: {name: tenants-x}
spec:
  namespaces: [tenants-x]
  nodePools: {default: tenants-x}
";

    /// Policies in a file of their own, loaded once.
    struct Case {
        folder: tempfile::TempDir,
        policies: Policies,
        reader: Reader,
    }

    impl Case {
        async fn loaded(documents: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("policies.yaml");
            fs::write(&path, documents.join("---")).unwrap();
            let (writer, reader) = store();
            let metrics = Arc::new(Metrics::new().unwrap());
            let policies = Policies::load(vec![path], writer, metrics).await.unwrap();
            Self { folder, policies, reader }
        }

        /// Writes other policies, of another length so that no clock is too coarse, and looks at them.
        async fn changed_to(&mut self, documents: &[&str]) {
            fs::write(self.folder.path().join("policies.yaml"), documents.join("---")).unwrap();
            self.policies.look().await;
        }

        fn holds(&self) -> Option<Arc<Snapshot>> {
            self.reader.load().clone()
        }

        /// How many changes were taken, and how many refused.
        fn reloads(&self) -> (u64, u64) {
            let reloads = &self.policies.metrics.policy_reloads;
            (reloads.get(Reload::Taken), reloads.get(Reload::Refused))
        }
    }

    #[tokio::test]
    async fn a_change_is_taken_and_no_change_is_none() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.holds().unwrap();
        assert_eq!(case.policies.metrics.tenants.get(), 1);
        case.policies.look().await;
        assert_eq!(case.reloads(), (0, 0));
        case.changed_to(&[POOL, &format!("{TENANT}# a comment\n")]).await;
        assert_eq!(case.reloads(), (1, 0));
        assert!(!Arc::ptr_eq(&first, &case.holds().unwrap()));
    }

    #[tokio::test]
    async fn l16_policies_that_are_gone_or_without_tenants_replace_nothing() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.holds().unwrap();
        case.changed_to(&[POOL]).await;
        assert_eq!(case.reloads(), (0, 1));
        case.policies.look().await;
        assert_eq!(case.reloads(), (0, 1), "it is told once");
        fs::remove_file(case.folder.path().join("policies.yaml")).unwrap();
        case.policies.look().await;
        assert_eq!(case.reloads(), (0, 2));
        assert!(Arc::ptr_eq(&first, &case.holds().unwrap()));
        assert_eq!(case.policies.metrics.tenants.get(), 1);
    }

    #[tokio::test]
    async fn l16_without_a_tenant_nothing_is_decided_until_there_is_one() {
        let mut case = Case::loaded(&[POOL]).await;
        assert!(case.holds().is_none());
        case.changed_to(&[POOL, TENANT]).await;
        assert!(case.holds().is_some());
    }
}
