//! Compiles a snapshot whenever what is known of the cluster has changed.
//!
//! Changes come in bursts: one `kubectl apply` of fifty objects. So the compiler waits until nothing has changed for a
//! moment, but not for long.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use partywall_core::api::Mistake;
use partywall_core::tenancy::{Finding, LastGood, LiveCompiled, ObjectName, Reason, State as ObjectState};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tracing::{error, info};

use super::item::Item;
use super::kind::Kind;
use super::labels::Label;
use super::newest_tenant::version;
use super::state::{Change, Effect, State};
use super::status::Told;
use crate::policies::{Declared, InForce, Learned, Writer, grouped};
use crate::telemetry::{Loads, Metrics, Reload, Task};

/// How long nothing may change before a compile.
const QUIET: Duration = Duration::from_millis(50);
/// How long a change waits for a compile at most.
const MOST: Duration = Duration::from_millis(500);
/// The time between two looks at the date, by which Exemptions end.
const LOOK_AT_DATE: Duration = Duration::from_secs(30);

/// Owns what is known of the cluster, and writes the snapshots.
pub(super) struct Snapshots {
    state: State,
    in_force: InForce,
    metrics: Arc<Metrics>,
    today: fn() -> Date,
    /// The day of the last compile.
    day: Option<Date>,
    /// The last good forms of the objects.
    last_good: Arc<LastGood>,
    /// What was logged last of the objects that do not hold as they are written.
    told: Vec<Finding>,
    /// The labels that Namespaces lack.
    labels: watch::Sender<Vec<Label>>,
    /// The states of the objects by the last compile, unless that has failed.
    states: Option<BTreeMap<ObjectName, ObjectState>>,
    /// What the status of each object says.
    statuses: watch::Sender<Arc<Told>>,
    /// What reviews wait for.
    learned: Learned,
    /// The version of the newest Tenant that the watch has told of.
    newest_tenant: u64,
    /// The namespace in which partywall runs.
    own_namespace: Option<Box<str>>,
}

impl Snapshots {
    pub(super) fn new(writer: Writer, learned: Learned, metrics: Arc<Metrics>, today: fn() -> Date) -> Self {
        let in_force = InForce::new(writer, Arc::clone(&metrics));
        let (state, labels) = (State::default(), watch::Sender::default());
        let (last_good, statuses) = (Arc::default(), watch::Sender::default());
        let (day, states, told, newest_tenant, own_namespace) = (None, None, Vec::new(), 0, None);
        Self {
            state,
            in_force,
            metrics,
            today,
            day,
            last_good,
            told,
            labels,
            states,
            statuses,
            learned,
            newest_tenant,
            own_namespace,
        }
    }

    /// Returns what the status of each object says, now and later.
    pub(super) fn statuses(&self) -> watch::Receiver<Arc<Told>> {
        self.statuses.subscribe()
    }

    /// Returns the labels that Namespaces lack, now and later.
    pub(super) fn labels(&self) -> watch::Receiver<Vec<Label>> {
        self.labels.subscribe()
    }

    /// Sets the namespace in which partywall runs, which is a system namespace whatever the Settings list.
    pub(super) fn set_own_namespace(&mut self, namespace: &str) {
        self.own_namespace = Some(namespace.into());
    }

    /// Sets the fields of the default Settings.
    pub(super) fn set_defaults(&mut self, fields: Map<String, Value>) {
        self.state.apply(Change::Defaults(fields));
    }

    /// Applies changes and compiles, for ever, from the first lists on.
    ///
    /// After a panic it begins again: what it knew may be half of a change. The last good forms hold on.
    pub(super) async fn run(&mut self, mut changes: mpsc::Receiver<Change>) -> Infallible {
        self.state.begin_again();
        let mut dates = interval(LOOK_AT_DATE);
        dates.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let effect = tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.apply(change),
                    // The watches have ended, which they only do with this task.
                    None => std::future::pending().await,
                },
                _ = dates.tick() => {
                    let is_new = self.day.is_some_and(|day| day != (self.today)());
                    if is_new { Effect::Snapshot } else { Effect::Nothing }
                }
            };
            if !self.state.is_complete() {
                continue;
            }
            if effect == Effect::Nothing {
                self.learned.show_tenants(self.newest_tenant);
                continue;
            }
            self.learned.begin();
            if effect.max(self.settle(&mut changes).await) == Effect::Snapshot {
                self.compile().await;
                self.in_force.notice_ends((self.today)());
            }
            self.learned.finish();
            self.learned.show_tenants(self.newest_tenant);
            self.publish_labels();
            self.publish_statuses();
        }
    }

    /// Applies changes until nothing has changed for a moment, and returns what they lead to.
    async fn settle(&mut self, changes: &mut mpsc::Receiver<Change>) -> Effect {
        let last = Instant::now() + MOST;
        let mut quiet = (Instant::now() + QUIET).min(last);
        let mut all = Effect::Nothing;
        while let Ok(Some(change)) = timeout_at(quiet, changes.recv()).await {
            let effect = self.apply(change);
            // Statuses are often many, and written by partywall itself.
            if effect > Effect::Statuses {
                quiet = (Instant::now() + QUIET).min(last);
            }
            all = all.max(effect);
        }
        all
    }

    fn publish_labels(&self) {
        let Some(snapshot) = self.in_force.current() else { return };
        let missing = self.state.missing_labels(&snapshot);
        self.labels.send_if_modified(|labels| {
            let is_new = *labels != missing;
            *labels = missing;
            is_new
        });
    }

    fn publish_statuses(&self) {
        let (Some(snapshot), Some(states)) = (self.in_force.current(), &self.states) else { return };
        let told = self.state.told(states, &snapshot);
        self.statuses.send_if_modified(|before| {
            let is_new = **before != told;
            if is_new {
                *before = Arc::new(told);
            }
            is_new
        });
    }

    fn apply(&mut self, change: Change) -> Effect {
        match &change {
            Change::Listed(kind, _)
            | Change::Set(kind, _)
            | Change::Gone(kind, _)
            | Change::Contact(kind) => {
                self.metrics.note_contact(kind.watched());
            }
            Change::Defaults(_) => {}
        }
        match &change {
            Change::Listed(Kind::Namespace, items) => {
                self.learned.replace(items.iter().map(|item| item.metadata.name.as_str().into()));
            }
            Change::Set(Kind::Namespace, item) => self.learned.add(&item.metadata.name),
            Change::Listed(Kind::Tenant, items) => self.note_tenants(items),
            Change::Set(Kind::Tenant, item) => self.note_tenants(slice::from_ref(&**item)),
            Change::Gone(Kind::Namespace, name) => self.learned.remove(name),
            Change::Listed(..)
            | Change::Set(..)
            | Change::Gone(..)
            | Change::Contact(_)
            | Change::Defaults(_) => {}
        }
        self.state.apply(change)
    }

    fn note_tenants(&mut self, tenants: &[Item]) {
        let versions = tenants.iter().filter_map(|tenant| version(&tenant.metadata.resource_version));
        self.newest_tenant = versions.fold(self.newest_tenant, u64::max);
    }

    /// Compiles, and puts the snapshot in force.
    async fn compile(&mut self) {
        let today = (self.today)();
        let is_first = self.day.replace(today).is_none();
        if is_first && let Some(defaults) = self.state.defaults() {
            // They hold where the cluster's own Settings have mistakes.
            self.last_good = Arc::new(LastGood::of(defaults));
        }
        let declared = Declared {
            objects: self.state.objects(),
            last_good: Arc::clone(&self.last_good),
            labelled: self.state.labelled(),
            today,
            own_namespace: self.own_namespace.clone(),
        };
        let compiled = spawn_blocking(move || (declared.compile(), declared)).await;
        // A panic of the compiler is logged by the hook; what is in force stays so.
        let Ok((compiled, declared)) = compiled else {
            self.metrics.task_panics.inc(Task::Snapshots);
            self.states = None;
            return;
        };
        let reload = match compiled {
            Ok(LiveCompiled { snapshot, states, last_good }) => {
                self.last_good = Arc::new(last_good);
                let last_good = Arc::clone(&self.last_good);
                self.in_force.warn(warnings(&states));
                self.in_force.replace(snapshot);
                self.in_force.declare(Declared { last_good, ..declared });
                self.tell(&states);
                self.states = Some(states);
                Reload::Taken
            }
            Err(mistakes) => {
                self.states = None;
                for mistake in grouped(&mistakes) {
                    error!(mistake, "the embedded Settings cannot be used; this is a bug of partywall");
                }
                Reload::Refused
            }
        };
        self.metrics.note_load(Loads::Policies, reload);
        if !is_first {
            self.metrics.policy_reloads.inc(reload);
        }
    }

    /// Logs what was not told before of the objects that do not hold as they are written, and sets the figure that
    /// says whether there are any.
    fn tell(&mut self, states: &BTreeMap<ObjectName, ObjectState>) {
        let findings: Vec<Finding> = states.values().flat_map(|state| &state.findings).cloned().collect();
        let told: BTreeSet<&Finding> = self.told.iter().collect();
        let new = findings.iter().filter(|finding| !told.contains(finding));
        for reason in Reason::ALL {
            let of_reason = new.clone().filter(|finding| finding.reason == reason);
            let mistakes: Vec<Mistake> = of_reason.map(|finding| finding.mistake.clone()).collect();
            for mistake in grouped(&mistakes) {
                error!(
                    mistake,
                    reason = reason.as_str(),
                    "an object of partywall does not hold as it is written"
                );
            }
        }
        if findings.is_empty() && !self.told.is_empty() {
            info!("every object of partywall holds as it is written again");
        }
        self.metrics.policies_faulty.set(i64::from(!findings.is_empty()));
        self.told = findings;
    }
}

/// Returns the warnings about all objects, sorted.
fn warnings(states: &BTreeMap<ObjectName, ObjectState>) -> Vec<Mistake> {
    let mut warnings: Vec<Mistake> = states.values().flat_map(|state| &state.warnings).cloned().collect();
    warnings.sort();
    warnings
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::civil::date;
    use tokio::sync::Mutex;

    use super::*;
    use crate::cluster::restart::Restarts;
    use crate::policies::store;

    #[tokio::test(start_paused = true)]
    async fn after_a_panic_it_begins_again_with_whole_lists_and_the_same_channels() {
        static LOOKS: AtomicU32 = AtomicU32::new(0);
        fn today() -> Date {
            assert!(LOOKS.fetch_add(1, Ordering::Relaxed) != 0, "the first look");
            date(2026, 12, 1)
        }
        let metrics = Arc::new(Metrics::new().unwrap());
        let (writer, reader) = store();
        let learned = Learned::default();
        let mut snapshots = Snapshots::new(writer, learned.clone(), Arc::clone(&metrics), today);
        let mut statuses = snapshots.statuses();
        let defaults = Map::from_iter([("stamp".to_owned(), Value::from("NodeSelector"))]);
        snapshots.set_defaults(defaults.clone());
        let snapshots = Arc::new(Mutex::new(snapshots));
        let (lists, mut asked) = mpsc::channel(1);
        let start = move || {
            let (snapshots, lists) = (Arc::clone(&snapshots), lists.clone());
            async move {
                let (sender, changes) = mpsc::channel(16);
                lists.send(sender).await.unwrap();
                snapshots.lock().await.run(changes).await
            }
        };
        Restarts { metrics: Arc::clone(&metrics) }.spawn(Task::Snapshots, start);

        let list = |sender: mpsc::Sender<Change>, kinds: &'static [Kind]| async move {
            for kind in kinds {
                sender.send(Change::Listed(*kind, Vec::new())).await.unwrap();
            }
            sender
        };
        let first = list(asked.recv().await.unwrap(), &Kind::ALL).await;
        first.closed().await;
        assert!(learned.is_settling() && reader.load().is_none());
        assert_eq!(metrics.task_panics.get(Task::Snapshots), 1);
        let (last, others) = Kind::ALL.split_last().unwrap();
        let second = list(asked.recv().await.unwrap(), others).await;
        tokio::time::sleep(MOST * 2).await;
        assert!(reader.load().is_none(), "half of the lists is no snapshot");
        second.send(Change::Listed(*last, Vec::new())).await.unwrap();
        statuses.changed().await.unwrap();
        assert!(reader.load().is_some() && !learned.is_settling());
        assert_eq!(metrics.task_panics.get(Task::Snapshots), 1);
    }
}
