//! `serve --cluster`: the objects of an API server → snapshots in the store.
//!
//! ```text
//! API server → watch (one loop a kind) → changes → state (compact maps) → compile → policies' store
//!      ↑                                                   ├→ labels of listed namespaces ┐
//!      │                                                   └→ status of each object ──────┤
//!      └──────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! `registration` registers the webhooks by the snapshot in the store, and keeps them so.
//!
//! One task owns the maps. Each kind has a loop of its own, so that a watch that hangs holds up no other. While the API
//! server is away, the snapshot in the store stays in force, and the loops go on trying. So it does while a task that
//! panicked waits to be started again, which each of them is.
//!
//! INVARIANT: the store stays empty until every kind was listed once, so that nothing is decided by half of the
//! objects. A snapshot is never replaced by one with mistakes.

mod api_server;
mod authority;
mod connect;
mod definitions;
mod doctor;
mod events;
mod facts;
mod failure;
#[cfg(test)]
mod fake_server;
mod installation;
mod item;
mod kind;
mod labels;
mod leases;
mod newest_tenant;
mod pause;
mod readiness;
mod registration;
mod restart;
mod rotate_ca;
mod send;
mod settings_file;
mod snapshots;
mod state;
mod status;
mod uninstall;
mod watch;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use kube::Client;
use partywall_core::registration::{Server, names};
use rustls::sign::CertifiedKey;
use tokio::sync::{Mutex, mpsc, watch as signal};
use tokio::task::JoinSet;

pub(crate) use self::api_server::{ApiServer, Unreachable};
use self::authority::{Authority, Inputs, Names};
pub(crate) use self::authority::{ClockOffset, Issuer, Lifetimes};
pub(crate) use self::connect::Access;
use self::definitions::NOT_COMPARED;
#[cfg(test)]
pub(crate) use self::doctor::{Check, Outcome};
pub(crate) use self::doctor::{Checked, Examination, Finding, NotLookedAt};
use self::facts::{Registered, Replicas, Trust};
pub(crate) use self::installation::NAMESPACE;
use self::installation::SERVICE;
use self::kind::Kind;
use self::labels::Teller;
use self::leases::{Ends, Leases};
use self::newest_tenant::QUESTIONS;
pub(crate) use self::readiness::Unready;
pub(crate) use self::registration::Owner;
use self::registration::{Channels, Registration};
use self::restart::Restarts;
pub(crate) use self::rotate_ca::Rotation;
use self::settings_file::SettingsFile;
use self::snapshots::Snapshots;
use self::state::Change;
use self::status::Statuses;
pub(crate) use self::uninstall::{Removal, Removed, Row, Stay};
use crate::policies::{Learned, Question, Reader, Writer};
use crate::telemetry::{Metrics, Task};

/// How many changes wait for the task that owns the maps; the watches wait beyond that.
const CHANGES: usize = 1_024;

/// Says where partywall is installed, and how its webhooks are registered.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The namespace of its objects.
    pub(crate) namespace: String,
    /// Where the API server finds this server; `None`: by its Service.
    pub(crate) server: Option<Server>,
    pub(crate) owner: Owner,
}

/// The policies of a cluster.
pub(crate) struct Cluster {
    client: Client,
    namespace: String,
    snapshots: Snapshots,
    /// Asked for Namespaces that are created.
    questions: mpsc::Receiver<Question>,
    settings: Option<SettingsFile>,
    registration: Registration,
    now: fn() -> Timestamp,
    authority: Option<Authority>,
    /// Whether the installed definitions are of this version.
    current: signal::Sender<Unready>,
    /// Whether callers trust the certificate, if partywall takes care of it.
    trusted: Option<signal::Sender<Unready>>,
    /// Whether this replica serves all webhooks that are registered.
    served: signal::Sender<Unready>,
}

/// The time and the date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Returns the present time.
    pub(crate) now: fn() -> Timestamp,
    /// Returns the date by which Exemptions expire.
    pub(crate) today: fn() -> Date,
}

impl Cluster {
    /// Prepares the client, and reads the file with default Settings. Nothing is asked of the API server yet.
    pub(crate) async fn new(
        access: Access,
        settings: Option<PathBuf>,
        Place { namespace, server, owner }: Place,
        (writer, policies, learned): (Writer, Reader, Learned),
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let Clock { now, today } = clock;
        let client = connect::client(access).await?;
        let settings = settings.map(SettingsFile::read).transpose()?;
        let (name, port) = SERVICE;
        let service = Server::Service { namespace: namespace.clone(), name: name.to_owned(), port };
        let registration = Registration {
            client: client.clone(),
            server: server.unwrap_or(service),
            owner,
            policies,
            learned: learned.clone(),
            metrics: Arc::clone(&metrics),
        };
        let (ask, questions) = mpsc::channel(QUESTIONS);
        learned.ask_at(ask);
        let mut snapshots = Snapshots::new(writer, learned, metrics, today);
        snapshots.set_own_namespace(&namespace);
        if let Some(file) = &settings {
            snapshots.set_defaults(file.fields());
        }
        Ok(Self {
            client,
            namespace,
            snapshots,
            questions,
            settings,
            registration,
            now,
            authority: None,
            current: signal::Sender::new(Some(NOT_COMPARED)),
            trusted: None,
            served: signal::Sender::default(),
        })
    }

    /// Takes care of the certificates, and returns the one to serve, now and later.
    pub(crate) fn certify(
        &mut self,
        issuer: Issuer,
        times: (Lifetimes, ClockOffset),
        metrics: Arc<Metrics>,
    ) -> signal::Receiver<Option<Arc<CertifiedKey>>> {
        let names = Names::of(&self.namespace, Some(&self.registration.server));
        let authority = Authority::new(self.client.clone(), &self.namespace, names, issuer, times, metrics);
        let pair = authority.pair();
        self.authority = Some(authority);
        pair
    }

    /// Returns the conditions under which reviews may be sent to this replica, beside that it has policies.
    pub(crate) fn conditions(&mut self) -> Vec<(&'static str, signal::Receiver<Unready>)> {
        let mut conditions =
            vec![("definitions", self.current.subscribe()), ("webhooks", self.served.subscribe())];
        if self.authority.is_some() {
            let (trusted, unready) = signal::channel(Some("there is no certificate to serve yet"));
            self.trusted = Some(trusted);
            conditions.push(("certificate", unready));
        }
        conditions
    }

    /// Follows the cluster for ever. Once `stopping` is true, it writes nothing any more but this replica's own Lease.
    ///
    /// Once `ended` is true, it deletes that, and drops the receiver.
    pub(crate) async fn run(
        self,
        stopping: signal::Receiver<bool>,
        ended: signal::Receiver<bool>,
    ) -> Infallible {
        let restarts = Restarts { metrics: Arc::clone(&self.registration.metrics) };
        let (register, registered) = signal::channel(Registered::default());
        let (publish, replicas) = signal::channel(Replicas::default());
        let (events, queue) = events::channel();
        let unknown = || signal::Sender::<Trust>::default().subscribe();
        let trust = self.authority.as_ref().map_or_else(unknown, Authority::trust);

        if let Some(authority) = self.authority {
            let (registered, replicas, stopping) = (registered.clone(), replicas.clone(), stopping.clone());
            let inputs = Inputs { registered, replicas, stopping };
            let forget = authority.clone();
            let start = move || authority.clone().run(inputs.clone());
            restarts.spawn_and(Task::Authority, start, move || forget.forget());
        }
        if let Some(trusted) = self.trusted {
            let (trust, registered) = (trust.clone(), registered.clone());
            restarts.spawn(Task::CertificateReadiness, move || {
                readiness::watch_certificate(trust.clone(), registered.clone(), trusted.clone())
            });
        }
        let (of_webhooks, served) = (registered.clone(), self.served);
        restarts.spawn(Task::WebhookReadiness, move || {
            readiness::watch_webhooks(of_webhooks.clone(), served.clone())
        });
        let (client, current) = (self.client.clone(), self.current);
        restarts.spawn(Task::Definitions, move || {
            definitions::watch_definitions(client.clone(), current.clone())
        });
        let (client, questions) = (self.client.clone(), Arc::new(Mutex::new(self.questions)));
        restarts.spawn(Task::NewestTenant, move || {
            let (client, questions) = (client.clone(), Arc::clone(&questions));
            async move { newest_tenant::answer(client, &mut *questions.lock().await).await }
        });

        let entries = names().map(str::to_owned).collect();
        let leases = Leases::new(self.client.clone(), &self.namespace, entries, self.now);
        let (client, instance, over) = (self.client.clone(), leases.holder(), stopping.clone());
        let queue = Arc::new(Mutex::new(queue));
        restarts.spawn(Task::Events, move || {
            let (client, instance, over) = (client.clone(), instance.clone(), over.clone());
            let queue = Arc::clone(&queue);
            async move { events::write(client, &mut *queue.lock().await, instance, self.now, over).await }
        });
        let registration = self.registration;
        let channels = Channels { trust: trust.clone(), replicas: replicas.clone(), registered: register };
        let (forget, forgets) = (registration.clone(), channels.registered.clone());
        let over = stopping.clone();
        restarts.spawn_and(
            Task::Registration,
            move || registration.clone().run(channels.clone(), over.clone()),
            move || forget.forget(&forgets),
        );
        let (forgets, ends) = (publish.clone(), Ends { stopping: stopping.clone(), ended });
        restarts.spawn_and(
            Task::Leases,
            move || leases.clone().run(trust.clone(), publish.clone(), ends.clone()),
            move || Leases::forget(&forgets),
        );
        let teller = Teller { events: events.clone(), replicas: replicas.clone() };
        let (client, missing, over) = (self.client.clone(), self.snapshots.labels(), stopping.clone());
        restarts.spawn(Task::Labels, move || {
            labels::write(client.clone(), missing.clone(), teller.clone(), over.clone())
        });
        let (client, tells, over) = (self.client.clone(), events.clone(), stopping.clone());
        let facts = (registered.clone(), replicas.clone());
        restarts.spawn(Task::Pause, move || {
            pause::tell(client.clone(), facts.clone(), tells.clone(), over.clone())
        });
        let told = self.snapshots.statuses();
        let (client, statuses) =
            (self.client.clone(), Statuses { told, registered, replicas, events, now: self.now });
        restarts
            .spawn(Task::Statuses, move || status::write(client.clone(), statuses.clone(), stopping.clone()));

        let snapshots = Arc::new(Mutex::new(self.snapshots));
        let (again, client, settings) = (restarts.clone(), self.client, self.settings);
        let start = move || {
            let (snapshots, restarts) = (Arc::clone(&snapshots), again.clone());
            let (client, settings) = (client.clone(), settings.clone());
            async move {
                let (sender, changes) = mpsc::channel(CHANGES);
                // They end with the task that owns the maps, since another one needs whole lists.
                let _watches = watches(&restarts, &client, settings, &sender);
                drop(sender);
                snapshots.lock().await.run(changes).await
            }
        };
        restarts.run(Task::Snapshots, start, || {}).await
    }
}

/// Starts the watches of all kinds, and of the file with default Settings; dropped, they end.
fn watches(
    restarts: &Restarts,
    client: &Client,
    settings: Option<SettingsFile>,
    sender: &mpsc::Sender<Change>,
) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    for kind in Kind::ALL {
        let (restarts, client, sender) = (restarts.clone(), client.clone(), sender.clone());
        let start = move || watch::watch(client.clone(), kind, sender.clone());
        watches.spawn(async move { restarts.run(Task::Watch, start, || {}).await });
    }
    if let Some(file) = settings {
        let (restarts, sender) = (restarts.clone(), sender.clone());
        let start = move || file.clone().watch(sender.clone());
        watches.spawn(async move { restarts.run(Task::SettingsFile, start, || {}).await });
    }
    watches
}
