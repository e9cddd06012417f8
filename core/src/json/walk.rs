//! Walks the JSON of an object, and hands each string and each set of annotations to a visitor.
//!
//! It builds no tree: its memory is the path to the current value.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Escaped, Pairs, Text};
use crate::work;

/// Locates a value: the steps to it, the last one first.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Self>,
    step: Step<'p>,
}

/// Holds a step of a path.
#[derive(Clone, Copy)]
enum Step<'p> {
    /// The object itself.
    Root,
    /// A field.
    Key(&'p str),
    /// An item of a list.
    Index(usize),
}

impl<'p> Path<'p> {
    /// The path of the object itself.
    pub(crate) const ROOT: Self = Self { parent: None, step: Step::Root };

    /// Returns the path of a field of the value at this path.
    pub(crate) const fn key(&'p self, key: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    const fn index(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// Iterates over the fields of the path, the last one first, without the indexes of lists.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'p str> {
        let mut rest = Some(*self);
        std::iter::from_fn(move || {
            loop {
                let path = rest?;
                rest = path.parent.copied();
                if let Step::Key(key) = path.step {
                    return Some(key);
                }
            }
        })
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
        }
        let is_first = self.parent.is_none_or(|parent| matches!(parent.step, Step::Root));
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) if is_first => write!(f, "{}", Escaped(key)),
            Step::Key(key) => write!(f, ".{}", Escaped(key)),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Receives what a walk finds.
pub(crate) trait Visit {
    /// Takes a string.
    fn text(&mut self, path: &Path<'_>, text: &str);
    /// Takes the annotations at a path that ends with `annotations`.
    fn annotations(&mut self, path: &Path<'_>, annotations: &Pairs<'_>);
}

/// Walks a value. What is too deep to be read is not walked: the API server refuses it as well.
pub(crate) fn walk(path: &Path<'_>, raw: &RawValue, visit: &mut dyn Visit) -> Result<(), serde_json::Error> {
    Walk { path, visit }.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
}

struct Walk<'w, 'p> {
    path: &'w Path<'p>,
    visit: &'w mut dyn Visit,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.visit.text(self.path, text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0.. {
            work::charge(1);
            let path = self.path.index(index);
            if list.next_element_seed(Walk { path: &path, visit: &mut *self.visit })?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            work::charge(1);
            let path = self.path.key(&key);
            if &*key != "annotations" {
                map.next_value_seed(Walk { path: &path, visit: &mut *self.visit })?;
                continue;
            }
            let raw = map.next_value::<&'de RawValue>()?;
            // Other fields of this name are no annotations, and may hold anything.
            match serde_json::from_str::<Pairs<'_>>(raw.get()) {
                Ok(annotations) => self.visit.annotations(&path, &annotations),
                Err(_) => walk(&path, raw, &mut *self.visit).map_err(A::Error::custom)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Visit for Seen {
        fn text(&mut self, path: &Path<'_>, text: &str) {
            let keys: Vec<_> = path.keys().collect();
            self.0.push(format!("{path}={text} {}", keys.join("<")));
        }

        fn annotations(&mut self, path: &Path<'_>, annotations: &Pairs<'_>) {
            self.0.push(format!("{path} {}", annotations.iter().count()));
        }
    }

    #[test]
    fn every_string_and_every_set_of_annotations_is_found_with_its_path() {
        let raw: &RawValue = serde_json::from_str(
            r#"{"a": [{"b": "c"}, 1, null, true, 1.5, -1, "d"], "metadata": {"annotations": {"e": "f"}},
                "annotations": ["g"]}"#,
        )
        .unwrap();
        let mut seen = Seen::default();
        walk(&Path::ROOT.key("spec"), raw, &mut seen).unwrap();
        assert_eq!(
            seen.0,
            [
                "spec.a[0].b=c b<a<spec",
                "spec.a[6]=d a<spec",
                "spec.metadata.annotations 1",
                "spec.annotations[0]=g annotations<spec",
            ]
        );
    }
}
