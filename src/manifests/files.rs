//! Lists manifest files, and detects that they have changed.
//!
//! INVARIANT: every path that is named like a manifest is either listed or reported as unreadable.

#![expect(clippy::disallowed_methods, reason = "reading files is what this module is for")]

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use walkdir::{DirEntry, WalkDir};

/// A file or folder that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The file or folder.
    pub path: PathBuf,
    /// The reason.
    pub error: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot be read: {}", self.path.display(), self.error)
    }
}

/// The files that paths refer to.
#[derive(Default)]
pub(crate) struct Listed {
    /// Files that are named, and the YAML and JSON files of folders, sorted by name.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// Subfolders, which are not read.
    pub(crate) subfolders: Vec<PathBuf>,
}

/// Lists the files that `paths` refer to, without subfolders.
///
/// In a mounted ConfigMap the files are symlinks into a hidden folder beside them, and would be read twice.
pub(crate) fn list(paths: &[PathBuf]) -> Listed {
    let mut listed = Listed::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => listed.folder(path),
            Ok(_) => listed.files.push(path.clone()),
            Err(error) => listed.unreadable(path, error),
        }
    }
    listed
}

impl Listed {
    fn folder(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        let mut entries: Vec<PathBuf> = match entries {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, error),
        };
        entries.sort();
        for path in entries.into_iter().filter(|path| !is_hidden(path)) {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && !is_manifest(&path) => self.subfolders.push(path),
                _ if !is_manifest(&path) => {}
                Ok(metadata) if metadata.is_file() => self.files.push(path),
                // A mount of a missing file creates a folder of that name; and to read a pipe could take for ever.
                Ok(_) => self.unreadable(&path, io::Error::other("it is named like a file and is none")),
                Err(error) => self.unreadable(&path, error),
            }
        }
    }

    fn unreadable(&mut self, path: &Path, error: io::Error) {
        self.unreadable.push(Unreadable { path: path.to_owned(), error });
    }
}

/// Lists the files that `paths` refer to, with all subfolders.
///
/// Symlinks in a folder are followed to files in it, as in a mounted ConfigMap, but not out of it: who may write into a
/// repository could otherwise have any file of the machine read. Folders in it are read under their own names alone.
pub(crate) fn list_below(paths: &[PathBuf]) -> Listed {
    let mut listed = Listed::default();
    for path in paths {
        if !path.is_dir() {
            listed.files.push(path.clone());
            continue;
        }
        let root = match path.canonicalize() {
            Ok(root) => root,
            Err(error) => {
                listed.unreadable(path, error);
                continue;
            }
        };
        // A folder that is named is meant, even if it is a symlink.
        let walk = WalkDir::new(path).follow_root_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(is_shown) {
            match entry {
                Ok(entry) if entry.file_type().is_symlink() => listed.symlink(entry.path(), &root),
                Ok(entry) if entry.file_type().is_dir() || !is_manifest(entry.path()) => {}
                Ok(entry) if entry.file_type().is_file() => listed.files.push(entry.into_path()),
                Ok(entry) => listed.unreadable(entry.path(), no_regular_file()),
                Err(error) => listed.unreadable(path, error.into()),
            }
        }
    }
    listed
}

impl Listed {
    /// Lists the target of a symlink in a folder.
    fn symlink(&mut self, path: &Path, root: &Path) {
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) if is_manifest(path) => return self.unreadable(path, error),
            Err(_) => return,
        };
        let is_folder = target.is_dir();
        if !is_folder && !is_manifest(path) {
            return;
        }
        if !target.starts_with(root) {
            let message = "it is a symlink out of the folder, which is not followed; name its target too";
            return self.unreadable(path, io::Error::other(message));
        }
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_file() => self.files.push(path.to_owned()),
            Ok(_) if is_folder => {}
            Ok(_) => self.unreadable(path, no_regular_file()),
            Err(error) => self.unreadable(path, error),
        }
    }
}

fn no_regular_file() -> io::Error {
    io::Error::other("it is no regular file; pipe it into `partywall check -`")
}

/// Reads a regular file: to read a pipe or a device could take for ever.
pub(super) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() { fs::read(path) } else { Err(no_regular_file()) }
}

/// Returns whether a name is that of a YAML or JSON file that isn't hidden.
pub(crate) fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is = |name| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(name));
    !is_hidden(path) && ["yaml", "yml", "json"].into_iter().any(is)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_shown(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !is_hidden(entry.path())
}

/// Returns whether a folder or one below it holds a manifest, except in hidden folders.
pub(crate) fn holds_manifest(folder: &Path) -> bool {
    let mut entries = WalkDir::new(folder).into_iter().filter_entry(is_shown).filter_map(Result::ok);
    entries.any(|entry| !entry.file_type().is_dir() && is_manifest(entry.path()))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    fs::read(path).map_err(|error| Unreadable { path: path.to_owned(), error })
}

/// The state of files: a load would read the same as the last one if it is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Exemptions expire with the date.
    today: Date,
    files: Vec<(PathBuf, Option<Stat>)>,
}

/// The metadata of a file that changes with its content.
///
/// If kubelet swaps the folder behind a symlink, the inode changes; if an editor keeps length and time, the change
/// time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    len: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Returns the fingerprint of the files that a load would read, unreadable ones included.
pub fn fingerprint(paths: &[PathBuf], today: Date) -> Fingerprint {
    let Listed { mut files, unreadable, .. } = list(paths);
    files.extend(unreadable.into_iter().map(|unreadable| unreadable.path));
    let files = files
        .into_iter()
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
