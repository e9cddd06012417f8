//! What the watches of a cluster have told so far, beside the snapshot.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot, watch};

/// Asks which version the newest Tenant has now; dropped without an answer if that cannot be found out.
pub type Question = oneshot::Sender<u64>;

/// The names of the Namespaces that a cluster has, and whether another snapshot is under way.
///
/// Only reviews that could not be decided for want of a Tenant look here.
#[derive(Clone, Debug, Default)]
pub struct Learned(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    namespaces: RwLock<BTreeSet<Box<str>>>,
    is_settling: AtomicBool,
    told: watch::Sender<()>,
    /// The version of the newest Tenant that the current snapshot shows.
    tenants: watch::Sender<u64>,
    /// Where the API server is asked for the newest Tenant; unset without a cluster.
    questions: OnceLock<mpsc::Sender<Question>>,
}

impl Learned {
    /// Returns whether the watch has told of a Namespace.
    pub fn knows(&self, namespace: &str) -> bool {
        self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner).contains(namespace)
    }

    /// Returns whether something has changed that the current snapshot does not show yet.
    pub fn is_settling(&self) -> bool {
        self.0.is_settling.load(Ordering::Acquire)
    }

    /// Returns what changes whenever a review may be decided otherwise.
    pub fn told(&self) -> watch::Receiver<()> {
        self.0.told.subscribe()
    }

    /// Notes that the current snapshot shows all Tenants up to a version.
    pub fn show_tenants(&self, version: u64) {
        self.0.tenants.send_if_modified(|shown| {
            let is_newer = version > *shown;
            *shown = version.max(*shown);
            is_newer
        });
    }

    /// Says where to ask which version the newest Tenant has. The first one to say so is right.
    pub fn ask_at(&self, questions: mpsc::Sender<Question>) {
        self.0.questions.get_or_init(|| questions);
    }

    /// Waits until the current snapshot shows all Tenants that the API server has now.
    ///
    /// Returns whether it does: without a cluster nobody can tell, and neither if the API server does not answer.
    pub async fn catch_up(&self) -> bool {
        let Some(questions) = self.0.questions.get() else { return false };
        let mut tenants = self.0.tenants.subscribe();
        let (question, answer) = oneshot::channel();
        if questions.send(question).await.is_err() {
            return false;
        }
        let Ok(newest) = answer.await else { return false };
        tenants.wait_for(|shown| *shown >= newest).await.is_ok()
    }

    /// Replaces all names.
    pub fn replace(&self, names: impl Iterator<Item = Box<str>>) {
        *self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner) = names.collect();
    }

    /// Adds a name.
    pub fn add(&self, namespace: &str) {
        self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner).insert(namespace.into());
    }

    /// Removes a name.
    pub fn remove(&self, namespace: &str) {
        self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner).remove(namespace);
    }

    /// Notes that something has changed that the current snapshot does not show yet.
    pub fn begin(&self) {
        self.0.is_settling.store(true, Ordering::Release);
    }

    /// Notes that the current snapshot shows all that is known, and wakes the reviews that wait for it.
    pub fn finish(&self) {
        self.0.is_settling.store(false, Ordering::Release);
        self.0.told.send_replace(());
    }
}
