//! Which manifests are meant, and the objects in them.

#![expect(clippy::disallowed_methods, reason = "reading manifests is what this module is for")]

use std::fmt::Display;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use partywall_core::api::GROUP;
use serde_json::Value;
use walkdir::WalkDir;

use super::files::is_manifest;
use super::yaml;

/// An object that was read.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// The path as given, with the document's number where a file holds several, and the place in a List.
    pub(crate) source: String,
    /// The object.
    pub(crate) object: Value,
    /// A policy with the words that kubectl takes for booleans.
    pub(crate) written: Option<Value>,
}

/// The files that `paths` mean, folders with all that is below them, and what cannot be read.
pub(crate) fn list_below(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Problem>) {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        if path.is_dir() {
            let is_shown = |entry: &walkdir::DirEntry| {
                entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
            };
            let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
            for entry in walk.filter_entry(is_shown) {
                match entry {
                    Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                        files.push(entry.into_path());
                    }
                    Ok(_) => {}
                    Err(error) => problems.push(Problem::new(path.display(), error)),
                }
            }
        } else {
            files.push(path.clone());
        }
    }
    (files, problems)
}

/// The objects of a file, Lists taken apart.
pub(crate) fn objects(path: &Path) -> Vec<Result<Manifest, Problem>> {
    let name = path.display().to_string();
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => return vec![Err(Problem::new(name, format_args!("cannot be read: {error}")))],
    };
    let text = match yaml::text(&bytes) {
        Ok(text) => text,
        Err(message) => return vec![Err(Problem::new(name, message))],
    };
    let documents = yaml::documents(text);
    let is_one = documents.len() == 1;
    let mut manifests = Vec::new();
    for document in documents {
        let number = document.number;
        let place = Place { file: &name, number, is_one, items: String::new() };
        let written = if text.contains(GROUP) { document.written() } else { None };
        match document.content {
            Ok(object) => expand(&place, object, written.as_ref(), &mut manifests),
            Err(yaml::SyntaxError { line, column, message }) => {
                let message = format_args!("line {line}, column {column}: {message}");
                manifests.push(Err(Problem::new(place.source(), message)));
            }
        }
    }
    manifests
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path)
}

/// Where an object stands.
struct Place<'p> {
    file: &'p str,
    /// The document's number in the file.
    number: usize,
    /// Whether it is the only document.
    is_one: bool,
    /// `.items[n]`, once for each List that it is in.
    items: String,
}

impl Place<'_> {
    fn source(&self) -> String {
        let Self { file, number, is_one, items } = self;
        if *is_one && items.is_empty() { (*file).to_owned() } else { format!("{file}#{number}{items}") }
    }
}

/// A List's items, and theirs; anything else as it is. In a `PodList` the items need not say what they are.
fn expand(
    place: &Place<'_>,
    object: Value,
    written: Option<&Value>,
    manifests: &mut Vec<Result<Manifest, Problem>>,
) {
    let of_list = object.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List"));
    if of_list == Some("") && !object.get("items").is_some_and(Value::is_array) {
        let message = "a List needs `items`, a list of objects";
        manifests.push(Err(Problem::new(place.source(), message)));
        return;
    }
    let (Some(item_kind), Some(Value::Array(_))) = (of_list.map(str::to_owned), object.get("items")) else {
        let written = written.filter(|_| is_policy(&object)).cloned();
        manifests.push(Ok(Manifest { source: place.source(), object, written }));
        return;
    };
    let Value::Object(mut list) = object else { return };
    let version = list.remove("apiVersion");
    let Some(Value::Array(items)) = list.remove("items") else { return };
    let written = written.and_then(|written| written.get("items"));
    for (index, mut item) in items.into_iter().enumerate() {
        if let (Value::Object(fields), false) = (&mut item, item_kind.is_empty()) {
            fields.entry("kind").or_insert_with(|| Value::from(item_kind.as_str()));
            if let Some(version) = &version {
                fields.entry("apiVersion").or_insert_with(|| version.clone());
            }
        }
        let place = Place { items: format!("{}.items[{index}]", place.items), ..*place };
        expand(&place, item, written.and_then(|written| written.get(index)), manifests);
    }
}

/// Why something could not be judged.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) source: String,
    /// At least one.
    pub(crate) messages: Vec<String>,
}

impl Problem {
    pub(crate) fn new(source: impl Display, message: impl Display) -> Self {
        Self { source: source.to_string(), messages: vec![message.to_string()] }
    }
}

/// Whether an object is one of partywall's own.
pub(crate) fn is_policy(object: &Value) -> bool {
    let version = object.get("apiVersion").and_then(Value::as_str);
    version.and_then(|version| version.split_once('/')).is_some_and(|(group, _)| group == GROUP)
}
