//! Where the snapshot lives: one writes, everybody reads, nobody waits.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use partywall_core::tenancy::Snapshot;

/// A place for a snapshot, empty at first: the one hand that writes it, and as many eyes as needed.
pub fn store() -> (Writer, Reader) {
    let reader = Reader(Arc::new(ArcSwapOption::empty()));
    (Writer(reader.clone()), reader)
}

/// The one that writes. It cannot be cloned.
#[derive(Debug)]
pub struct Writer(Reader);

impl Writer {
    /// From now on, reviews are decided by `snapshot`; those under way keep the one they have.
    pub fn replace(&mut self, snapshot: Arc<Snapshot>) {
        self.0.0.store(Some(snapshot));
    }

    /// The snapshot that holds.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.0.0.load_full()
    }
}

/// One that reads.
#[derive(Clone, Debug)]
pub struct Reader(Arc<ArcSwapOption<Snapshot>>);

impl Reader {
    /// The snapshot that holds, if there is one yet.
    pub fn load(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.0.load()
    }
}
