//! Files of objects → a checked snapshot.
//!
//! `path` → [`manifests`] → objects as values → [`document`] (structure, by [`schema`]) → typed objects →
//! [`Snapshot::compile_beside`] (sense) → [`Loaded`].
//!
//! A load reports every mistake of every file at once. It goes on with an object without the fields that have flaws,
//! and leaves out the mistakes that only follow from these flaws ([`consequences`]). Nothing here decides about a
//! request or reads the clock: the date is an argument.
//!
//! INVARIANT: a [`Loaded`] has no mistakes and covers every file that was meant. If a load fails, its caller keeps the
//! snapshot that it has.

mod consequences;
pub(super) mod document;
mod grouped;
mod metadata;
mod places;
mod schema;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use partywall_core::api::{Located, Mistake, Source, Spec};
use partywall_core::tenancy::{Compiled, Snapshot, Unparsed};
use serde_json::Value;
use thiserror::Error;

pub(crate) use self::grouped::grouped;
pub(crate) use self::places::Finder;
use self::places::Texts;
pub(crate) use self::written::{Written, WrittenObject};
use crate::manifests::{self, Entry, Flaw, Listed, Lists, Unreadable};

/// A snapshot without mistakes, and warnings.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The warnings, sorted.
    pub warnings: Vec<Mistake>,
}

/// The reason that there is no snapshot.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Some files or folders cannot be read.
    #[error("{}", lines(unreadable.iter().map(ToString::to_string).chain(grouped(mistakes))))]
    Unreadable {
        /// All of them.
        unreadable: Vec<Unreadable>,
        /// The mistakes in the other files, sorted.
        mistakes: Vec<Mistake>,
    },
    /// The files have mistakes; all of them, sorted.
    #[error("{}", lines(grouped(.0)))]
    Mistaken(Vec<Mistake>),
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// Loads the objects of the files and folders, as of `today`.
pub fn load(paths: &[PathBuf], today: Date) -> Result<Loaded, LoadError> {
    let (read, place) = read(paths);
    read.compile(place, today)
}

/// Loads the objects like [`load`], or the demonstration without paths, and returns them as they were written too.
pub(crate) fn load_written(paths: &[PathBuf], today: Date) -> Result<(Loaded, Written), LoadError> {
    let (read, place) = if paths.is_empty() { read_demo() } else { read(paths) };
    let written = Written::of(&read);
    Ok((read.compile(place, today)?, written))
}

/// Reads the files and folders; returns also what mistakes of all of them together are reported for.
fn read(paths: &[PathBuf]) -> (Read, String) {
    let mut read = Read::default();
    let Listed { files, unreadable, subfolders } = manifests::list(paths);
    for error in unreadable {
        read.unreadable(error);
    }
    for folder in subfolders.iter().filter(|folder| manifests::holds_manifest(folder)) {
        let message = "this is not read: folders are read without their subfolders".to_owned();
        let source = Source::file(folder.display().to_string());
        read.warnings.push(Flaw::without_value("", message).in_object(source, String::new()));
    }
    for file in files {
        match manifests::read(&file) {
            Ok(bytes) => read.file(&file.display().to_string(), &bytes),
            Err(error) => read.unreadable(error),
        }
    }
    (read, paths.first().map_or(Path::new("."), PathBuf::as_path).display().to_string())
}

/// Loads the embedded demonstration: one tenant on nodes of its own.
pub fn demo(today: Date) -> Result<Loaded, LoadError> {
    let (read, place) = read_demo();
    read.compile(place, today)
}

fn read_demo() -> (Read, String) {
    const DEMO: &str = include_str!("../../policies/examples/eks.yaml");
    const PATH: &str = "policies/examples/eks.yaml (embedded)";
    let mut read = Read::default();
    read.file(PATH, DEMO.as_bytes());
    (read, PATH.to_owned())
}

/// Returns all mistakes of one object, except in what it refers to.
///
/// `written` is the object with the words that YAML takes for booleans.
pub(crate) fn inspect(source: &str, object: Value, written: Option<&Value>, today: Date) -> Vec<Mistake> {
    let mut read = Read { unparsed: vec![Unparsed::default()], ..Read::default() };
    read.object(Source::file(source), object, written);
    match read.compile(source.to_owned(), today) {
        Ok(_) => Vec::new(),
        Err(LoadError::Unreadable { mistakes, .. } | LoadError::Mistaken(mistakes)) => mistakes,
    }
}

/// Everything read so far.
#[derive(Default)]
struct Read {
    objects: Vec<Located>,
    unparsed: Vec<Unparsed>,
    unreadable: Vec<Unreadable>,
    /// The flaws of structure, each with its object's kind and name.
    flaws: Vec<(Source, String, Flaw)>,
    warnings: Vec<Mistake>,
    texts: Texts,
}

impl Read {
    fn file(&mut self, path: &str, bytes: &[u8]) {
        let entries = match manifests::entries(bytes, Lists::Strict) {
            Ok(entries) => entries,
            Err(error) => return self.lost(path, error.to_string()),
        };
        if entries.is_empty() {
            // An editor that writes a file in place empties it first.
            return self.lost(path, "the file holds no object; delete the file or fill it".to_owned());
        }
        for Entry { position, content, written } in entries {
            let item = position.items.first().copied();
            let source = Source { item, line: position.line, ..Source::document(path, position.document) };
            match content {
                Ok(value) => self.object(source, value, written.as_ref()),
                Err(flaw) => self.flaws.push((source, String::new(), flaw)),
            }
        }
        self.texts.add(path, bytes);
    }

    fn object(&mut self, source: Source, value: Value, written: Option<&Value>) {
        let document::Read { content, flaws, object } = document::read(value, written);
        self.flaws.extend(flaws.into_iter().map(|flaw| (source.clone(), object.clone(), flaw)));
        match content {
            document::Content::Object(object) => self.objects.push(Located { source, object }),
            document::Content::Refused(unparsed) => self.unparsed.extend(unparsed),
        }
    }

    /// Notes a file that cannot be read, in which any object may be that others refer to.
    fn unreadable(&mut self, error: Unreadable) {
        self.unreadable.push(error);
        self.unparsed.push(Unparsed::default());
    }

    /// Notes a file whose content is unknown.
    fn lost(&mut self, path: &str, message: String) {
        self.flaws.push((Source::file(path), String::new(), Flaw::without_value("", message)));
        self.unparsed.push(Unparsed::default());
    }

    /// Compiles the objects; mistakes of all of them together are reported for `place`.
    fn compile(self, place: String, today: Date) -> Result<Loaded, LoadError> {
        let Self { objects, unparsed, unreadable, flaws, warnings: mut early, texts } = self;
        let is_class = |located: &&Located| matches!(located.object.spec, Spec::TenantClass(_));
        let classes: Vec<Source> =
            objects.iter().filter(is_class).map(|class| class.source.clone()).collect();
        let (compiled, errors) = match Snapshot::compile_beside(objects, &unparsed, today) {
            Ok(compiled) => (Some(compiled), Vec::new()),
            Err(errors) => (None, errors),
        };
        match compiled {
            Some(Compiled { snapshot, warnings }) if flaws.is_empty() && unreadable.is_empty() => {
                if snapshot.tenants().is_empty() {
                    early.insert(0, no_tenant(place));
                }
                early.extend(warnings);
                texts.locate(&mut early);
                Ok(Loaded { snapshot, warnings: early })
            }
            Some(_) | None => {
                let mut mistakes = all(flaws, errors, &classes);
                texts.locate(&mut mistakes);
                Err(if unreadable.is_empty() {
                    LoadError::Mistaken(mistakes)
                } else {
                    LoadError::Unreadable { unreadable, mistakes }
                })
            }
        }
    }
}

/// Returns the flaws of structure, and the errors that don't follow from them, sorted.
///
/// What a Tenant has from one of the `classes` may lack what has a flaw there.
fn all(flaws: Vec<(Source, String, Flaw)>, errors: Vec<Mistake>, classes: &[Source]) -> Vec<Mistake> {
    let mut by_source: BTreeMap<Source, Vec<Flaw>> = BTreeMap::new();
    let mut objects: BTreeMap<Source, String> = BTreeMap::new();
    for (source, object, flaw) in flaws {
        objects.insert(source.clone(), object);
        by_source.entry(source).or_default().push(flaw);
    }
    let mut mistakes: Vec<_> = errors
        .into_iter()
        .filter(|error| {
            let flaws = by_source.get(&error.source).map(Vec::as_slice).unwrap_or_default();
            let of_classes = classes.iter().filter_map(|class| by_source.get(class)).flatten();
            !consequences::is_consequence(error, flaws)
                && !of_classes.into_iter().any(|flaw| consequences::is_about_pools(error, flaw))
        })
        .collect();
    for (source, flaws) in by_source {
        let object = objects.remove(&source).unwrap_or_default();
        mistakes.extend(flaws.into_iter().map(|flaw| flaw.in_object(source.clone(), object.clone())));
    }
    mistakes.sort();
    mistakes
}

fn no_tenant(path: String) -> Mistake {
    let message = "there is no Tenant, so every namespace is unclaimed and nothing is stamped; add one";
    Flaw::without_value("kind", message).in_object(Source::file(path), String::new())
}
