//! Reads the objects in a file of YAML or JSON: its documents, and the items of Lists.

#![expect(clippy::disallowed_methods, reason = "this module reads manifests")]

use std::fmt::Display;
use std::io::{self, Read as _};
use std::path::Path;

use partywall_core::api::GROUP;
use serde_json::Value;

use super::flaws::Flaw;
use super::list::{Content, Lists, take_apart};
use super::yaml;

/// An object in a file, or the flaw in its place.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) position: Position,
    pub(crate) content: Result<Value, Flaw>,
    /// A policy with the words that YAML takes for booleans, if it has any.
    pub(crate) written: Option<Value>,
}

/// The position of an object in its file.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    /// The number of the document, from 1.
    pub(crate) document: usize,
    /// True if the file has no other document.
    pub(crate) is_only_document: bool,
    /// The index in each List that the object is in, the outermost first.
    pub(crate) items: Vec<usize>,
}

/// Reads the objects of a file in order; empty documents are left out.
pub(crate) fn entries(bytes: &[u8], lists: Lists) -> Result<Vec<Entry>, yaml::NotUtf8> {
    let text = yaml::text(bytes)?;
    let documents = yaml::documents(text);
    let is_only_document = documents.len() == 1;
    // Parsing twice is for policies only, of which other manifests hold few.
    let may_hold_policies = lists == Lists::Strict || text.contains(GROUP);
    let mut entries = Vec::new();
    for document in documents {
        let position = Position { document: document.number, is_only_document, items: Vec::new() };
        let written = if may_hold_policies { document.written() } else { None };
        match document.content {
            Ok(value) => expand(position, value, written.as_ref(), lists, &mut entries),
            Err(yaml::SyntaxError { line, column, message }) => {
                let flaw = Flaw::without_value(format!("line {line}, column {column}"), message);
                entries.push(Entry { position, content: Err(flaw), written: None });
            }
        }
    }
    Ok(entries)
}

fn expand(position: Position, value: Value, written: Option<&Value>, lists: Lists, entries: &mut Vec<Entry>) {
    let (items, flaws) = match take_apart(value, lists, !position.items.is_empty()) {
        Content::Object(object) => {
            let written = written.filter(|_| lists == Lists::Strict || is_policy(&object)).cloned();
            return entries.push(Entry { position, content: Ok(object), written });
        }
        Content::Items(items, flaws) => (items, flaws),
    };
    for (index, item) in items.into_iter().enumerate() {
        let written = written.and_then(|written| written.get("items")?.get(index));
        let mut position = position.clone();
        position.items.push(index);
        expand(position, item, written, lists, entries);
    }
    for flaw in flaws {
        entries.push(Entry { position: position.clone(), content: Err(flaw), written: None });
    }
}

/// An object of a manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// The path as given; with several objects in a file also the number of the document and the item.
    pub(crate) source: String,
    pub(crate) object: Value,
    /// A policy with the words that YAML takes for booleans.
    pub(crate) written: Option<Value>,
}

/// Reads the objects of a manifest; `-` reads stdin.
pub(crate) fn read_manifest(path: &Path) -> Vec<Result<Manifest, Problem>> {
    let file = path.display().to_string();
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => return vec![Err(Problem::new(file, format_args!("cannot be read: {error}")))],
    };
    let entries = match entries(&bytes, Lists::AnyKind) {
        Ok(entries) => entries,
        Err(error) => return vec![Err(Problem::new(file, error))],
    };
    let manifest = |Entry { position, content, written }| {
        let source = source(&file, &position);
        match content {
            Ok(object) => Ok(Manifest { source, object, written }),
            Err(Flaw { path, message, .. }) if path.is_empty() => Err(Problem::new(source, message)),
            Err(Flaw { path, message, .. }) => Err(Problem::new(source, format_args!("{path}: {message}"))),
        }
    };
    entries.into_iter().map(manifest).collect()
}

/// `web.yaml`, or with several objects `web.yaml#2.items[0]`.
fn source(file: &str, Position { document, is_only_document, items }: &Position) -> String {
    if *is_only_document && items.is_empty() {
        return file.to_owned();
    }
    let items: String = items.iter().map(|index| format!(".items[{index}]")).collect();
    format!("{file}#{document}{items}")
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path)
}

/// The reason that an object could not be assessed.
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

/// Returns whether an object is one of partywall's own.
pub(crate) fn is_policy(object: &Value) -> bool {
    let version = object.get("apiVersion").and_then(Value::as_str);
    version.and_then(|version| version.split_once('/')).is_some_and(|(group, _)| group == GROUP)
}
