//! Stores the current snapshot: one writer replaces it, and many readers load it without waiting.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use partywall_core::tenancy::Snapshot;

use super::Declared;
use super::learned::Learned;

/// Creates an empty store, and returns its writer and a reader.
pub fn store() -> (Writer, Reader) {
    let snapshot = Arc::new(ArcSwapOption::empty());
    let reader = Reader { snapshot, declared: Arc::new(ArcSwapOption::empty()), learned: None };
    (Writer(reader.clone()), reader)
}

/// The writer of the store. It cannot be cloned, so there is only one.
#[derive(Debug)]
pub struct Writer(Reader);

impl Writer {
    /// Replaces the snapshot; reviews under way keep the one that they have.
    pub fn replace(&mut self, snapshot: Arc<Snapshot>) {
        self.0.snapshot.store(Some(snapshot));
    }

    /// Replaces the objects of the cluster, by which new ones are judged.
    pub fn replace_declared(&mut self, declared: Arc<Declared>) {
        self.0.declared.store(Some(declared));
    }

    /// Returns the current snapshot.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.0.snapshot.load_full()
    }
}

/// A reader of the store.
#[derive(Clone, Debug)]
pub struct Reader {
    snapshot: Arc<ArcSwapOption<Snapshot>>,
    declared: Arc<ArcSwapOption<Declared>>,
    /// What a cluster has told; `None` if the policies are files.
    learned: Option<Learned>,
}

impl Reader {
    /// Returns the current snapshot, or `None` if there is none yet.
    pub fn load(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.snapshot.load()
    }

    /// Returns the objects of the cluster, or `None` if the policies are files.
    pub(crate) fn declared(&self) -> Guard<Option<Arc<Declared>>> {
        self.declared.load()
    }

    /// Returns the same reader, for the policies of a cluster.
    #[must_use]
    pub fn learning(self, learned: Learned) -> Self {
        Self { learned: Some(learned), ..self }
    }

    /// Returns what a cluster has told.
    pub const fn learned(&self) -> Option<&Learned> {
        self.learned.as_ref()
    }
}
