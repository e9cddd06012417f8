//! A JSON patch (RFC 6902) that only adds.
//!
//! Values are written into the patch as it is built: there is no tree of owned JSON. A path is made of tokens,
//! each escaped, since label keys have slashes in them.

use std::fmt;

use serde::Serialize;

/// A JSON patch, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch(Vec<u8>);

impl Patch {
    /// The patch as JSON.
    pub fn as_json(&self) -> &[u8] {
        &self.0
    }
}

/// A patch that is being built.
#[derive(Debug, Default)]
pub(super) struct PatchBuilder(Vec<u8>);

impl PatchBuilder {
    /// Adds (or, where there is a null, replaces) the value at `path`.
    pub(super) fn add<V: Serialize>(&mut self, path: &Pointer, value: &V) {
        #[derive(Serialize)]
        struct Add<'p, V> {
            op: &'static str,
            path: &'p str,
            value: &'p V,
        }

        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        let add = Add { op: "add", path: &path.0, value };
        // INVARIANT: writing strings, lists and maps of strings into memory cannot fail.
        let written = serde_json::to_writer(&mut self.0, &add);
        debug_assert!(written.is_ok());
    }

    /// The patch; `None` if nothing was added.
    pub(super) fn finish(mut self) -> Option<Patch> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(b']');
        Some(Patch(self.0))
    }
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug)]
pub(super) struct Pointer(String);

impl Pointer {
    /// The pointer to a path of plain field names, such as `spec.template.spec`.
    pub(super) fn to_field(path: &str) -> Self {
        Self(path.split('.').fold(String::with_capacity(96), |mut pointer, field| {
            pointer.push('/');
            pointer.push_str(field);
            pointer
        }))
    }

    /// One token further down.
    pub(super) fn then(&self, token: impl fmt::Display) -> Self {
        let token = token.to_string();
        let mut pointer = self.0.clone();
        pointer.push('/');
        if token.contains(['~', '/']) {
            pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        } else {
            pointer.push_str(&token);
        }
        Self(pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k5_tokens_are_escaped_the_tilde_first() {
        let pointer = Pointer::to_field("spec.nodeSelector").then("a~b.io/c~1");
        assert_eq!(pointer.0, "/spec/nodeSelector/a~0b.io~1c~01");
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
