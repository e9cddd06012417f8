//! Follows a path of fields and lists through an object's JSON, without building the object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Escaped, Text};
use crate::objects::unstructured::Unstructured;
use crate::tenancy::{HostPath, Step};

/// Limits the items of a list that are read; no working route has as many.
const ITEMS: usize = 20_000;

/// Holds the value at the end of a path, or the reason why the path ends before.
pub(super) enum PathValue<'f> {
    /// A string.
    Host(&'f str),
    /// No field, `null`, an empty string or an empty list.
    Nothing,
    /// A value that does not fit the path, and what is wrong with it.
    Unreadable(&'f dyn fmt::Display),
}

/// Receives a field's path and the value there.
type Visit<'v> = &'v mut dyn FnMut(&dyn fmt::Display, PathValue<'_>);

/// Visits each value at `path` in `object`; each branch of the path is visited at least once.
pub(super) fn walk(object: &Unstructured<'_>, path: &HostPath, visit: Visit<'_>) {
    let mut walk = Walk { path: path.steps(), indices: Vec::new(), visit };
    match walk.path {
        // Of the metadata only `name` may be a host; DNS controllers read it as one.
        [Step::Field(first), Step::Field(name)] if **first == *"metadata" && **name == *"name" => {
            walk.leaf(&[], &object.metadata.name);
        }
        [Step::Field(first), rest @ ..] => match object.get(first) {
            Some(value) => walk.value(rest, value),
            None => walk.found(rest, PathValue::Nothing),
        },
        steps => walk.found(steps, PathValue::Unreadable(&"a path begins with a field")),
    }
}

struct Walk<'p, 'v> {
    path: &'p [Step],
    /// The current index in each list on the path.
    indices: Vec<usize>,
    visit: Visit<'v>,
}

impl<'p> Walk<'p, '_> {
    fn value(&mut self, rest: &'p [Step], value: &RawValue) {
        let mut deserializer = serde_json::Deserializer::from_str(value.get());
        let depth = self.indices.len();
        if (Down { rest, walk: self }).deserialize(&mut deserializer).is_err() {
            self.indices.truncate(depth);
            self.found(rest, PathValue::Unreadable(&"this does not decode"));
        }
    }

    fn leaf(&mut self, rest: &[Step], text: &str) {
        self.found(rest, if text.is_empty() { PathValue::Nothing } else { PathValue::Host(text) });
    }

    /// Reports a value; `rest` is the part of the path that remains.
    fn found(&mut self, rest: &[Step], found: PathValue<'_>) {
        let Self { path, indices, visit } = self;
        let taken = path.len().saturating_sub(rest.len());
        let at = fmt::from_fn(|f| {
            let mut indices = indices.iter();
            path.iter().take(taken).enumerate().try_for_each(|(place, step)| match step {
                Step::Field(name) if place == 0 => f.write_str(name),
                Step::Field(name) => write!(f, ".{name}"),
                Step::Items => indices.next().map_or(Ok(()), |index| write!(f, "[{index}]")),
            })
        });
        visit(&at, found);
    }
}

/// Visits one value; `rest` is the path from there.
struct Down<'w, 'p, 'v> {
    rest: &'p [Step],
    walk: &'w mut Walk<'p, 'v>,
}

impl Down<'_, '_, '_> {
    fn wrong<E>(self) -> Result<(), E> {
        let problem = match self.rest.first() {
            Some(Step::Field(_)) => "this is not an object",
            Some(Step::Items) => "this is not a list",
            None => "this is not a string",
        };
        self.walk.found(self.rest, PathValue::Unreadable(&problem));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Down<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Down<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.walk.found(self.rest, PathValue::Nothing);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if !self.rest.is_empty() {
            return self.wrong();
        }
        self.walk.leaf(self.rest, text);
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.wrong()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.wrong()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.wrong()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.wrong()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let [Step::Items, rest @ ..] = self.rest else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return self.wrong();
        };
        for index in 0..ITEMS {
            self.walk.indices.push(index);
            let item = list.next_element_seed(Down { rest, walk: &mut *self.walk })?;
            self.walk.indices.pop();
            if item.is_none() {
                if index == 0 {
                    self.walk.found(self.rest, PathValue::Nothing);
                }
                return Ok(());
            }
        }
        if list.next_element::<IgnoredAny>()?.is_some() {
            self.walk.found(
                self.rest,
                PathValue::Unreadable(&format_args!("this list has more than {ITEMS} items")),
            );
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let [Step::Field(field), rest @ ..] = self.rest else {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return self.wrong();
        };
        let mut seen = false;
        while let Some(key) = object.next_key::<Text<'de>>()? {
            if *key != **field {
                object.next_value::<IgnoredAny>()?;
            } else if seen {
                object.next_value::<IgnoredAny>()?;
                self.walk
                    .found(rest, PathValue::Unreadable(&format_args!("`{}` appears twice", Escaped(field))));
            } else {
                seen = true;
                object.next_value_seed(Down { rest, walk: &mut *self.walk })?;
            }
        }
        if !seen {
            self.walk.found(rest, PathValue::Nothing);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
