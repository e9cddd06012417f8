//! Which files are read, and whether they have changed.

#![expect(clippy::disallowed_methods, reason = "reading files is what this module is for")]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::LoadError;

/// The files that `paths` mean: a file itself, a folder's YAML and JSON files in the order of their names.
///
/// A folder is not descended into: in a mounted ConfigMap the files are symlinks into a hidden folder beside
/// them, and would be read twice.
pub(super) fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        if metadata.is_dir() {
            files.extend(list_folder(path).map_err(|error| unreadable(path, error))?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn list_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_manifest(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether the name is one of a YAML or JSON file that is not hidden.
pub(crate) fn is_manifest(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(|extension| extension.to_str());
    !is_hidden && matches!(extension, Some("yaml" | "yml" | "json"))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> LoadError {
    LoadError::Unreadable { path: path.to_owned(), error }
}

/// What tells whether a load would read something else than the last one, without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// On another day, other exemptions have expired.
    today: Date,
    files: Vec<(PathBuf, Option<Stat>)>,
}

/// What of a file changes with its content. A kubelet swaps the folder behind a symlink, which shows in the
/// inode; an editor that keeps length and time shows in the change time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    len: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The fingerprint of the files that [`load`](super::load) would read. What cannot be read has a fingerprint too:
/// the load will say so.
pub fn fingerprint(paths: &[PathBuf], today: Date) -> Fingerprint {
    let files = paths
        .iter()
        .flat_map(|path| list(std::slice::from_ref(path)).unwrap_or_else(|_| vec![path.clone()]))
        .map(|path| {
            let stat = fs::metadata(&path).ok().map(|metadata| Stat {
                len: metadata.len(),
                inode: metadata.ino(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
            });
            (path, stat)
        })
        .collect();
    Fingerprint { today, files }
}
