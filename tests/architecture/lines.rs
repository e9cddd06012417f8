//! The length of lines, which rustfmt does not limit in comments, strings and macros.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository;

/// The most characters that a line may have.
const MAX: usize = 120;
const FOLDERS: [&str; 5] = ["benches", "core", "fuzz", "src", "tests"];

/// The files that may have longer lines, each with the reason.
const EXCEPTIONS: &[(&str, &str)] =
    &[("benches/payload.rs", "templates of requests, with the bytes that an API server sends")];

/// Finds the Rust files in a folder and its subfolders, without those that cargo builds.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn lines_are_at_most_120_characters_long() {
    let root = repository("");
    let mut long = Vec::new();
    for path in FOLDERS.iter().flat_map(|folder| sources(&root.join(folder))) {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            continue;
        }
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let length = line.chars().count();
            if length > MAX {
                long.push(format!("{name}:{} has {length}", index + 1));
            }
        }
    }
    assert!(long.is_empty(), "longer than {MAX} characters:\n{}", long.join("\n"));
}
