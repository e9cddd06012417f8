//! Reviews to start from and to take pieces of: the recorded ones, and the fixtures of the rules.

#![expect(clippy::disallowed_methods, reason = "seeds are files; what is fuzzed reads none")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::fixtures;
use crate::review::create;

/// Recorded reviews beyond this size are there for their size.
const LARGEST: usize = 16 * 1024;

/// All of them.
pub fn all() -> &'static [Value] {
    static SEEDS: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let mut seeds: Vec<Value> = files(&fixtures().join("reviews"), "json")
            .iter()
            .filter_map(|file| fs::read(file).ok().filter(|bytes| bytes.len() <= LARGEST))
            .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
            .collect();
        seeds.extend(files(&fixtures().join("rules"), "yaml").iter().filter_map(|file| of_fixture(file)));
        assert!(seeds.len() > 300, "the fixtures are not where they are looked for");
        seeds
    });
    &SEEDS
}

/// The different values that the seeds have in fields, or in lists in fields, of that name; never none.
pub(crate) fn of_field(name: &str) -> Option<&'static [Value]> {
    static VALUES: LazyLock<HashMap<&'static str, Vec<Value>>> = LazyLock::new(|| {
        let mut values = HashMap::new();
        for seed in all() {
            collect("", seed, &mut values);
        }
        values
    });
    VALUES.get(name).map(Vec::as_slice).filter(|values| !values.is_empty())
}

fn collect(name: &'static str, value: &'static Value, values: &mut HashMap<&'static str, Vec<Value>>) {
    let found = values.entry(name).or_default();
    if found.len() < 60 && !found.contains(value) && value.to_string().len() < 400 {
        found.push(value.clone());
    }
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(name, value, values)),
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The review that a fixture stands for, as far as it matters to pieces of it.
fn of_fixture(file: &Path) -> Option<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&fs::read_to_string(file).ok()?).ok()?;
    let object = documents.iter().rev().find(|document| document.get("kind").is_some())?;
    let mut review = create(object.clone());
    let header = documents.iter().find_map(|document| document.get("request")?.as_object());
    for (key, value) in header.into_iter().flatten() {
        match key.as_str() {
            "username" | "groups" => review["request"]["userInfo"][key] = value.clone(),
            _ => review["request"][key] = value.clone(),
        }
    }
    if review["request"]["operation"] == "UPDATE" {
        review["request"]["oldObject"] = object.clone();
    }
    review["request"]["uid"] = json!("u-1");
    Some(review)
}

/// The files below a folder, sorted, so that every run has them in the same order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
