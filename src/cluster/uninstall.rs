//! `partywall uninstall`: takes away what the replicas made in a cluster, and lists what stays.
//!
//! The webhook configurations go first, so that nothing waits for partywall any more, and then the replicas, since a
//! replica that lives puts everything back. While they end they go on serving, so no request of a tenant fails. Only
//! then the labels, the Leases and the Secret are taken away.
//!
//! Whatever was taken away before is not there any more, and that is fine: the command may be repeated.

mod labels;
mod report;
mod stays;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::labels::{Kept, Labelled, Owned};
use self::report::Done;
pub(crate) use self::report::{Removed, Row, Stay};
use super::api_server::{ApiServer, Unreachable};
use super::installation::{CA_SECRET, CONFIGURATIONS, LABELS_MANAGER};
use super::leases::{Lease, Sightings};

/// The time between two looks at the replicas that end.
const EVERY: Duration = Duration::from_millis(500);
/// How often a label is taken away that comes back: for a moment, API servers still ask a webhook that is gone.
const TRIES: usize = 10;
/// The time between two such tries.
const AGAIN: Duration = Duration::from_secs(1);
/// The number of labels between two lines of progress.
const MANY: usize = 500;
/// The resources of both webhook configurations, with their kinds.
const REGISTRATION: [(&str, &str); 2] = [
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
];
const NAMESPACES: &str = "/api/v1/namespaces";

/// What is taken away.
pub(crate) struct Removal {
    /// The namespace of partywall.
    pub(crate) namespace: String,
    /// Whether it is only told what would be done.
    pub(crate) is_dry: bool,
    /// How long to wait until the replicas have ended.
    pub(crate) patience: Duration,
}

/// Hears each step.
type Tell<'t> = &'t mut (dyn FnMut(&str) + Send);

impl Removal {
    /// Takes everything away, and tells each step.
    pub(crate) async fn run(&self, api: &ApiServer, tell: Tell<'_>) -> Result<Removed, Unreachable> {
        api.greet().await?;
        let mut removed = Removed::default();
        let is_off = if self.is_dry {
            self.look(api, &mut removed).await?;
            true
        } else {
            self.turn_off(api, tell, &mut removed).await?
        };
        let namespaces = api.list_metadata::<Labelled>(NAMESPACES).await?;
        match namespaces {
            Ok(namespaces) => {
                let labels = labels::sort(namespaces);
                let kept = if is_off {
                    self.remove_labels(api, labels.owned, tell, &mut removed).await?
                } else {
                    let own = |owned: Owned| {
                        let mut managers = owned.shared_with;
                        managers.insert(0, LABELS_MANAGER.to_owned());
                        Kept { name: owned.name, managers }
                    };
                    labels.owned.into_iter().map(own).collect()
                };
                if is_off {
                    self.remove_rest(api, tell, &mut removed).await?;
                }
                let labelled = labels.others.into_iter().chain(kept).collect();
                stays::list(api, labelled, &mut removed).await?;
            }
            Err(refusal) => {
                removed.add("labels of Namespaces", Done::Failed(refusal.message));
                if is_off {
                    self.remove_rest(api, tell, &mut removed).await?;
                }
                stays::list(api, Vec::new(), &mut removed).await?;
            }
        }
        if !self.is_dry && is_off {
            self.verify(api, &mut removed).await?;
        }
        Ok(removed)
    }

    /// Says what is there, before the labels.
    async fn look(&self, api: &ApiServer, removed: &mut Removed) -> Result<(), Unreachable> {
        for (resource, kind) in REGISTRATION {
            let found = api.get_metadata::<Value>(&registration(resource), CONFIGURATIONS).await?;
            removed.add_found(format!("{kind} {CONFIGURATIONS}"), found);
        }
        match api.get::<Value>(&self.within("/apis/apps/v1", "deployments"), CONFIGURATIONS).await? {
            Ok(Some(deployment)) if replicas(&deployment) > 0 => {
                removed.add(self.named("Deployment", CONFIGURATIONS), Done::WouldBeStopped);
            }
            Ok(_) => {}
            Err(refusal) => {
                removed.add(self.named("Deployment", CONFIGURATIONS), Done::Failed(refusal.message));
            }
        }
        Ok(())
    }

    /// Takes away the webhook configurations and ends the replicas; returns whether both are done.
    async fn turn_off(
        &self,
        api: &ApiServer,
        tell: Tell<'_>,
        removed: &mut Removed,
    ) -> Result<bool, Unreachable> {
        tell("deleting the webhook configurations");
        let mut is_registered = false;
        for (resource, kind) in REGISTRATION {
            let deleted = api.delete(&registration(resource), CONFIGURATIONS).await?;
            is_registered |= deleted.is_err();
            removed.add_deleted(format!("{kind} {CONFIGURATIONS}"), deleted);
        }
        // Without replicas, what is still registered would refuse every request of a tenant.
        if is_registered {
            return Ok(false);
        }
        self.stop_deployment(api, tell, removed).await?;
        self.until_ended(api, tell, removed).await
    }

    async fn stop_deployment(
        &self,
        api: &ApiServer,
        tell: Tell<'_>,
        removed: &mut Removed,
    ) -> Result<(), Unreachable> {
        let path = self.within("/apis/apps/v1", "deployments");
        let what = self.named("Deployment", CONFIGURATIONS);
        let deployment = match api.get::<Value>(&path, CONFIGURATIONS).await? {
            Ok(Some(deployment)) => deployment,
            Ok(None) => return Ok(()),
            Err(refusal) => {
                removed.add(what, Done::Failed(refusal.message));
                return Ok(());
            }
        };
        if replicas(&deployment) == 0 {
            return Ok(());
        }
        tell("stopping the replicas: the Deployment gets 0 of them");
        let none = json!({"spec": {"replicas": 0}});
        let stopped = api.merge_into(&path, CONFIGURATIONS, "scale", &none).await?;
        removed.add(what, stopped.map_or_else(|refusal| Done::Failed(refusal.message), |_| Done::Stopped));
        Ok(())
    }

    /// Waits until no replica lives, and meanwhile takes away what they register again.
    async fn until_ended(
        &self,
        api: &ApiServer,
        tell: Tell<'_>,
        removed: &mut Removed,
    ) -> Result<bool, Unreachable> {
        let path = self.within("/apis/coordination.k8s.io/v1", "leases");
        let end = Instant::now() + self.patience;
        let mut sightings = Sightings::default();
        let mut told = 0;
        loop {
            let leases = match api.list::<Lease>(&path).await? {
                Ok(leases) => leases,
                Err(refusal) => {
                    removed.add(self.named("Leases", "partywall-*"), Done::Failed(refusal.message));
                    return Ok(false);
                }
            };
            sightings.look(leases.into_iter().filter(Lease::is_partywalls).collect(), Instant::now());
            // A replica that lives registers again.
            for (resource, kind) in REGISTRATION {
                if let Err(refusal) = api.delete(&registration(resource), CONFIGURATIONS).await? {
                    removed.add(format!("{kind} {CONFIGURATIONS}"), Done::Failed(refusal.message));
                    return Ok(false);
                }
            }
            let live: Vec<String> = sightings.held().map(|lease| lease.metadata.name.clone()).collect();
            if live.is_empty() {
                return Ok(true);
            }
            if Instant::now() >= end {
                let why =
                    "this replica lives, and would put everything back; stop what runs it, and try again";
                for name in live {
                    removed.add(self.named("Lease", &name), Done::Failed(why.to_owned()));
                }
                return Ok(false);
            }
            if live.len() != told {
                told = live.len();
                tell(&format!("waiting until the replicas have ended: {}", live.join(", ")));
            }
            sleep(EVERY).await;
        }
    }

    /// Takes away the labels that partywall set, and returns the Namespaces that keep theirs.
    async fn remove_labels(
        &self,
        api: &ApiServer,
        owned: Vec<Owned>,
        tell: Tell<'_>,
        removed: &mut Removed,
    ) -> Result<Vec<Kept>, Unreachable> {
        // Of a label that others set too, partywall only gives up its own part.
        let kept: Vec<Kept> = owned.iter().filter_map(Owned::kept).collect();
        let count = owned.len();
        if self.is_dry {
            let owned = owned.into_iter().filter(|owned| owned.kept().is_none());
            let names: Vec<String> = owned.map(|owned| owned.name).collect();
            let done = if names.is_empty() { Done::NotThere } else { Done::WouldBeRemoved };
            removed.add_all(labels::named(&names), names, done);
            return Ok(kept);
        }
        tell("taking away the labels of Namespaces");
        let (mut gone, mut failed) = (Vec::new(), Vec::new());
        for (index, namespace) in owned.into_iter().enumerate() {
            if index > 0 && index % MANY == 0 {
                tell(&format!("{index} of {count} Namespaces are done"));
            }
            match remove_label(api, &namespace).await? {
                Ok(()) if namespace.kept().is_some() => {}
                Ok(()) => gone.push(namespace.name),
                Err(why) => failed.push((namespace.name, why)),
            }
        }
        let done = if gone.is_empty() { Done::NotThere } else { Done::Removed };
        removed.add_all(labels::named(&gone), gone, done);
        for (name, why) in failed {
            removed.add(format!("label of Namespace {name}"), Done::Failed(why));
        }
        Ok(kept)
    }

    /// Takes away the Leases and the Secret.
    async fn remove_rest(
        &self,
        api: &ApiServer,
        tell: Tell<'_>,
        removed: &mut Removed,
    ) -> Result<(), Unreachable> {
        let path = self.within("/apis/coordination.k8s.io/v1", "leases");
        tell("deleting the Leases and the Secret");
        match api.list::<Lease>(&path).await? {
            Ok(leases) => {
                for lease in leases.into_iter().filter(Lease::is_partywalls) {
                    let name = lease.metadata.name;
                    let what = self.named("Lease", &name);
                    if self.is_dry {
                        removed.add(what, Done::WouldBeRemoved);
                    } else {
                        removed.add_deleted(what, api.delete(&path, &name).await?);
                    }
                }
            }
            Err(refusal) => removed.add(self.named("Leases", "partywall-*"), Done::Failed(refusal.message)),
        }
        let (path, what) = (self.within("/api/v1", "secrets"), self.named("Secret", CA_SECRET));
        if self.is_dry {
            // Of the Secret nothing but its name is read.
            removed.add_found(what, api.get_metadata::<Value>(&path, CA_SECRET).await?);
        } else {
            removed.add_deleted(what, api.delete(&path, CA_SECRET).await?);
        }
        Ok(())
    }

    /// Looks whether a configuration came back, which somebody else applies then.
    async fn verify(&self, api: &ApiServer, removed: &mut Removed) -> Result<(), Unreachable> {
        for (resource, kind) in REGISTRATION {
            if let Ok(Some(_)) = api.get_metadata::<Value>(&registration(resource), CONFIGURATIONS).await? {
                let why =
                    "it came back: something else applies it, such as a GitOps tool; take it away there";
                removed.add(format!("{kind} {CONFIGURATIONS}"), Done::Failed(why.to_owned()));
            }
        }
        Ok(())
    }

    fn within(&self, group: &str, plural: &str) -> String {
        format!("{group}/namespaces/{}/{plural}", self.namespace)
    }

    fn named(&self, kind: &str, name: &str) -> String {
        format!("{kind} {}/{name}", self.namespace)
    }
}

/// Takes the label of a Namespace away, by the manager that set it; a label that others set too stays.
async fn remove_label(api: &ApiServer, namespace: &Owned) -> Result<Result<(), String>, Unreachable> {
    let nothing = labels::nothing(namespace);
    let mut why = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            sleep(AGAIN).await;
        }
        match api.apply(NAMESPACES, &namespace.name, LABELS_MANAGER, &nothing).await? {
            Ok(stored) if namespace.kept().is_some() || !labels::has_label(&stored) => return Ok(Ok(())),
            Ok(_) => "something puts it back".clone_into(&mut why),
            // It is gone, or another one has its name.
            Err(refusal) if matches!(refusal.code, 404 | 409) => return Ok(Ok(())),
            Err(refusal) if refusal.code == 403 => return Ok(Err(refusal.message)),
            Err(refusal) => why = refusal.message,
        }
    }
    Ok(Err(why))
}

fn registration(resource: &str) -> String {
    format!("/apis/admissionregistration.k8s.io/v1/{resource}")
}

fn replicas(deployment: &Value) -> u64 {
    deployment.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
}

#[cfg(test)]
mod tests;
