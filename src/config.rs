//! placeholder

use crate::admission::tenancy::Snapshot;
use crate::api::Mistake;

/// A snapshot that may be used, and what is worth a warning.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What is worth a warning.
    pub warnings: Vec<Mistake>,
}
