//! The folder of a run's files. It is in cargo's target folder, so that `cargo clean` removes it too.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const PREFIX: &str = "e2e-";
const LOCK: &str = "lock";

/// The folder of this run; it stays, unless it is removed.
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked as long as the run lasts: a folder without a lock is not in use any more.
    _lock: File,
}

impl Folder {
    /// Makes a new one, and removes those of earlier runs.
    pub(crate) fn make() -> Self {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        if !keep() {
            remove_abandoned(parent);
        }
        // Locked before it has the name by which another run would find it.
        let hidden = tempfile::Builder::new().prefix(".").tempdir_in(parent).unwrap().keep();
        let lock = File::create(hidden.join(LOCK)).unwrap();
        lock.lock().unwrap();
        let name = hidden.file_name().unwrap().to_string_lossy().replace('.', "");
        let path = parent.join(format!("{PREFIX}{name}"));
        fs::rename(&hidden, &path).unwrap();
        Self { path, _lock: lock }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, unless the environment says to keep it.
    pub(crate) fn remove(self) {
        if keep() {
            self.keep();
        } else {
            fs::remove_dir_all(&self.path).unwrap();
        }
    }

    /// Prints its path, and leaves it in place.
    pub(crate) fn keep(self) {
        println!("logs: {}", self.path.display());
    }
}

/// Tells whether the environment says to keep the logs of a run that succeeds.
fn keep() -> bool {
    env::var_os("PARTYWALL_E2E_KEEP").is_some_and(|value| value == "1")
}

fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).unwrap().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = File::open(entry.path().join(LOCK));
        if is_ours && lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            // Another run may do the same at the same time.
            let _removed = fs::remove_dir_all(entry.path());
        }
    }
}
