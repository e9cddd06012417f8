//! Decodes maps of strings.

use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::escaped::Escaped;
use super::list::{FREE, charge_memory};
use super::text::Text;
use crate::work;

/// Holds a map of strings; a repeated key is an error.
///
/// A map of at most [`SMALL`] pairs keeps the order of the request.
///
/// INVARIANT: no key occurs twice, and a map of more than [`SMALL`] pairs is sorted, so that the cost of a hostile
/// map stays proportional to its length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

/// Limits how many pairs a linear search looks through.
const SMALL: usize = 32;

impl<'a> Pairs<'a> {
    /// Returns the value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = if self.0.len() <= SMALL {
            self.0.iter().find(|(k, _)| &**k == key)
        } else {
            self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok().and_then(|index| self.0.get(index))
        };
        found.map(|(_, value)| &**value)
    }

    /// Iterates over the keys and values, which is charged as that of a [`super::List`] is.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let may_read = self.0.len() <= FREE || work::charge(self.0.len());
        let pairs: &[(Text<'a>, Text<'a>)] = if may_read { &self.0 } else { &[] };
        pairs.iter().map(|(k, v)| (&**k, &**v))
    }

    /// Appends a pair, whose memory is charged.
    fn push<E: Error>(pairs: &mut Vec<(Text<'a>, Text<'a>)>, pair: (Text<'a>, Text<'a>)) -> Result<(), E> {
        if pairs.len() >= FREE && pairs.len() == pairs.capacity() {
            charge_memory(pairs.len() * size_of::<(Text<'a>, Text<'a>)>())?;
        }
        pairs.push(pair);
        Ok(())
    }

    /// Establishes the invariant for decoded pairs, or returns an error for a repeated key.
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
            Some(key) => Err(E::custom(format_args!("duplicate key `{}`", Escaped(key)))),
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
                    Pairs::push(&mut pairs, pair)?;
                }
                Pairs::of(pairs)
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// Holds the annotations of an object, except kubectl's copy of the last applied manifest.
///
/// No decision may depend on that copy, and it is the largest string of most objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations<'a> {
    pairs: Pairs<'a>,
    is_map: bool,
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl<'a> Deref for Annotations<'a> {
    type Target = Pairs<'a>;

    fn deref(&self) -> &Pairs<'a> {
        &self.pairs
    }
}

impl Annotations<'_> {
    /// Returns whether the object has a map of annotations, which may be empty.
    pub(crate) const fn is_map(&self) -> bool {
        self.is_map
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
                        let value = map.next_value()?;
                        Pairs::push(&mut pairs, (key, value))?;
                    }
                }
                Ok(Annotations { pairs: Pairs::of(pairs)?, is_map: true })
            }
        }

        deserializer.deserialize_map(AnnotationsVisitor)
    }
}
