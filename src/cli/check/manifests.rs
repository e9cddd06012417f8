//! Which manifests are meant, and the objects in them.

#![expect(clippy::disallowed_methods, reason = "reading manifests is what this module is for")]

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use super::judge::Problem;
use crate::config::{is_manifest, yaml};

/// An object that was read.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The path as given, with the document's number where a file holds several.
    pub(super) source: String,
    /// The object.
    pub(super) object: Value,
}

/// The files that `paths` mean, folders with all that is below them, and what cannot be read.
pub(super) fn list(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Problem>) {
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
pub(super) fn read(path: &Path) -> Vec<Result<Manifest, Problem>> {
    let name = path.display().to_string();
    let text = match text(path) {
        Ok(text) => text,
        Err(error) => return vec![Err(Problem::new(name, format_args!("cannot be read: {error}")))],
    };
    let documents = yaml::documents(&text, yaml::Dialect::Kubectl);
    let is_one = documents.len() == 1;
    let mut manifests = Vec::new();
    for yaml::Document { number, content } in documents {
        let source = if is_one { name.clone() } else { format!("{name}#{number}") };
        match content {
            Ok(object) => expand(&source, object, &mut manifests),
            Err(error) => {
                let yaml::SyntaxError { line, column, message } = error;
                manifests
                    .push(Err(Problem::new(source, format_args!("line {line}, column {column}: {message}"))));
            }
        }
    }
    manifests
}

fn text(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

/// A List's items, and theirs; anything else as it is. In a `PodList` the items need not say what they are.
fn expand(source: &str, object: Value, manifests: &mut Vec<Result<Manifest, Problem>>) {
    let of_list = object.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List"));
    let (Some(item_kind), Some(Value::Array(_))) = (of_list.map(str::to_owned), object.get("items")) else {
        manifests.push(Ok(Manifest { source: source.to_owned(), object }));
        return;
    };
    let Value::Object(mut list) = object else { return };
    let version = list.remove("apiVersion");
    let Some(Value::Array(items)) = list.remove("items") else { return };
    for mut item in items {
        if let (Value::Object(fields), false) = (&mut item, item_kind.is_empty()) {
            fields.entry("kind").or_insert_with(|| Value::from(item_kind.as_str()));
            if let Some(version) = &version {
                fields.entry("apiVersion").or_insert_with(|| version.clone());
            }
        }
        expand(source, item, manifests);
    }
}
