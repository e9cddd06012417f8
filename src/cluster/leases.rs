//! The Leases of the replicas, and that of the one which leads.
//!
//! Each replica has a Lease that says what it serves, so that the others register only what all serve, and take away a
//! CA only when nothing is signed by it any more. One replica holds the Lease of the leader, which saves work: a status
//! is written by one replica only. Nothing depends on there being one leader at most.
//!
//! From SIGTERM on, this replica leads no more. It keeps its own Lease until it serves no more, and deletes it then.

mod identity;
mod lease;
mod machine;
mod replica;
mod sightings;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use kube::core::{ObjectList, Request};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use self::identity::Identity;
pub(super) use self::lease::Lease;
use self::machine::{Machine, Phase, Write};
pub(super) use self::replica::replica;
pub(super) use self::sightings::Sightings;
use super::facts::{Replica, Replicas, Trust};
use super::send::{Failure, send};

/// The time between two looks, in which a Lease is renewed three times before it ends.
const RENEW: Duration = Duration::from_secs(5);
/// The time before another look, after somebody else wrote the same Lease.
const AGAIN: Duration = Duration::from_secs(1);

/// Keeps the Leases.
#[derive(Clone)]
pub(super) struct Leases {
    client: Client,
    path: String,
    machine: Machine,
    entries: BTreeSet<String>,
    now: fn() -> Timestamp,
}

/// The signals of the end of this process.
#[derive(Clone)]
pub(super) struct Ends {
    /// True from SIGTERM on.
    pub(super) stopping: watch::Receiver<bool>,
    /// True as soon as this replica serves no more.
    pub(super) ended: watch::Receiver<bool>,
}

impl Leases {
    /// Prepares the Leases in a namespace for this process, which serves these webhook entries.
    pub(super) fn new(
        client: Client,
        namespace: &str,
        entries: BTreeSet<String>,
        now: fn() -> Timestamp,
    ) -> Self {
        Self::of(Identity::of_this_process(), client, namespace, entries, now)
    }

    fn of(
        own: Identity,
        client: Client,
        namespace: &str,
        entries: BTreeSet<String>,
        now: fn() -> Timestamp,
    ) -> Self {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        Self { client, path, machine: Machine::new(own), entries, now }
    }

    /// Returns what names this process, and no other.
    pub(super) fn holder(&self) -> String {
        self.machine.own_lease().1
    }

    /// Tells that nobody knows who lives, nor that this replica leads.
    pub(super) fn forget(replicas: &watch::Sender<Replicas>) {
        replicas.send_modify(|replicas| (replicas.is_known, replicas.leads) = (false, false));
    }

    /// Keeps the Leases, and publishes who lives, until this replica serves no more.
    pub(super) async fn run(
        mut self,
        trust: watch::Receiver<Trust>,
        replicas: watch::Sender<Replicas>,
        ends: Ends,
    ) {
        let Ends { stopping, ended } = ends;
        let (leads_until, until) = watch::channel(None);
        tokio::select! {
            () = self.keep(trust, &replicas, leads_until, stopping) => {}
            () = lapse(until, &replicas) => {}
            () = over(ended.clone()) => {}
        }
        replicas.send_if_modified(|replicas| std::mem::replace(&mut replicas.leads, false));
        self.leave().await;
        // Whoever waits for this replica to leave learns of it by that.
        drop(ended);
    }

    /// Looks and writes, for ever.
    async fn keep(
        &mut self,
        mut trust: watch::Receiver<Trust>,
        replicas: &watch::Sender<Replicas>,
        leads_until: watch::Sender<Option<Instant>>,
        stopping: watch::Receiver<bool>,
    ) {
        let mut is_failing = false;
        let mut phase = Phase::Serving;
        loop {
            let own = self.replica(&trust.borrow_and_update());
            let pause = match self.step(&own, phase).await {
                Ok(pause) => {
                    if is_failing {
                        info!("the Leases are kept again");
                    }
                    is_failing = false;
                    pause
                }
                Err(failure) => {
                    if !is_failing {
                        warn!(%failure, "the Leases cannot be kept; it is tried again");
                    }
                    is_failing = true;
                    RENEW
                }
            };
            leads_until.send_replace(self.machine.leads_until());
            // The name may be another one since the look.
            let own = Replica { name: self.machine.name(), ..own };
            let now = self.machine.replicas(&own, Instant::now());
            replicas.send_if_modified(|replicas| {
                let is_new = *replicas != now;
                *replicas = now;
                is_new
            });
            tokio::select! {
                () = sleep(pause) => {}
                Ok(()) = trust.changed() => {}
                () = over(stopping.clone()), if phase == Phase::Serving => phase = Phase::Draining,
            }
        }
    }

    /// Looks at the Leases and writes what follows, and returns the time before the next step.
    async fn step(&mut self, own: &Replica, phase: Phase) -> Result<Duration, Failure> {
        let list = Request::new(&self.path).list(&ListParams::default());
        let list: ObjectList<Lease> = send(&self.client, list).await?;
        self.machine.look(list.items, Instant::now());
        let own = Replica { name: self.machine.name(), ..own.clone() };
        let mut pause = RENEW;
        for write in self.machine.writes(&own, phase, (self.now)()) {
            let begun = Instant::now();
            match self.write(&write).await {
                Ok(()) => self.machine.written(&write, begun),
                // Somebody else wrote it since the look.
                Err(failure) if failure.code() == Some(409) => pause = AGAIN,
                Err(failure) if failure.code() == Some(404) && !matches!(write, Write::Create(_)) => {
                    pause = AGAIN
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(pause)
    }

    async fn write(&self, write: &Write) -> Result<(), Failure> {
        let of = Request::new(&self.path);
        let request = match write {
            Write::Create(lease) => of.create(&PostParams::default(), document(lease)?),
            Write::Replace(lease) => {
                of.replace(&lease.metadata.name, &PostParams::default(), document(lease)?)
            }
            Write::Delete(lease) => of.delete(&lease.metadata.name, &only(lease)),
        };
        send::<Value>(&self.client, request).await.map(drop)
    }

    /// Deletes the Lease of this replica.
    async fn leave(&self) {
        let (name, holder) = self.machine.own_lease();
        let read = Request::new(&self.path).get(&name, &kube::api::GetParams::default());
        let result = match send::<Lease>(&self.client, read).await {
            Ok(lease) if lease.holder() == Some(holder.as_str()) => self.write(&Write::Delete(lease)).await,
            Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        };
        match result {
            Err(failure) if failure.code() != Some(404) => {
                warn!(lease = name, %failure, "the Lease of this replica was not deleted; it ends by itself");
            }
            Ok(()) | Err(_) => {}
        }
    }

    fn replica(&self, trust: &Trust) -> Replica {
        Replica {
            name: self.machine.name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            entries: self.entries.clone(),
            signer: trust.signer,
            cas: trust.cas.clone(),
        }
    }
}

/// Tells that this replica leads no more when its time is over, even while the API server doesn't answer.
async fn lapse(mut until: watch::Receiver<Option<Instant>>, replicas: &watch::Sender<Replicas>) {
    loop {
        let end = *until.borrow_and_update();
        let ends = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = until.changed() => if changed.is_err() { return },
            () = ends => {
                replicas.send_if_modified(|replicas| std::mem::replace(&mut replicas.leads, false));
                if until.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Waits until a signal is true; its sender may be gone, which means the same.
async fn over(mut signal: watch::Receiver<bool>) {
    let _gone = signal.wait_for(|is_over| *is_over).await;
}

fn document(lease: &Lease) -> Result<Vec<u8>, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'l> {
        api_version: &'static str,
        kind: &'static str,
        #[serde(flatten)]
        lease: &'l Lease,
    }
    let document = Document { api_version: "coordination.k8s.io/v1", kind: "Lease", lease };
    Ok(serde_json::to_vec(&document).map_err(kube::Error::SerdeError)?)
}

/// Deletes nothing but this version of this Lease.
fn only(lease: &Lease) -> DeleteParams {
    let Lease { metadata, .. } = lease;
    let (uid, version) = (metadata.uid.clone(), metadata.resource_version.clone());
    DeleteParams::default().preconditions(Preconditions { uid: Some(uid), resource_version: Some(version) })
}

#[cfg(test)]
mod tests;
