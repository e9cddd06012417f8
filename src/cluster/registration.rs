//! Owns the webhook configurations: registers them step by step, keeps them as the policies demand, and mends them.
//!
//! ```text
//! policies' store ┐
//! Trust, Replicas ┼→ decision → write, or probe through the API server → Registered
//! configurations ─┘
//! ```
//!
//! Every replica does the same, without a leader: an apply of what is there already changes nothing. Two reads of
//! metadata every two seconds notice edits, and are no watch that could hang.
//!
//! INVARIANT: once `stopping` is true, nothing is written.

mod bundle;
mod decision;
mod digest;
mod live;
#[cfg(test)]
mod model;
mod probe;
mod requests;
mod rivalry;
mod version;
mod wanted;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use partywall_core::registration::Server;
use partywall_core::tenancy::Snapshot;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{debug, error, info, warn};

use self::bundle::Bundle;
use self::decision::{Action, Facts, Memory, Why, Write, decide, kind, registered};
use self::live::{Both, Live};
use self::requests::Failure;
use self::wanted::Wanted;
use super::facts::{Registered, Replicas, SnapshotId, Trust};
use crate::policies::{Learned, Reader};
use crate::telemetry::{LogThrottle, Metrics};

/// The time between two looks at the configurations.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The pause after a probe that did not come back: the API server learns of a configuration within a second.
const PROBE_AGAIN: Duration = Duration::from_millis(250);
/// The pause after a write: a thousand Tenants that are created one by one are no thousand writes.
const REST: Duration = Duration::from_millis(500);
/// How long probes may fail before that is told.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time between two log lines while the registration is paused, or while somebody changes the configurations again
/// and again.
const REMIND_EVERY: Duration = Duration::from_secs(60);
/// How many writes may follow one look: an apply and a replacement of each configuration, before and after arming.
const WRITES: usize = 8;

/// Says who owns the webhook configurations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// partywall registers them, and mends them.
    #[default]
    Partywall,
    /// Others do; partywall only reads them.
    Others,
}

/// What the registration is made from.
#[derive(Clone)]
pub(super) struct Registration {
    pub(super) client: Client,
    /// Where the API server finds this server.
    pub(super) server: Server,
    pub(super) owner: Owner,
    /// The policies, and what tells when they have changed.
    pub(super) policies: Reader,
    pub(super) learned: Learned,
    pub(super) metrics: Arc<Metrics>,
}

/// What the registration is told, and what it tells.
#[derive(Clone)]
pub(super) struct Channels {
    pub(super) trust: watch::Receiver<Trust>,
    pub(super) replicas: watch::Receiver<Replicas>,
    pub(super) registered: watch::Sender<Registered>,
}

impl Registration {
    /// Tells that nobody looks whether the configurations are as they should be.
    pub(super) fn forget(&self, registered: &watch::Sender<Registered>) {
        self.metrics.registration_current.set(0);
        registered.send_if_modified(|registered| std::mem::replace(&mut registered.is_current, false));
    }

    /// Registers the webhooks and keeps them, until `stopping` is true.
    pub(super) async fn run(self, channels: Channels, mut stopping: watch::Receiver<bool>) {
        let running = Running {
            start: Instant::now(),
            last: None,
            memory: Memory::default(),
            writes: 0,
            told: Told::default(),
            registration: self,
            channels,
        };
        tokio::select! {
            biased;
            // Its sender may be gone, which means the same.
            _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
            never = running.run() => match never {},
        }
    }
}

/// A registration, and what it knows.
struct Running {
    registration: Registration,
    channels: Channels,
    start: Instant,
    /// What was seen last, and what was decided.
    last: Option<(Seen, Action)>,
    memory: Memory,
    /// How often something was written.
    writes: u64,
    told: Told,
}

/// All that a decision depends on, in short: the configurations can be large, and are not kept.
struct Seen {
    versions: Both<Option<String>>,
    snapshot: Option<Arc<Snapshot>>,
    trust: Trust,
    replicas: Replicas,
}

impl Seen {
    fn is_same_as(&self, other: &Self) -> bool {
        let address = |seen: &Self| seen.snapshot.as_ref().map(Arc::as_ptr);
        self.versions == other.versions
            && address(self) == address(other)
            && self.trust == other.trust
            && self.replicas == other.replicas
    }
}

/// What was logged, so that it is logged once.
struct Told {
    is_failing: bool,
    why: Option<Why>,
    reminded: Option<Instant>,
    /// Since when probes fail, and whether that was told.
    unarmed: Option<(Instant, bool)>,
    is_armed: bool,
    /// A tool that applies what it once applied does so every few seconds.
    mended: LogThrottle,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            is_failing: false,
            why: None,
            reminded: None,
            unarmed: None,
            is_armed: false,
            mended: LogThrottle::new(1, REMIND_EVERY),
        }
    }
}

impl Running {
    async fn run(mut self) -> Infallible {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut learned = self.registration.learned.told();
        loop {
            let writes = self.writes;
            let action = self.look().await;
            if self.writes != writes {
                sleep(REST).await;
            }
            let is_new = self.told.unarmed.is_some_and(|(since, _)| since.elapsed() < PATIENCE);
            let again = async {
                if is_new && matches!(action, Ok(Action::Probe)) {
                    sleep(PROBE_AGAIN).await;
                } else {
                    std::future::pending().await
                }
            };
            let Channels { trust, replicas, .. } = &mut self.channels;
            let policies = &self.registration.policies;
            let snapshot = self.last.as_ref().and_then(|(seen, _)| seen.snapshot.as_ref());
            tokio::select! {
                () = again => {}
                _ = looks.tick() => {}
                () = changed(trust) => {}
                () = changed(replicas) => {}
                () = new_policies(&mut learned, policies, snapshot) => {}
            }
        }
    }

    /// Reads both configurations, does what is to be done, and publishes what they hold.
    async fn look(&mut self) -> Result<Action, ()> {
        let done = self.go_on().await;
        match &done {
            Ok(action) => {
                if self.told.is_failing {
                    info!("the webhook configurations can be read and written again");
                    self.told.is_failing = false;
                }
                self.tell(action);
            }
            Err(failure) => {
                if !self.told.is_failing {
                    warn!(%failure, "the webhook configurations cannot be read or written; it is tried again");
                    self.told.is_failing = true;
                }
            }
        }
        done.map_err(drop)
    }

    async fn go_on(&mut self) -> Result<Action, Failure> {
        let client = self.registration.client.clone();
        let mut seen = Seen {
            versions: Both::default(),
            snapshot: self.registration.policies.load().clone(),
            trust: self.channels.trust.borrow_and_update().clone(),
            replicas: self.channels.replicas.borrow_and_update().clone(),
        };
        if let Some((last, action)) = &self.last
            && action.is_lasting()
        {
            for phase in Both::<()>::PHASES {
                *seen.versions.of_mut(phase) = requests::read_version(&client, phase).await?;
            }
            if seen.is_same_as(last) {
                return Ok(action.clone());
            }
        }
        let mut live = Both::default();
        for phase in Both::<()>::PHASES {
            *live.of_mut(phase) = requests::read(&client, phase).await?;
        }
        let action = self.act(&mut live, &seen).await?;
        for phase in Both::<()>::PHASES {
            *seen.versions.of_mut(phase) = live.of(phase).as_ref().map(|live| live.version().to_owned());
        }
        self.last = Some((seen, action.clone()));
        Ok(action)
    }

    /// Decides, writes and probes until nothing is to be done.
    async fn act(&mut self, live: &mut Both<Option<Live>>, seen: &Seen) -> Result<Action, Failure> {
        let Seen { trust, replicas, snapshot, .. } = seen;
        let wanted = Wanted::of(snapshot.as_deref(), &self.registration.server)?;
        let bundle = Bundle::of_pem(&trust.bundle);
        let mut left = WRITES;
        loop {
            let facts = Facts {
                now: self.start.elapsed(),
                live,
                wanted: &wanted,
                bundle: &bundle,
                signer: trust.signer,
                replicas,
                version: env!("CARGO_PKG_VERSION"),
                is_external: self.registration.owner == Owner::Others,
            };
            let action = decide(&facts, &mut self.memory);
            let snapshot = snapshot.as_ref().map(SnapshotId::of).unwrap_or_default();
            let registered = registered(&facts, &self.memory);
            self.publish(Registered { snapshot, ..registered });
            left = left.saturating_sub(1);
            match action {
                Action::Write(write) if left > 0 => self.write(live, *write).await?,
                Action::Probe if left > 0 => {
                    if !self.probe().await {
                        return Ok(Action::Probe);
                    }
                }
                Action::Nothing | Action::Wait(_) | Action::Write(_) | Action::Probe => return Ok(action),
            }
        }
    }

    async fn write(&mut self, live: &mut Both<Option<Live>>, write: Write) -> Result<(), Failure> {
        let client = &self.registration.client;
        let answer = match requests::write(client, &write).await {
            // Somebody wrote since it was read, so it is decided anew.
            Err(failure) if failure.code() == Some(409) => {
                for phase in Both::<()>::PHASES {
                    *live.of_mut(phase) = requests::read(client, phase).await?;
                }
                return Ok(());
            }
            // Together with what others wrote it may make no sense, such as an address of two forms.
            Err(failure) if failure.code() == Some(422) && write.replacement.is_none() => {
                let Some(live) = live.of(write.phase) else { return Err(failure) };
                self.memory.note(&write, live);
                return Ok(());
            }
            answer => answer?,
        };
        self.writes += 1;
        let configuration = kind(write.phase);
        if write.is_drift {
            // A replacement follows an apply that left something.
            if write.replacement.is_none() {
                self.registration.metrics.registration_mended.inc();
                if let Some(left_out) = self.told.mended.event() {
                    let earlier = if left_out > 0 { Some(left_out) } else { None };
                    warn!(
                        configuration,
                        earlier, "somebody changed the webhook configuration; it is as it was again"
                    );
                }
            }
        } else {
            let webhooks = answer.webhooks().count();
            let before = live.of(write.phase).as_ref().map_or(0, |live| live.webhooks().count());
            if webhooks == before {
                debug!(configuration, "the webhook configuration follows the policies");
            } else {
                info!(configuration, webhooks, before, "the webhook configuration has other webhooks");
            }
        }
        self.memory.note(&write, &answer);
        *live.of_mut(write.phase) = Some(answer);
        Ok(())
    }

    /// Asks whether the API server asks this server; returns whether it does.
    async fn probe(&mut self) -> bool {
        match probe::ask(&self.registration.client).await {
            Ok(()) => {
                info!("the API server asks this server, so that all webhooks are registered");
                (self.memory.is_armed, self.told.unarmed) = (true, None);
                true
            }
            Err(reason) => {
                let (since, is_told) = self.told.unarmed.get_or_insert_with(|| (Instant::now(), false));
                if since.elapsed() >= PATIENCE && !*is_told {
                    warn!(
                        %reason,
                        "the API server does not ask this server, so that nothing but the webhook of partywall's own \
                         objects is registered; it is tried again"
                    );
                    *is_told = true;
                }
                false
            }
        }
    }

    fn publish(&mut self, registered: Registered) {
        let Metrics { registration_current, registration_armed, registration_paused, .. } =
            &*self.registration.metrics;
        registration_current.set(i64::from(registered.is_current));
        registration_armed.set(i64::from(registered.is_armed));
        registration_paused.set(i64::from(registered.is_paused));
        if registered.is_armed != self.told.is_armed {
            self.told.is_armed = registered.is_armed;
            if registered.is_armed {
                info!("all webhooks are registered");
            } else {
                warn!("not all webhooks are registered");
            }
        }
        self.channels.registered.send_if_modified(|known| {
            let is_new = *known != registered;
            *known = registered;
            is_new
        });
    }

    /// Logs why nothing is written, once, and each minute that somebody wants it so.
    fn tell(&mut self, action: &Action) {
        let why = match action {
            // It mostly passes within seconds.
            Action::Wait(Why::Rival { is_stubborn: false }) => return,
            Action::Wait(why) => Some(why),
            Action::Nothing | Action::Probe | Action::Write(_) => None,
        };
        let is_paused = why == Some(&Why::Paused);
        let is_due = self.told.reminded.is_none_or(|last| last.elapsed() >= REMIND_EVERY);
        if self.told.why.as_ref() != why || (is_paused && is_due) {
            self.told.reminded = Some(Instant::now());
            if let Some(why) = why {
                log(why);
            } else if self.told.why.is_some() {
                info!("the webhook configurations are kept as the policies demand");
            }
            self.told.why = why.cloned();
        }
    }
}

fn log(why: &Why) {
    match why {
        Why::External => info!("the webhook configurations are left to others, as --registration says"),
        Why::Paused => warn!(
            "the registration is paused: nobody mends the webhook configurations until the annotation \
             partywall.dev/registration is removed from them"
        ),
        Why::Newer(version) => {
            info!(
                version,
                "a newer version keeps the webhook configurations, so that this one leaves them alone"
            );
        }
        Why::NoReplicas => info!("nothing is registered before the Leases of the replicas are read"),
        Why::NoBundle => info!("nothing is registered before the CAs are known that callers must trust"),
        Why::NoSigner => warn!(
            "nothing is registered before this server has a certificate of a CA that callers are to trust"
        ),
        Why::Kept(configuration) => error!(
            configuration,
            "the API server makes something else of the webhook configuration than it is given; run \
             `kubectl get {configuration} partywall -o yaml` and look for what partywall did not write"
        ),
        Why::Rival { .. } => warn!(
            "another replica of this version writes the webhook configurations otherwise, again and again, so that \
             this one leaves them for up to five minutes: give all replicas the same flags and the same --settings"
        ),
    }
}

/// Waits until there is another snapshot than this one.
async fn new_policies(learned: &mut watch::Receiver<()>, policies: &Reader, known: Option<&Arc<Snapshot>>) {
    loop {
        changed(learned).await;
        if policies.load().as_ref().map(Arc::as_ptr) != known.map(Arc::as_ptr) {
            return;
        }
    }
}

/// Waits until a fact changes. Without a sender there is no further change.
async fn changed<T>(fact: &mut watch::Receiver<T>) {
    if fact.changed().await.is_err() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;
