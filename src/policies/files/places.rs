//! Finds the lines and columns of mistakes in their files.

use std::collections::BTreeMap;

use partywall_core::api::{Mistake, Place};

use crate::manifests::FilePlaces;

/// The texts of the files that were read, by path.
#[derive(Debug, Default)]
pub(super) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) {
        if let Ok(text) = str::from_utf8(bytes) {
            self.0.insert(path.to_owned(), text.to_owned());
        }
    }

    /// Gives each mistake its place. It parses only documents with mistakes again.
    pub(super) fn locate(&self, mistakes: &mut [Mistake]) {
        let mut files: BTreeMap<&str, FilePlaces<'_>> = BTreeMap::new();
        for mistake in mistakes.iter_mut().filter(|mistake| mistake.place.is_none()) {
            let source = &mistake.source;
            let Some((path, text)) = self.0.get_key_value(&source.path) else { continue };
            let file = files.entry(path).or_insert_with(|| FilePlaces::new(text));
            let found = file.of(source.document, source.item, &mistake.path);
            mistake.place = found.map(|found| Place { line: found.line, column: found.column });
        }
    }
}
