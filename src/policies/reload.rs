//! Policies from files into the server's store, and again when the files change.
//!
//! A change is only read when it was seen twice in a row, and only taken if nothing changed while it was read:
//! files are written one after the other, and half of a set may be a set too.
//!
//! INVARIANT: what holds was loaded without a mistake from files that stood still; and policies with tenants are
//! never replaced by policies without, since then every tenant's pod would be nobody's.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use jiff::civil::Date;
use partywall_core::tenancy::Snapshot;
use rustc_hash::FxHashSet;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::files::{LoadError, Loaded, demo, load};
use super::store::Writer;
use crate::manifests::{Fingerprint, fingerprint};
use crate::telemetry::{Metrics, Reload};

/// How often a start tries to read files that change all the time.
const TRIES: usize = 3;
/// How many tenants that came or went are named.
const NAMED: usize = 20;

/// The policies of this process.
pub(crate) struct Policies {
    /// Empty for the embedded demo.
    paths: Vec<PathBuf>,
    /// What the files looked like that were last decided about.
    fingerprint: Fingerprint,
    /// Whether those were refused.
    is_refused: bool,
    /// What the files looked like at the last look, if that was something else.
    changed: Option<Fingerprint>,
    /// Why they could not be read, if so: it is told once.
    unreadable: Option<String>,
    writer: Writer,
    metrics: Arc<Metrics>,
    /// Tells the date, by which exemptions expire.
    today: fn() -> Date,
}

impl Policies {
    /// Loads for the first time. The error has every mistake, one a line.
    pub(crate) async fn load(
        paths: Vec<PathBuf>,
        writer: Writer,
        metrics: Arc<Metrics>,
        today: fn() -> Date,
    ) -> anyhow::Result<Self> {
        let (paths, found) = spawn_blocking(move || {
            let found = (0..TRIES).find_map(|_| read(&paths, today()));
            (paths, found)
        })
        .await?;
        let (fingerprint, loaded) =
            found.ok_or_else(|| anyhow!("the policies change while they are read; start again"))?;
        let loaded = loaded.map_err(|error| anyhow!("the policies cannot be used:\n{error}"))?;
        let mut policies = Self {
            paths,
            fingerprint,
            is_refused: false,
            changed: None,
            unreadable: None,
            writer,
            metrics,
            today,
        };
        let reload = policies.hold(loaded);
        policies.decided(reload);
        Ok(policies)
    }

    /// Looks at the files `every` so often, for ever.
    pub(crate) async fn watch(mut self, every: Duration) -> Infallible {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Loads again if something changed since the last look but one: a file, or the date, with which exemptions
    /// expire. All of it off the threads that serve requests.
    async fn look(&mut self) {
        let (paths, today) = (self.paths.clone(), self.today);
        let Ok(fingerprint) = spawn_blocking(move || fingerprint(&paths, today())).await else {
            return;
        };
        if fingerprint == self.fingerprint {
            (self.changed, self.unreadable) = (None, None);
            self.decided_as_before();
        } else if self.changed.as_ref() == Some(&fingerprint) {
            let paths = self.paths.clone();
            match spawn_blocking(move || read(&paths, today())).await {
                Ok(Some((read, loaded))) if read == fingerprint => self.change(fingerprint, loaded),
                // It goes on changing: two more looks.
                Ok(_) => self.changed = None,
                Err(_) => {}
            }
        } else {
            self.changed = Some(fingerprint);
        }
    }

    /// Decides about a change that was read.
    fn change(&mut self, fingerprint: Fingerprint, loaded: Result<Loaded, LoadError>) {
        let reload = match loaded {
            Ok(loaded) => self.hold(loaded),
            // It may be readable again without looking any different, so it is not decided about for good.
            Err(error @ LoadError::Unreadable { .. }) => return self.unreadable(error.to_string()),
            Err(error) => {
                for mistake in error.to_string().lines() {
                    error!(mistake, "the policies changed, but cannot be used");
                }
                error!("the last good policies hold until this is mended");
                Reload::Refused
            }
        };
        (self.fingerprint, self.changed, self.unreadable) = (fingerprint, None, None);
        self.metrics.policy_reloads.inc(reload);
        self.decided(reload);
    }

    /// Says once why the policies cannot be read; they are tried again at the next look.
    fn unreadable(&mut self, problem: String) {
        self.metrics.policies_faulty.set(1);
        if self.unreadable.as_ref() != Some(&problem) {
            error!(problem, "the policies cannot be read; the last good ones hold, and it is tried again");
            self.metrics.policy_reloads.inc(Reload::Refused);
            self.unreadable = Some(problem);
        }
    }

    fn decided(&mut self, reload: Reload) {
        self.is_refused = reload == Reload::Refused;
        self.decided_as_before();
    }

    fn decided_as_before(&self) {
        self.metrics.policies_faulty.set(i64::from(self.is_refused));
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
        if let Some(before) = self.writer.current() {
            tell(&before, &snapshot);
        }
        self.metrics.hold(&snapshot);
        self.writer.replace(Arc::new(snapshot));
        info!(tenants, namespaces, node_pools, "policies loaded");
        Reload::Taken
    }
}

/// What the files looked like, and what is in them; nothing if they changed meanwhile.
fn read(paths: &[PathBuf], today: Date) -> Option<(Fingerprint, Result<Loaded, LoadError>)> {
    let before = fingerprint(paths, today);
    let loaded = if paths.is_empty() { demo(today) } else { load(paths, today) };
    (fingerprint(paths, today) == before).then_some((before, loaded))
}

/// Says which tenants came and went: an operator who deletes a file by mistake should read of it.
fn tell(before: &Snapshot, after: &Snapshot) {
    let (gone, new) = (missing(before, after), missing(after, before));
    for name in gone.iter().take(NAMED) {
        warn!("tenant `{name}` is gone: its namespaces are unclaimed now");
    }
    for name in new.iter().take(NAMED) {
        info!("tenant `{name}` is new");
    }
    let untold = |names: &[&str]| names.len().saturating_sub(NAMED);
    if untold(&gone) > 0 {
        warn!("{} more tenants are gone", untold(&gone));
    }
    if untold(&new) > 0 {
        info!("{} more tenants are new", untold(&new));
    }
}

/// The names of the tenants that `these` has and `those` has not.
fn missing<'s>(these: &'s Snapshot, those: &Snapshot) -> Vec<&'s str> {
    let names: FxHashSet<&str> = those.tenants().iter().map(|tenant| &*tenant.name).collect();
    let mut missing: Vec<_> = these.tenants().iter().map(|tenant| &*tenant.name).collect();
    missing.retain(|name| !names.contains(name));
    missing.sort_unstable();
    missing
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes policies to be read")]
mod tests {
    use std::fs;

    use super::*;
    use crate::manifests::Unreadable;
    use crate::policies::{Reader, store};

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

    fn today() -> Date {
        Date::constant(2026, 11, 20)
    }

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
            let policies = Policies::load(vec![path], writer, metrics, today).await.unwrap();
            Self { folder, policies, reader }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("policies.yaml")
        }

        /// Writes other policies, of another length so that no clock is too coarse.
        fn write(&self, documents: &[&str]) {
            fs::write(self.path(), documents.join("---")).unwrap();
        }

        async fn look_twice(&mut self) {
            self.policies.look().await;
            self.policies.look().await;
        }

        /// Writes other policies, and looks at them.
        async fn changed_to(&mut self, documents: &[&str]) {
            self.write(documents);
            self.look_twice().await;
        }

        fn is_faulty(&self) -> bool {
            self.policies.metrics.policies_faulty.get() == 1
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
        assert!(case.is_faulty());
        fs::remove_file(case.path()).unwrap();
        case.look_twice().await;
        assert_eq!(case.reloads(), (0, 2));
        assert!(case.is_faulty());
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

    #[tokio::test]
    async fn l16_half_of_a_change_is_never_read() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.holds().unwrap();
        let other = TENANT.replace("name: tenants-x", "name: tenants-other");
        for comment in ["# 1\n", "# 22\n", "# 333\n"] {
            // It would load, but somebody is still writing.
            case.write(&[POOL, &format!("{other}{comment}")]);
            case.policies.look().await;
            assert!(Arc::ptr_eq(&first, &case.holds().unwrap()));
        }
        case.policies.look().await;
        let second = case.holds().unwrap();
        assert_eq!(case.reloads(), (1, 0));
        assert_eq!(missing(&first, &second), ["tenants-x"]);
        assert_eq!(missing(&second, &first), ["tenants-other"]);
        // What is undone before it was seen twice is no change.
        fs::rename(case.path(), case.folder.path().join("aside")).unwrap();
        case.policies.look().await;
        assert_eq!(case.reloads(), (1, 0));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_once_and_tried_again() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        fs::remove_file(case.path()).unwrap();
        case.look_twice().await;
        case.look_twice().await;
        assert_eq!(case.reloads(), (0, 1));
        assert!(case.is_faulty());
        case.changed_to(&[POOL, &format!("{TENANT}# mended\n")]).await;
        assert_eq!(case.reloads(), (1, 1));
        assert!(!case.is_faulty());
    }

    #[tokio::test]
    async fn a_read_that_fails_for_a_moment_is_made_up_for_at_the_next_look() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        case.write(&[POOL, &format!("{TENANT}# later\n")]);
        case.policies.look().await;
        let fingerprint = fingerprint(&case.policies.paths, today());
        let error = || LoadError::Unreadable {
            unreadable: vec![Unreadable { path: case.path(), error: std::io::ErrorKind::TimedOut.into() }],
            mistakes: Vec::new(),
        };
        let (one, other) = (error(), error());
        case.policies.change(fingerprint.clone(), Err(one));
        case.policies.change(fingerprint, Err(other));
        assert_eq!(case.reloads(), (0, 1));
        assert!(case.is_faulty());
        // Nothing looks any different, and yet it is read.
        case.policies.look().await;
        assert_eq!(case.reloads(), (1, 1));
        assert!(!case.is_faulty());
    }
}
