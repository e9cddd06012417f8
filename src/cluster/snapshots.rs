//! Compiles a snapshot whenever what is known of the cluster has changed.
//!
//! Changes come in bursts: one `kubectl apply` of fifty objects. So the compiler waits until nothing has changed for a
//! moment, but not for long.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use partywall_core::api::Mistake;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tracing::{error, info};

use super::kind::Kind;
use super::labels::Label;
use super::state::{Change, Effect, State};
use crate::policies::{InForce, Learned, Loaded, Writer, compile, grouped};
use crate::telemetry::{Loads, Metrics, Reload};

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
    /// The mistakes that were logged last.
    told: Vec<Mistake>,
    /// The labels that Namespaces lack.
    labels: watch::Sender<Vec<Label>>,
    /// What reviews wait for.
    learned: Learned,
}

impl Snapshots {
    pub(super) fn new(writer: Writer, learned: Learned, metrics: Arc<Metrics>, today: fn() -> Date) -> Self {
        let in_force = InForce::new(writer, Arc::clone(&metrics));
        let (state, labels) = (State::default(), watch::Sender::default());
        Self { state, in_force, metrics, today, day: None, told: Vec::new(), labels, learned }
    }

    /// Returns the labels that Namespaces lack, now and later.
    pub(super) fn labels(&self) -> watch::Receiver<Vec<Label>> {
        self.labels.subscribe()
    }

    /// Sets the fields of the default Settings.
    pub(super) fn set_defaults(&mut self, fields: Map<String, Value>) {
        self.state.apply(Change::Defaults(fields));
    }

    /// Applies changes and compiles, for ever.
    pub(super) async fn run(mut self, mut changes: mpsc::Receiver<Change>) -> Infallible {
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
            if effect == Effect::Nothing || !self.state.is_complete() {
                continue;
            }
            self.learned.begin();
            if effect.max(self.settle(&mut changes).await) == Effect::Snapshot {
                self.compile().await;
                self.in_force.notice_ends((self.today)());
            }
            self.learned.finish();
            self.publish_labels();
        }
    }

    /// Applies changes until nothing has changed for a moment, and returns what they lead to.
    async fn settle(&mut self, changes: &mut mpsc::Receiver<Change>) -> Effect {
        let last = Instant::now() + MOST;
        let mut quiet = (Instant::now() + QUIET).min(last);
        let mut all = Effect::Nothing;
        while let Ok(Some(change)) = timeout_at(quiet, changes.recv()).await {
            let effect = self.apply(change);
            if effect != Effect::Nothing {
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
            Change::Gone(Kind::Namespace, name) => self.learned.remove(name),
            Change::Listed(..)
            | Change::Set(..)
            | Change::Gone(..)
            | Change::Contact(_)
            | Change::Defaults(_) => {}
        }
        self.state.apply(change)
    }

    /// Compiles, and puts the snapshot in force if there are no mistakes.
    async fn compile(&mut self) {
        let (objects, unparsed) = self.state.objects();
        let today = (self.today)();
        let is_first = self.day.replace(today).is_none();
        // A panic of the compiler is logged by the hook; what is in force stays so.
        let Ok(compiled) = spawn_blocking(move || compile(objects, &unparsed, today)).await else { return };
        let mut mistakes = self.state.mistakes();
        let reload = match compiled {
            Ok(Loaded { snapshot, warnings }) => {
                self.in_force.warn(warnings);
                self.in_force.replace(snapshot);
                Reload::Taken
            }
            Err(more) => {
                mistakes.extend(more);
                Reload::Refused
            }
        };
        self.tell(mistakes, reload);
        self.metrics.note_load(Loads::Policies, reload);
        if !is_first {
            self.metrics.policy_reloads.inc(reload);
        }
    }

    /// Logs the mistakes that were not there before, and sets the figure that says whether there are any.
    fn tell(&mut self, mistakes: Vec<Mistake>, reload: Reload) {
        let new: Vec<Mistake> =
            mistakes.iter().filter(|mistake| !self.told.contains(mistake)).cloned().collect();
        for mistake in grouped(&new) {
            error!(mistake, "an object of partywall cannot be used");
        }
        if !new.is_empty() && reload == Reload::Refused {
            let what = if self.in_force.current().is_some() {
                "the last good policies hold until this is mended"
            } else {
                "nothing is decided until this is mended"
            };
            error!("{what}");
        }
        if mistakes.is_empty() && !self.told.is_empty() {
            info!("every object of partywall can be used again");
        }
        self.metrics.policies_faulty.set(i64::from(!mistakes.is_empty()));
        self.told = mistakes;
    }
}
