//! Finds the lines and columns of mistakes in their files.

use std::collections::BTreeMap;

use partywall_core::api::{Mistake, Place, Source};

use crate::manifests::FilePlaces;

/// The texts of the files that were read, by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) {
        if let Ok(text) = str::from_utf8(bytes) {
            self.0.insert(path.to_owned(), text.to_owned());
        }
    }

    /// Gives each mistake its place. It parses only documents with mistakes again.
    pub(super) fn locate(&self, mistakes: &mut [Mistake]) {
        let mut finder = self.finder();
        for mistake in mistakes.iter_mut().filter(|mistake| mistake.place.is_none()) {
            mistake.place = finder.find(&mistake.source, &mistake.path);
        }
    }

    /// Returns a finder of the places of fields in these texts.
    pub(super) const fn finder(&self) -> Finder<'_> {
        Finder { texts: self, files: BTreeMap::new() }
    }
}

/// Finds the places of fields, and parses each document only once for that.
pub(crate) struct Finder<'t> {
    texts: &'t Texts,
    files: BTreeMap<&'t str, FilePlaces<'t>>,
}

impl Finder<'_> {
    /// Returns the place of a field of an object, or of the nearest parent that it has; an empty path means the object.
    pub(crate) fn find(&mut self, source: &Source, path: &str) -> Option<Place> {
        let (file, text) = self.texts.0.get_key_value(&source.path)?;
        let file = self.files.entry(file).or_insert_with(|| FilePlaces::new(text));
        let found = file.of(source.document, source.item, path)?;
        Some(Place { line: found.line, column: found.column })
    }
}
