//! What the fuzz targets share: the policies, the seeds, reviews as JSON trees, and a mutator that keeps them JSON.

pub mod base;
mod dice;
pub mod mutation;
pub mod review;
pub mod scheduler;
pub mod seeds;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::civil::date;
use partywall::policies;
use partywall_core::tenancy::Snapshot;

/// The policies that every review is judged by.
pub fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
        let files = [fixtures().join("rules/policies.yaml"), here().join("policies.yaml")];
        policies::load(&files, date(2026, 11, 20)).unwrap_or_else(|error| panic!("{error}")).snapshot
    });
    &SNAPSHOT
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> PathBuf {
    here().join("../tests/fixtures")
}
