//! Loads policies from files into the store, and loads them again when the files change.
//!
//! A change is read only after two looks found the same, and taken only if nothing changed during the read: files are
//! written one after the other, and half of a set may be a valid set.
//!
//! A person who says that the files are complete (SIGHUP) is believed: then one look is enough.
//!
//! INVARIANT: the policies in force were loaded without a mistake from files that didn't change meanwhile. Policies
//! with tenants are never replaced by policies without: all namespaces of the tenants would become unclaimed.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use jiff::civil::Date;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, warn};

use super::files::{LoadError, Loaded, demo, load};
use super::in_force::InForce;
use super::store::Writer;
use crate::manifests::{Fingerprint, fingerprint};
use crate::telemetry::{Loads, Metrics, Reload};

/// How often a start tries to read files that keep changing.
const TRIES: usize = 3;

/// The policies of this process.
pub(crate) struct Policies {
    /// Empty for the embedded demo.
    paths: Vec<PathBuf>,
    /// The state of the files at the last decision.
    fingerprint: Fingerprint,
    /// True if that decision was to refuse them.
    is_refused: bool,
    /// The state of the files at the last look, if it was another one.
    changed: Option<Fingerprint>,
    /// The last error of reading them, which is logged once.
    unreadable: Option<String>,
    in_force: InForce,
    metrics: Arc<Metrics>,
    /// Returns the date by which exemptions expire.
    today: fn() -> Date,
}

impl Policies {
    /// Loads for the first time. The error has all mistakes, one a line.
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
            in_force: InForce::new(writer, Arc::clone(&metrics)),
            metrics,
            today,
        };
        let reload = policies.put_in_force(loaded);
        policies.note_decision(reload);
        policies.in_force.notice_ends(today());
        Ok(policies)
    }

    /// Checks the files once in `every`, for ever, and loads them whenever `demands` changes.
    pub(crate) async fn watch(mut self, every: Duration, mut demands: watch::Receiver<()>) -> Infallible {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.look().await,
                Ok(()) = demands.changed() => self.load_again().await,
            }
            self.in_force.notice_ends((self.today)());
        }
    }

    /// Loads the files, whether they changed or not.
    async fn load_again(&mut self) {
        // What cannot be read is told again.
        self.unreadable = None;
        for _ in 0..TRIES {
            let (paths, today) = (self.paths.clone(), self.today);
            match spawn_blocking(move || read(&paths, today())).await {
                Ok(Some((fingerprint, loaded))) => return self.change(fingerprint, loaded),
                Ok(None) => {}
                Err(_) => return,
            }
        }
        warn!("the policies change while they are read; they are loaded once they stay the same");
    }

    /// Loads again if two looks found the same change, of a file or of the date.
    ///
    /// It reads on blocking threads.
    async fn look(&mut self) {
        let (paths, today) = (self.paths.clone(), self.today);
        let Ok(fingerprint) = spawn_blocking(move || fingerprint(&paths, today())).await else {
            return;
        };
        if fingerprint == self.fingerprint {
            (self.changed, self.unreadable) = (None, None);
            self.report_state();
        } else if self.changed.as_ref() == Some(&fingerprint) {
            let paths = self.paths.clone();
            match spawn_blocking(move || read(&paths, today())).await {
                Ok(Some((read, loaded))) if read == fingerprint => self.change(fingerprint, loaded),
                // The files keep changing, so two more looks must find the same.
                Ok(_) => self.changed = None,
                Err(_) => {}
            }
        } else {
            self.changed = Some(fingerprint);
        }
    }

    /// Takes or refuses a change.
    fn change(&mut self, fingerprint: Fingerprint, loaded: Result<Loaded, LoadError>) {
        let reload = match loaded {
            Ok(loaded) => self.put_in_force(loaded),
            // The files may become readable without another fingerprint, so this is no final decision.
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
        self.note_decision(reload);
    }

    /// Logs once why the policies cannot be read; the next look tries again.
    fn unreadable(&mut self, problem: String) {
        self.metrics.policies_faulty.set(1);
        self.metrics.note_load(Loads::Policies, Reload::Refused);
        if self.unreadable.as_ref() != Some(&problem) {
            error!(problem, "the policies cannot be read; the last good ones hold, and it is tried again");
            self.metrics.policy_reloads.inc(Reload::Refused);
            self.unreadable = Some(problem);
        }
    }

    fn note_decision(&mut self, reload: Reload) {
        self.metrics.note_load(Loads::Policies, reload);
        self.is_refused = reload == Reload::Refused;
        self.report_state();
    }

    fn report_state(&self) {
        self.metrics.policies_faulty.set(i64::from(self.is_refused));
    }

    /// Puts a snapshot into the store, unless it has no tenants and the current one has.
    fn put_in_force(&mut self, Loaded { snapshot, warnings }: Loaded) -> Reload {
        self.in_force.warn(warnings);
        if snapshot.tenants().is_empty() {
            if self.in_force.current().is_some() {
                error!("the policies have no tenant any more; the last ones hold, since this is never meant");
            } else {
                error!("the policies have no tenant; nothing is decided until they have one");
            }
            return Reload::Refused;
        }
        self.in_force.replace(snapshot);
        Reload::Taken
    }
}

/// Returns the fingerprint of the files and their objects, or `None` if they changed during the read.
fn read(paths: &[PathBuf], today: Date) -> Option<(Fingerprint, Result<Loaded, LoadError>)> {
    let before = fingerprint(paths, today);
    let loaded = if paths.is_empty() { demo(today) } else { load(paths, today) };
    (fingerprint(paths, today) == before).then_some((before, loaded))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes policies to be read")]
mod tests {
    use std::fs;

    use partywall_core::tenancy::Snapshot;

    use super::*;
    use crate::manifests::Unreadable;
    use crate::policies::in_force::missing;
    use crate::policies::{Reader, store};
    use crate::telemetry::logged;

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

    /// Policies in a temporary file, loaded once.
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

        /// Writes other policies, of another length in case the clock is too coarse.
        fn write(&self, documents: &[&str]) {
            fs::write(self.path(), documents.join("---")).unwrap();
        }

        async fn look_twice(&mut self) {
            self.policies.look().await;
            self.policies.look().await;
        }

        /// Writes other policies, and looks twice.
        async fn changed_to(&mut self, documents: &[&str]) {
            self.write(documents);
            self.look_twice().await;
        }

        fn is_faulty(&self) -> bool {
            self.policies.metrics.policies_faulty.get() == 1
        }

        fn current(&self) -> Option<Arc<Snapshot>> {
            self.reader.load().clone()
        }

        /// Returns how many changes were taken, and how many refused.
        fn reloads(&self) -> (u64, u64) {
            let reloads = &self.policies.metrics.policy_reloads;
            (reloads.get(Reload::Taken), reloads.get(Reload::Refused))
        }
    }

    #[tokio::test]
    async fn a_change_is_taken_and_no_change_is_none() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.current().unwrap();
        assert_eq!(case.policies.metrics.tenants.get(), 1);
        case.policies.look().await;
        assert_eq!(case.reloads(), (0, 0));
        case.changed_to(&[POOL, &format!("{TENANT}# a comment\n")]).await;
        assert_eq!(case.reloads(), (1, 0));
        assert!(!Arc::ptr_eq(&first, &case.current().unwrap()));
    }

    #[tokio::test]
    async fn a_demand_loads_what_did_not_change_and_believes_the_first_look() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.current().unwrap();
        case.policies.load_again().await;
        assert_eq!(case.reloads(), (1, 0));
        assert!(!Arc::ptr_eq(&first, &case.current().unwrap()));
        case.write(&[POOL]);
        case.policies.load_again().await;
        assert_eq!(case.reloads(), (1, 1));
        fs::remove_file(case.path()).unwrap();
        case.policies.load_again().await;
        case.policies.load_again().await;
        assert_eq!(case.reloads(), (1, 3), "each demand is answered");
    }

    #[tokio::test]
    async fn an_exemption_that_ends_soon_has_a_line_each_day() {
        const EXEMPTION: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Exemption
metadata: {name: NAME}
spec:
  tenant: tenants-x
  namespace: tenants-x
  rules: [pod-security]
  controls: [hostNamespaces]
  target: {kind: Pod, name: agent}
  reason: it watches the network
  expires: '2026-12-DAY'
";
        let exemption = |name, day| EXEMPTION.replace("NAME", name).replace("DAY", day);
        // The first day is 20 November: the one ends in the thirtieth day from now, the other a day later.
        let mut case =
            Case::loaded(&[POOL, TENANT, &exemption("soon", "19"), &exemption("later", "20")]).await;
        assert_eq!(
            logged(|| case.policies.in_force.notice_ends((case.policies.today)())),
            "",
            "the load has told it already"
        );
        let next_day = || Date::constant(2026, 11, 21);
        case.policies.today = next_day;
        let lines = logged(|| case.policies.in_force.notice_ends((case.policies.today)()));
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(
            lines.contains(r#"an Exemption ends soon"#)
                && lines.contains(r#"exemption="soon" tenant="tenants-x""#)
        );
        assert!(lines.contains("last_day=2026-12-19"), "{lines}");
        assert_eq!(
            logged(|| case.policies.in_force.notice_ends((case.policies.today)())),
            "",
            "a line a day"
        );
    }

    #[tokio::test]
    async fn l16_policies_that_are_gone_or_without_tenants_replace_nothing() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.current().unwrap();
        case.changed_to(&[POOL]).await;
        assert_eq!(case.reloads(), (0, 1));
        case.policies.look().await;
        assert_eq!(case.reloads(), (0, 1), "it is told once");
        assert!(case.is_faulty());
        fs::remove_file(case.path()).unwrap();
        case.look_twice().await;
        assert_eq!(case.reloads(), (0, 2));
        assert!(case.is_faulty());
        assert!(Arc::ptr_eq(&first, &case.current().unwrap()));
        assert_eq!(case.policies.metrics.tenants.get(), 1);
    }

    #[tokio::test]
    async fn l16_without_a_tenant_nothing_is_decided_until_there_is_one() {
        let mut case = Case::loaded(&[POOL]).await;
        assert!(case.current().is_none());
        case.changed_to(&[POOL, TENANT]).await;
        assert!(case.current().is_some());
    }

    #[tokio::test]
    async fn l16_half_of_a_change_is_never_read() {
        let mut case = Case::loaded(&[POOL, TENANT]).await;
        let first = case.current().unwrap();
        let other = TENANT.replace("name: tenants-x", "name: tenants-other");
        for comment in ["# 1\n", "# 22\n", "# 333\n"] {
            // It would load, but the file is still being written.
            case.write(&[POOL, &format!("{other}{comment}")]);
            case.policies.look().await;
            assert!(Arc::ptr_eq(&first, &case.current().unwrap()));
        }
        case.policies.look().await;
        let second = case.current().unwrap();
        assert_eq!(case.reloads(), (1, 0));
        assert_eq!(missing(&first, &second), ["tenants-x"]);
        assert_eq!(missing(&second, &first), ["tenants-other"]);
        // A change that is undone before the second look is no change.
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
        // The fingerprint is the same, and yet it is read.
        case.policies.look().await;
        assert_eq!(case.reloads(), (1, 1));
        assert!(!case.is_faulty());
    }
}
