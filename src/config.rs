//! Files of objects → a checked snapshot.
//!
//! `path` → [`files`] → `text` → [`yaml`] → documents → [`document`] (structure, by [`schema`]) → objects →
//! [`Snapshot::compile_beside`] (sense) → [`Loaded`].
//!
//! Every mistake of every file is reported at once. Nothing here decides about a request, and nothing here looks
//! at the clock: the date is an argument.
//!
//! INVARIANT: a [`Loaded`] has no mistakes. Who has one already keeps it when a load fails.

mod document;
mod files;
mod schema;
pub(crate) mod yaml;

use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use thiserror::Error;

pub(crate) use self::files::is_manifest;
pub use self::files::{Fingerprint, fingerprint};
use crate::admission::tenancy::{Compiled, Snapshot, Unread};
use crate::api::{Located, Mistake, Source};

/// A snapshot that may be used, and what is worth a warning.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What is worth a warning, sorted.
    pub warnings: Vec<Mistake>,
}

/// Why there is no snapshot.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file or a folder cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What was read has mistakes: all of them, sorted.
    #[error("{}", lines(.0))]
    Mistaken(Vec<Mistake>),
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

/// Loads the objects of the files and folders, as of `today`.
pub fn load(paths: &[PathBuf], today: Date) -> Result<Loaded, LoadError> {
    let mut read = Read::default();
    for file in files::list(paths)? {
        let bytes = files::read(&file)?;
        read.file(&file.display().to_string(), &bytes);
    }
    let place = paths.first().map_or(Path::new("."), PathBuf::as_path).display().to_string();
    read.compile(place, today)
}

/// The embedded demonstration: one tenant on nodes of its own.
pub fn demo(today: Date) -> Result<Loaded, LoadError> {
    const DEMO: &str = include_str!("../policies/examples/eks.yaml");
    const PATH: &str = "policies/examples/eks.yaml (embedded)";
    let mut read = Read::default();
    read.file(PATH, DEMO.as_bytes());
    read.compile(PATH.to_owned(), today)
}

/// What was read so far.
#[derive(Default)]
struct Read {
    objects: Vec<Located>,
    unread: Vec<Unread>,
    mistakes: Vec<Mistake>,
}

impl Read {
    fn file(&mut self, path: &str, bytes: &[u8]) {
        let text = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("the file is not UTF-8: byte {} is wrong", error.valid_up_to() + 1);
                return self.mistake(Source { path: path.to_owned(), document: 1 }, String::new(), message);
            }
        };
        for yaml::Document { number, content } in yaml::documents(text, yaml::Dialect::Policies) {
            let source = Source { path: path.to_owned(), document: number };
            match content {
                Ok(value) => self.document(source, value),
                Err(yaml::SyntaxError { line, column, message }) => {
                    self.mistake(source, format!("line {line}, column {column}"), message);
                }
            }
        }
    }

    fn document(&mut self, source: Source, value: serde_json::Value) {
        match document::read(&source, value) {
            Ok(object) => self.objects.push(Located { source, object }),
            Err(document::Refused { mistakes, unread }) => {
                self.mistakes.extend(mistakes);
                self.unread.extend(unread);
            }
        }
    }

    fn mistake(&mut self, source: Source, path: String, message: String) {
        self.mistakes.push(Mistake { source, path, value: String::new(), message });
    }

    /// Compiles what was read; what is said of all of it is said of `place`.
    fn compile(mut self, place: String, today: Date) -> Result<Loaded, LoadError> {
        let (compiled, errors) = match Snapshot::compile_beside(self.objects, &self.unread, today) {
            Ok(compiled) => (Some(compiled), Vec::new()),
            Err(errors) => (None, errors),
        };
        match compiled {
            Some(Compiled { snapshot, mut warnings }) if self.mistakes.is_empty() => {
                if snapshot.tenants().is_empty() {
                    warnings.insert(0, no_tenant(place));
                }
                Ok(Loaded { snapshot, warnings })
            }
            Some(_) | None => {
                self.mistakes.extend(errors);
                self.mistakes.sort();
                Err(LoadError::Mistaken(self.mistakes))
            }
        }
    }
}

fn no_tenant(path: String) -> Mistake {
    Mistake {
        source: Source { path, document: 1 },
        path: "kind".to_owned(),
        value: String::new(),
        message: "there is no Tenant, so every namespace is unclaimed and nothing is stamped; add one"
            .to_owned(),
    }
}
