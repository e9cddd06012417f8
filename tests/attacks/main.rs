//! The attack suite: every row of the catalogue of threats that is grave enough is a test, named by its id.
//!
//! `<area>/<ID>-<reason>.yaml` says in a sentence what a tenant tries and what partywall does, and shows it: requests
//! as the API server sends them, each with the answer that is expected. It names the other tests that show what a
//! request cannot. If admission cannot close the row, it says why, and what the operator should do.
//! `policies/ATTACKS.md` is the table of all rows: `UPDATE_DOCS=1 cargo test --test attacks` writes it. The suite needs
//! no cluster.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test reads its files, and fails by panicking"
)]

mod catalogue;
mod entry;
mod perform;
mod registered;
mod request;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::civil::date;
use libtest_mimic::{Arguments, Failed, Trial};
use partywall::policies;
use partywall_core::tenancy::Snapshot;

use self::catalogue::AREAS;
use self::entry::Entry;

/// A path in the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn snapshot() -> Snapshot {
    policies::load(&[repository("tests/attacks/policies.yaml")], date(2026, 11, 20))
        .unwrap_or_else(|error| panic!("{error}"))
        .snapshot
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let snapshot = Arc::new(snapshot());
    let mut trials = vec![
        trial("every_row_has_its_entry_and_no_other_has", catalogue::is_complete),
        trial("the_table_is_the_suite", table::is_current),
    ];
    for id in AREAS.iter().flat_map(catalogue::Area::ids) {
        // A row without a readable file fails as itself.
        let pending = Entry::read(&id).is_ok_and(|entry| entry.steps.iter().any(|step| step.pending));
        let asked = Arc::clone(&snapshot);
        let now = id.clone();
        trials.push(trial(id.clone(), move || perform::perform(&Entry::read(&now)?, &asked, false)));
        if pending {
            let (asked, later) = (Arc::clone(&snapshot), id.clone());
            let run = move || perform::perform(&Entry::read(&later)?, &asked, true);
            trials.push(trial(format!("{id}_pending"), run).with_ignored_flag(true));
        }
    }
    libtest_mimic::run(&args, trials).exit_code()
}

fn trial(name: impl Into<String>, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, move || run().map_err(Failed::from))
}
