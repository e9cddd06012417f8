//! Builds JSON patches (RFC 6902) that add, copy and remove values.
//!
//! The builder writes each value into the patch at once, without an owned JSON tree. A path consists of tokens, each
//! of which is escaped, since label keys contain slashes.

use std::fmt::{self, Write as _};

use serde::ser::{Serialize, Serializer};

/// Holds a finished JSON patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch(Vec<u8>);

impl Patch {
    /// Returns the patch as JSON.
    pub fn as_json(&self) -> &[u8] {
        &self.0
    }
}

/// Builds a patch.
#[derive(Debug, Default)]
pub(crate) struct PatchBuilder(Vec<u8>);

impl PatchBuilder {
    /// Adds the value at `path`, or replaces a null there.
    pub(crate) fn add<V: Serialize>(&mut self, path: &Pointer<'_>, value: &V) {
        #[derive(serde::Serialize)]
        struct Add<'p, V> {
            op: &'static str,
            path: &'p Pointer<'p>,
            value: &'p V,
        }

        self.push(&Add { op: "add", path, value });
    }

    /// Copies the value at `from` to `path`.
    pub(crate) fn copy(&mut self, from: &Pointer<'_>, path: &Pointer<'_>) {
        #[derive(serde::Serialize)]
        struct Copy<'p> {
            op: &'static str,
            from: &'p Pointer<'p>,
            path: &'p Pointer<'p>,
        }

        self.push(&Copy { op: "copy", from, path });
    }

    /// Removes the value at `path`.
    pub(crate) fn remove(&mut self, path: &Pointer<'_>) {
        #[derive(serde::Serialize)]
        struct Remove<'p> {
            op: &'static str,
            path: &'p Pointer<'p>,
        }

        self.push(&Remove { op: "remove", path });
    }

    /// Returns whether the patch changes nothing.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push<O: Serialize>(&mut self, operation: &O) {
        if self.0.is_empty() {
            self.0.reserve(USUAL);
        }
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        // INVARIANT: writing strings, lists and maps of strings into memory cannot fail.
        let written = serde_json::to_writer(&mut self.0, operation);
        debug_assert!(written.is_ok());
    }

    /// Returns the patch, or `None` if nothing was added.
    pub(crate) fn finish(mut self) -> Option<Patch> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(b']');
        Some(Patch(self.0))
    }
}

/// Sets the initial capacity, which suffices for the stamp of an unstamped pod with usual labels.
const USUAL: usize = 512;

/// Holds a JSON pointer (RFC 6901): a token, and the pointer to its parent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointer<'p> {
    parent: Option<&'p Self>,
    token: Token<'p>,
}

/// Holds one step of a pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'p> {
    /// A path of plain field names, such as `spec.template.spec`.
    Path(&'p str),
    /// The key of a map.
    Key(&'p str),
    /// The index in a list.
    Index(usize),
}

impl<'p> From<&'p str> for Token<'p> {
    fn from(key: &'p str) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Token<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl<'p> Pointer<'p> {
    /// Returns the pointer to a path of plain field names, such as `spec.template.spec`.
    pub(crate) const fn to_field(path: &'p str) -> Self {
        Self { parent: None, token: Token::Path(path) }
    }

    /// Returns the pointer to a child.
    pub(crate) fn then(&'p self, token: impl Into<Token<'p>>) -> Self {
        Self { parent: Some(self), token: token.into() }
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.token {
            Token::Path(path) => path.split('.').try_for_each(|field| {
                f.write_char('/')?;
                f.write_str(field)
            }),
            Token::Key(key) if key.contains(['~', '/']) => {
                f.write_char('/')?;
                f.write_str(&key.replace('~', "~0").replace('/', "~1"))
            }
            Token::Key(key) => {
                f.write_char('/')?;
                f.write_str(key)
            }
            Token::Index(index) => write!(f, "/{index}"),
        }
    }
}

impl Serialize for Pointer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k5_tokens_are_escaped_the_tilde_first() {
        let selector = Pointer::to_field("spec.nodeSelector");
        assert_eq!(selector.then("a~b.io/c~1").to_string(), "/spec/nodeSelector/a~0b.io~1c~01");
    }

    #[test]
    fn k2_nothing_added_is_no_patch() {
        assert_eq!(PatchBuilder::default().finish(), None);
    }

    #[test]
    fn additions_are_listed_in_order() {
        let mut patch = PatchBuilder::default();
        patch.add(&Pointer::to_field("a"), &"x");
        patch.add(&Pointer::to_field("a.b").then("-"), &["y"]);
        let patch = patch.finish().unwrap();
        assert_eq!(
            std::str::from_utf8(patch.as_json()).unwrap(),
            r#"[{"op":"add","path":"/a","value":"x"},{"op":"add","path":"/a/b/-","value":["y"]}]"#
        );
    }
}
