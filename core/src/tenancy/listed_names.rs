//! Holds the names that operators list.

use std::ops::Deref;

/// Holds a list of exact names, in the order in which operators wrote them.
///
/// Dereferences to the names, for messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedNames(Vec<Box<str>>);

impl ListedNames {
    /// Returns whether `name` is on the list.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|listed| **listed == *name)
    }

    /// Removes the names for which `is_kept` returns false.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.0.retain(|name| is_kept(name));
    }
}

impl Deref for ListedNames {
    type Target = [Box<str>];

    fn deref(&self) -> &[Box<str>] {
        &self.0
    }
}

impl<N: AsRef<str>> FromIterator<N> for ListedNames {
    fn from_iter<I: IntoIterator<Item = N>>(names: I) -> Self {
        Self(names.into_iter().map(|name| name.as_ref().into()).collect())
    }
}
