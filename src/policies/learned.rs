//! What the watches of a cluster have told so far, beside the snapshot.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

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
