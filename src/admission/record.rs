//! Borrowed, narrow decoding: what the request path reads of an object, and nothing else.
//!
//! [`record!`] declares a struct that decodes from a JSON object alone. Serde's own derive would also take an
//! array for a struct, field by field, and would refuse `null`; here an array is an error, `null` is the same
//! as absence, as it is to Kubernetes, a repeated field is an error, and an unknown field is skipped without
//! being built.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A string that borrows from the request unless it had escapes in it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Self::default();
        Self::deserialize_in_place(deserializer, &mut text)?;
        Ok(text)
    }

    #[inline]
    fn deserialize_in_place<D: Deserializer<'de>>(deserializer: D, place: &mut Self) -> Result<(), D::Error> {
        struct TextVisitor<'t, 'a>(&'t mut Text<'a>);

        impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'_, 'a> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            #[inline]
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
                self.0.0 = Cow::Borrowed(text);
                Ok(())
            }

            fn visit_str<E>(self, text: &str) -> Result<(), E> {
                self.0.0 = Cow::Owned(text.to_owned());
                Ok(())
            }

            fn visit_string<E>(self, text: String) -> Result<(), E> {
                self.0.0 = Cow::Owned(text);
                Ok(())
            }
        }

        deserializer.deserialize_str(TextVisitor(place))
    }
}

/// A map of strings; a repeated key is an error. A small one is in the order it was written.
///
/// INVARIANT: no key stands twice, and a map of more than [`SMALL`] is sorted, so that a hostile one costs no more
/// than its length asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

/// Up to how many pairs are simply looked through.
const SMALL: usize = 32;

impl<'a> Pairs<'a> {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = if self.0.len() <= SMALL {
            self.0.iter().find(|(k, _)| &**k == key)
        } else {
            self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok().and_then(|index| self.0.get(index))
        };
        found.map(|(_, value)| &**value)
    }

    /// The keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }

    /// Makes the invariant true of what was read.
    fn of<E: Error>(mut pairs: Vec<(Text<'a>, Text<'a>)>) -> Result<Self, E> {
        let repeated = if pairs.len() <= SMALL {
            pairs.iter().enumerate().find_map(|(index, (key, _))| {
                pairs.iter().take(index).any(|(earlier, _)| earlier == key).then_some(key)
            })
        } else {
            pairs.sort_unstable();
            pairs.array_windows().find(|[(a, _), (b, _)]| a == b).map(|[(key, _), _]| key)
        };
        match repeated {
            Some(key) => Err(E::custom(format_args!("duplicate key `{}`", Cut(key)))),
            None => Ok(Self(pairs)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Pairs::of(pairs)
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// The annotations of an object, but for the copy of the whole manifest that kubectl keeps in one of them:
/// nobody's decision may rest on it, and it is the largest string of most objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations<'a>(Pairs<'a>);

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl<'a> Deref for Annotations<'a> {
    type Target = Pairs<'a>;

    fn deref(&self) -> &Pairs<'a> {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnnotationsVisitor;

        impl<'de> Visitor<'de> for AnnotationsVisitor {
            type Value = Annotations<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if &*key == LAST_APPLIED {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        pairs.push((key, map.next_value()?));
                    }
                }
                Pairs::of(pairs).map(Annotations)
            }
        }

        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

/// A list of at most `MOST` items. No object that is meant to run comes near it; one that is meant to fill the
/// memory, with items that take two bytes on the wire and hundreds here, stops there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MOST: usize = 20_000>(Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> Deref for List<T, MOST> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'l, T, const MOST: usize> IntoIterator for &'l List<T, MOST> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de> + Default, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
            type Value = List<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while list.next_element_seed(Item(&mut items))?.is_some() {
                    if items.len() > MOST {
                        return Err(A::Error::invalid_length(items.len(), &self));
                    }
                }
                Ok(List(items))
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// Reads the next item of a list at its end.
struct Item<'i, T>(&'i mut Vec<T>);

impl<'de, T: Deserialize<'de> + Default> DeserializeSeed<'de> for Item<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Most pods have one container, and `Vec` would make room for four at first: so much that malloc tidies up.
        if self.0.capacity() == 0 && size_of::<T>() > LARGE {
            self.0.reserve_exact(1);
        }
        T::deserialize_in_place(deserializer, self.0.push_mut(T::default()))
    }
}

/// An item of more bytes than these has room made for it alone, when it is the first.
const LARGE: usize = 256;

/// Reads a value into where it will be: records are large, and to move one up from where it was read costs as much as
/// to read it. `null` leaves what was there; whether there was something else.
///
/// `deserialize_in_place` is serde's own hook for that, and whatever does not implement it is read by value.
///
/// INVARIANT: the place is as `default` made it. A record leaves what is absent or `null` as it is.
pub(super) struct Place<'p, T>(pub(super) &'p mut T);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Place<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Place<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        T::deserialize_in_place(deserializer, self.0).map(|()| true)
    }
}

/// A value from a request, cut to a length that is safe to print and with control characters escaped.
pub struct Cut<'t>(pub &'t str);

/// How many characters of a value from a request are printed.
const CUT: usize = 120;

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(CUT) {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { fmt::Write::write_char(f, c)? }
        }
        if self.0.chars().nth(CUT).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Declares a struct that decodes from a JSON object: `name: Type = "jsonName"`.
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<'a> { $($(#[$doc:meta])* $field:ident: $ty:ty = $json:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name<'a> { $($(#[$doc])* $vis $field: $ty,)* }

        impl<'de: 'a, 'a> serde::de::Deserialize<'de> for $name<'a> {
            $crate::admission::record::record_methods!($name<'a>, $($field: $json,)*);
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $field:ident: $ty:ty = $json:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name { $($(#[$doc])* $vis $field: $ty,)* }

        impl<'de> serde::de::Deserialize<'de> for $name {
            $crate::admission::record::record_methods!($name, $($field: $json,)*);
        }
    };
}

/// How both shapes of [`record!`] decode.
macro_rules! record_methods {
    ($value:ty, $($field:ident: $json:literal,)*) => {
        fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let mut record = Self::default();
            Self::deserialize_in_place(deserializer, &mut record)?;
            Ok(record)
        }

        fn deserialize_in_place<D: serde::de::Deserializer<'de>>(
            deserializer: D,
            place: &mut Self,
        ) -> Result<(), D::Error> {
            #[derive(Clone, Copy)]
            #[expect(non_camel_case_types, reason = "a variant is named after its field")]
            enum Field { $($field,)* __Unknown }

            impl<'f> serde::de::Deserialize<'f> for Field {
                fn deserialize<F: serde::de::Deserializer<'f>>(deserializer: F) -> Result<Self, F::Error> {
                    struct FieldVisitor;

                    impl serde::de::Visitor<'_> for FieldVisitor {
                        type Value = Field;

                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("a field name")
                        }

                        fn visit_str<E>(self, name: &str) -> Result<Field, E> {
                            Ok(match name { $($json => Field::$field,)*
                                _ => Field::__Unknown })
                        }
                    }

                    deserializer.deserialize_identifier(FieldVisitor)
                }
            }

            struct RecordVisitor<R>(R);

            impl<'de: 'a, 'a> serde::de::Visitor<'de> for RecordVisitor<&mut $value> {
                type Value = ();

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                    // A bit for each of the fields.
                    let mut seen = 0_u32;
                    while let Some(field) = map.next_key::<Field>()? {
                        match field {
                            $(Field::$field => {
                                let bit = 1 << Field::$field as u32;
                                if seen & bit != 0 {
                                    return Err(serde::de::Error::duplicate_field($json));
                                }
                                seen |= bit;
                                map.next_value_seed($crate::admission::record::Place(&mut self.0.$field))?;
                            })*
                            Field::__Unknown => {
                                map.next_value::<serde::de::IgnoredAny>()?;
                            }
                        }
                    }
                    Ok(())
                }
            }

            deserializer.deserialize_map(RecordVisitor(place))
        }
    };
}

pub(crate) use {record, record_methods};

#[cfg(test)]
mod tests {
    use super::*;

    record! {
        /// A record to test with.
        struct Sample<'a> {
            /// A string.
            name: Text<'a> = "name",
            /// A list.
            items: List<Text<'a>, 3> = "items",
            /// A map.
            labels: Pairs<'a> = "labels",
        }
    }

    fn decode(json: &str) -> Result<Sample<'_>, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn null_is_absence() {
        let sample = decode(r#"{"name": null, "items": null, "labels": null}"#).unwrap();
        assert!(sample.name.is_empty() && sample.items.is_empty() && sample.labels.iter().next().is_none());
    }

    #[test]
    fn m8_the_wrong_type_is_an_error() {
        for json in [
            r#"[]"#,
            r#"["a"]"#,
            r#"{"items": {}}"#,
            r#"{"items": "a"}"#,
            r#"{"labels": []}"#,
            r#"{"name": 1}"#,
        ] {
            assert!(decode(json).is_err(), "{json}");
        }
    }

    #[test]
    fn m9_a_repeated_field_or_key_is_an_error() {
        assert!(decode(r#"{"name": "a", "name": "b"}"#).is_err());
        assert!(decode(r#"{"name": null, "name": "b"}"#).is_err());
        assert!(decode(r#"{"labels": {"a": "1", "a": "2"}}"#).is_err());
        let many: Vec<String> = (0..100).map(|i| format!(r#""k{i}": "v""#)).collect();
        assert!(decode(&format!(r#"{{"labels": {{{}}}}}"#, many.join(","))).is_ok());
        assert!(decode(&format!(r#"{{"labels": {{{}, "k99": "w"}}}}"#, many.join(","))).is_err());
    }

    #[test]
    fn l13_a_list_that_is_too_long_is_an_error() {
        assert!(decode(r#"{"items": ["a", "b", "c"]}"#).is_ok_and(|sample| sample.items.len() == 3));
        let error = decode(r#"{"items": ["a", "b", "c", "d"]}"#).unwrap_err().to_string();
        assert!(error.contains("a list of at most 3 items"), "{error}");
    }

    #[test]
    fn a_large_map_is_looked_up_like_a_small_one() {
        let pairs: Vec<String> = (0..100).map(|i| format!(r#""k{i}": "v{i}""#)).collect();
        let json = format!(r#"{{"labels": {{{}}}}}"#, pairs.join(","));
        let labels = decode(&json).unwrap().labels;
        assert!((0..100).all(|i| labels.get(&format!("k{i}")) == Some(&format!("v{i}"))));
        assert_eq!(labels.get("k100"), None);
    }

    #[test]
    fn escapes_are_undone_and_plain_strings_borrow() {
        let sample = decode(r#"{"name": "a\u003cb", "items": ["plain"]}"#).unwrap();
        assert_eq!(&*sample.name, "a<b");
        assert!(matches!(sample.items[0].0, Cow::Borrowed(_)));
        assert!(decode(r#"{"n\u0061me": "x"}"#).is_ok_and(|s| &*s.name == "x"));
    }

    #[test]
    fn k16_values_are_cut_and_escaped_before_they_are_printed() {
        assert_eq!(Cut("a\nb\u{1b}[31m").to_string(), "a\\nb\\u{1b}[31m");
        assert_eq!(Cut(&"x".repeat(500)).to_string().chars().count(), CUT + 1);
    }
}
