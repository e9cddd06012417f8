//! Situations that people of shared clusters report, each a test: what they need works by the narrowest grant.
//!
//! `tests/reports/<name>.yaml` says `why` and from where (`source`), the `policies`, the `grants` that the situation
//! needs, the `nodes`, and the `steps`, as [`case`] describes them. Each step takes the way of the API server: the
//! mutating webhook, the patch, the mutating webhook again (which must change nothing), the validating webhook.
//! A case with grants is two tests: with them every step does what is needed; without them each step that says so is
//! denied `without` them, by a message that names the field that would allow it.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads its files, and fails by panicking"
)]

mod case;
#[expect(dead_code, reason = "the model of the scheduler also changes pods, for tests/isolation")]
#[path = "../isolation/kube.rs"]
mod kube;
mod nodes;
mod perform;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use self::case::Case;

fn main() -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), files().iter().flat_map(|file| trials(file)).collect())
        .exit_code()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.extension().is_some_and(|name| name == "yaml")).collect();
    files.sort();
    files
}

fn trials(file: &Path) -> Vec<Trial> {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(file).unwrap();
    match Case::read(&text) {
        // A file that cannot be read fails as itself.
        Err(error) => vec![trial(name, move || Err(error))],
        Ok(case) if case.grants.is_empty() => vec![trial(name, move || perform::perform(&case, true))],
        Ok(case) => {
            let same = case.clone();
            let without = trial(format!("{name}_without_its_grants"), move || perform::perform(&same, false));
            vec![trial(name, move || perform::perform(&case, true)), without]
        }
    }
}

fn trial(name: String, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, move || run().map_err(Failed::from))
}
