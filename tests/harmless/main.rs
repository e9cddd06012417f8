//! A corpus of harmless objects that must never be denied, each with the objects that the cluster creates from it.
//!
//! `tests/harmless/<family>/<name>.yaml` says `why` something might be taken for an attack and is none, and what
//! happens, step by step ([`entry`]). Every step is expected to be allowed, without a warning. What follows from
//! the steps is not written down: the controllers make pods of the templates, the scheduler binds them, and in
//! the end everything is labelled, finalized and removed ([`aftermath`]).
//!
//! [`histories`] asks the same of random lives of an object.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads files, and fails by panicking"
)]

mod aftermath;
mod cluster;
mod controllers;
mod entry;
mod histories;
mod request;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::civil::date;
use libtest_mimic::{Arguments, Failed, Trial};
use partywall::policies as configured;
use partywall_core::tenancy::Snapshot;

use self::cluster::Cluster;
use self::entry::Entry;

fn main() -> ExitCode {
    let policies = Arc::new(policies());
    let mut trials: Vec<Trial> = files().into_iter().map(|file| trial(file, &policies)).collect();
    trials.extend(histories::trials(&policies));
    trials.push(Trial::test("a_denial_is_noticed", move || a_denial_is_noticed(&policies)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Returns the folder of the corpus.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harmless")
}

fn policies() -> Snapshot {
    let loaded = configured::load(&[here().join("policies.yaml")], date(2026, 11, 20));
    loaded.unwrap_or_else(|error| panic!("{error}")).snapshot
}

/// The files of all families, in order.
fn files() -> Vec<PathBuf> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let families = list(&here()).into_iter().filter(|path| path.is_dir());
    let mut files: Vec<_> = families.flat_map(|family| list(&family)).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "no corpus");
    files
}

/// The test of a file, called `<family>/<name>`.
fn trial(file: PathBuf, policies: &Arc<Snapshot>) -> Trial {
    let name = file.strip_prefix(here()).unwrap().with_extension("").display().to_string();
    let policies = Arc::clone(policies);
    Trial::test(name, move || Ok(perform(&Entry::read(&file)?, &policies)?))
}

fn perform(entry: &Entry, policies: &Snapshot) -> Result<(), String> {
    let mut cluster = Cluster::new(policies);
    for (index, step) in entry.steps.iter().enumerate() {
        cluster.step(step).map_err(|error| format!("step {}: {error}", index + 1))?;
    }
    aftermath::happens(&mut cluster)
}

/// Checks that a violation is noticed in a step, and in the requests that follow from the steps.
fn a_denial_is_noticed(policies: &Snapshot) -> Result<(), Failed> {
    let pod = "{hostPID: true, containers: [{name: a, image: a}]}";
    for (object, where_) in [
        (
            format!("create: {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {pod}}}"),
            "step 1: Validate CREATE Pod",
        ),
        (
            format!(
                "create: {{apiVersion: example.com/v1, kind: Job, metadata: {{name: a}}, \
                 spec: {{template: {{metadata: {{labels: {{}}}}, spec: {pod}}}}}}}"
            ),
            "Validate CREATE Pod",
        ),
    ] {
        let entry = Entry::parse(&format!("why: Bad.\nsteps: [{{{object}}}]"))?;
        let answer = perform(&entry, policies);
        let is_noticed =
            answer.as_ref().is_err_and(|error| error.starts_with(where_) && error.contains("denied"));
        if !is_noticed {
            return Err(format!("{object}: {answer:?}").into());
        }
    }
    Ok(())
}
