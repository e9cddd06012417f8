//! Reads the objects in a file of YAML or JSON: its documents, and the items of Lists.

use std::convert::Infallible;
use std::fmt::Display;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::Path;

use partywall_core::api::GROUP;
use serde_json::Value;

use super::files::read_regular;
use super::flaws::Flaw;
use super::list::{Content, Lists, take_apart};
use super::locations::Location;
use super::yaml::{self, Document};

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
    /// The line on which the document begins, from 1.
    pub(crate) line: u64,
    /// True if the file has no other document.
    pub(crate) is_only_document: bool,
    /// The index in each List that the object is in, the outermost first.
    pub(crate) items: Vec<usize>,
}

/// Reads the objects of a file in order; empty documents are left out.
pub(crate) fn entries(bytes: &[u8], lists: Lists) -> Result<Vec<Entry>, yaml::NotUtf8> {
    let mut entries = Vec::new();
    let read = each_document(yaml::text(bytes)?, lists, |document, mut of_document| {
        for Entry { position, .. } in &mut of_document {
            if !position.items.is_empty() {
                position.line = document.location(&items(position)).line;
            }
        }
        entries.append(&mut of_document);
        ControlFlow::<Infallible>::Continue(())
    });
    match read {
        ControlFlow::Continue(()) => Ok(entries),
    }
}

/// The places of the fields of all documents of a file.
pub(crate) struct FilePlaces<'t>(Vec<Document<'t>>);

impl<'t> FilePlaces<'t> {
    /// Splits a text into documents, but parses none.
    pub(crate) fn new(text: &'t str) -> Self {
        Self(yaml::unparsed(text).collect())
    }

    /// Returns the place of a field of the document of this number, from 1, or of an item of it, if it is a List.
    pub(crate) fn of(&self, document: usize, item: Option<usize>, path: &str) -> Option<Location> {
        let document = self.0.get(document.checked_sub(1)?)?;
        Some(match item {
            Some(item) => {
                let dot = if path.is_empty() { "" } else { "." };
                document.location(&format!("items[{item}]{dot}{path}"))
            }
            None => document.location(path),
        })
    }
}

/// Calls a function with each document and its objects, one after the other, until it breaks.
fn each_document<B>(
    text: &str,
    lists: Lists,
    mut take: impl FnMut(&Document<'_>, Vec<Entry>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    // Parsing twice is for policies only, of which other manifests hold few.
    let may_hold_policies = lists == Lists::Strict || text.contains(GROUP);
    let mut documents = yaml::documents(text).peekable();
    let mut is_first = true;
    while let Some((document, content)) = documents.next() {
        let is_only_document = std::mem::take(&mut is_first) && documents.peek().is_none();
        let (number, line) = (document.number, document.first_line());
        let position = Position { document: number, line, is_only_document, items: Vec::new() };
        let mut entries = Vec::new();
        match content {
            Ok(value) => {
                let written = if may_hold_policies { document.written(&value) } else { None };
                expand(position, value, written.as_ref(), lists, &mut entries);
            }
            Err(error) => {
                entries.push(Entry { position, content: Err(Flaw::of_syntax(error)), written: None });
            }
        }
        take(&document, entries)?;
    }
    ControlFlow::Continue(())
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
pub(crate) struct Manifest<'d> {
    /// The path as given; with several objects in a file also the number of the document and the item.
    pub(crate) source: String,
    /// The path as given.
    pub(crate) file: String,
    pub(crate) object: Value,
    /// A policy with the words that YAML takes for booleans.
    pub(crate) written: Option<Value>,
    pub(crate) places: Places<'d>,
}

/// The places of an object's fields in its file.
#[derive(Debug)]
pub(crate) struct Places<'d> {
    document: &'d Document<'d>,
    /// The path of the object in its document: that of an item, or nothing.
    object: String,
}

impl Places<'_> {
    /// Returns the place of a field, or of the nearest parent that the object has; an empty path means the object.
    pub(crate) fn of(&self, path: &str) -> Location {
        let dot = if self.object.is_empty() || path.is_empty() { "" } else { "." };
        self.document.location(&format!("{}{dot}{path}", self.object))
    }
}

/// Calls a function with each object of a manifest, one after the other, until it breaks; `-` reads stdin.
///
/// One document is in memory at a time, beside the text of the file.
pub(crate) fn read_manifest<B>(
    path: &Path,
    mut take: impl FnMut(Result<Manifest<'_>, Problem>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let file = path.display().to_string();
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => return take(Err(Problem::of_file(&file, format_args!("cannot be read: {error}")))),
    };
    let text = match yaml::text(&bytes) {
        Ok(text) => text,
        Err(error) => return take(Err(Problem::of_file(&file, error))),
    };
    each_document(text, Lists::AnyKind, |document, entries| {
        for Entry { position, content, written } in entries {
            let source = source(&file, &position);
            let places = Places { document, object: items(&position) };
            take(match content {
                Ok(object) => Ok(Manifest { source, file: file.clone(), object, written, places }),
                Err(Flaw { path, message, at, .. }) => {
                    let at = at.unwrap_or_else(|| places.of(&path));
                    Err(Problem { file: file.clone(), faults: vec![Fault { at: Some(at), message }] })
                }
            })?;
        }
        ControlFlow::Continue(())
    })
}

/// `web.yaml`, or with several objects `web.yaml#2.items[0]`.
fn source(file: &str, position: &Position) -> String {
    let Position { document, is_only_document, items: indices, .. } = position;
    if *is_only_document && indices.is_empty() {
        return file.to_owned();
    }
    let dot = if indices.is_empty() { "" } else { "." };
    format!("{file}#{document}{dot}{}", items(position))
}

/// `items[2]`, or nothing for an object in no List.
fn items(position: &Position) -> String {
    let items: Vec<_> = position.items.iter().map(|index| format!("items[{index}]")).collect();
    items.join(".")
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    read_regular(path)
}

/// The reasons that a file or an object could not be assessed.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The path of the file as given.
    pub(crate) file: String,
    /// At least one.
    pub(crate) faults: Vec<Fault>,
}

/// A reason that a file or an object could not be assessed.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Its place; `None` if all of the file is meant.
    pub(crate) at: Option<Location>,
    pub(crate) message: String,
}

impl Problem {
    /// Creates the problem of a whole file.
    pub(crate) fn of_file(file: impl Display, message: impl Display) -> Self {
        Self { file: file.to_string(), faults: vec![Fault { at: None, message: message.to_string() }] }
    }
}

/// Returns whether an object is one of partywall's own.
pub(crate) fn is_policy(object: &Value) -> bool {
    let version = object.get("apiVersion").and_then(Value::as_str);
    version.and_then(|version| version.split_once('/')).is_some_and(|(group, _)| group == GROUP)
}
