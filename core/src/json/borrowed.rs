//! Decodes only the fields that partywall reads of an object, and borrows them from the request.
//!
//! [`borrowed!`] declares a struct that decodes from a JSON object only. Serde's derive would also accept an array for
//! a struct, and would refuse `null`. Here an array is an error, `null` means the same as absence, as in Kubernetes,
//! a repeated field is an error, and the decoder skips unknown fields without building them.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Visitor};

/// Decodes a value in place, and returns whether it is not `null`.
///
/// The structs are large, and moving one costs as much as reading it. `null` leaves the value unchanged.
///
/// `deserialize_in_place` is serde's own hook for this; types that do not implement it are decoded by value and
/// moved.
///
/// INVARIANT: the value is the default before it is decoded, so fields that are absent or `null` keep it.
pub(crate) struct InPlace<'p, T>(pub(crate) &'p mut T);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for InPlace<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for InPlace<'_, T> {
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

/// Declares a struct that decodes from a JSON object: `name: Type = "jsonName"`.
macro_rules! borrowed {
    ($(#[$meta:meta])* $vis:vis struct $name:ident<'a> {
        $($(#[$doc:meta])* $field:ident: $ty:ty = $json:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name<'a> { $($(#[$doc])* $vis $field: $ty,)* }

        impl<'de: 'a, 'a> serde::de::Deserialize<'de> for $name<'a> {
            $crate::json::borrowed_methods!($name<'a>, $($field: $json,)*);
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$doc:meta])* $field:ident: $ty:ty = $json:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name { $($(#[$doc])* $vis $field: $ty,)* }

        impl<'de> serde::de::Deserialize<'de> for $name {
            $crate::json::borrowed_methods!($name, $($field: $json,)*);
        }
    };
}

/// Implements decoding for both forms of [`borrowed!`].
macro_rules! borrowed_methods {
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

            struct BorrowedVisitor<R>(R);

            impl<'de: 'a, 'a> serde::de::Visitor<'de> for BorrowedVisitor<&mut $value> {
                type Value = ();

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                    // Each field has one bit.
                    let mut seen = 0_u32;
                    while let Some(field) = map.next_key::<Field>()? {
                        match field {
                            $(Field::$field => {
                                let bit = 1 << Field::$field as u32;
                                if seen & bit != 0 {
                                    return Err(serde::de::Error::duplicate_field($json));
                                }
                                seen |= bit;
                                map.next_value_seed($crate::json::InPlace(&mut self.0.$field))?;
                            })*
                            Field::__Unknown => {
                                map.next_value::<serde::de::IgnoredAny>()?;
                            }
                        }
                    }
                    Ok(())
                }
            }

            deserializer.deserialize_map(BorrowedVisitor(place))
        }
    };
}

pub(crate) use {borrowed, borrowed_methods};

#[cfg(test)]
mod tests {
    use crate::json::{List, Pairs, Text};

    borrowed! {
        /// Holds values to test with.
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
        let json = r#"{"name": "a\u003cb", "items": ["plain"]}"#;
        let sample = decode(json).unwrap();
        assert_eq!(&*sample.name, "a<b");
        assert!(json.as_bytes().as_ptr_range().contains(&sample.items[0].as_ptr()));
        assert!(decode(r#"{"n\u0061me": "x"}"#).is_ok_and(|s| &*s.name == "x"));
    }
}
