//! Decodes lists of limited length.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::work;

/// Holds at most `MOST` items.
///
/// No real object comes near the limit. It stops an object that is meant to fill the memory with items that take two
/// bytes on the wire and hundreds in memory.
///
/// Reading a list of more than [`FREE`] items is charged to the work of the decision, item by item, and its memory to
/// the memory of the decision. A decision that has no work left reads every such list as an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MOST: usize = 20_000>(Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Limits how many items are read without a charge: the product of so few is none that counts.
pub(crate) const FREE: usize = 16;

impl<T, const MOST: usize> Deref for List<T, MOST> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        if self.0.len() > FREE { self.charged() } else { &self.0 }
    }
}

impl<T, const MOST: usize> List<T, MOST> {
    #[cold]
    #[inline(never)]
    fn charged(&self) -> &[T] {
        if work::charge(self.0.len()) { &self.0 } else { &[] }
    }

    /// Returns the items.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<'l, T, const MOST: usize> IntoIterator for &'l List<T, MOST> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
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
                let mut charged = FREE;
                while list.next_element_seed(Item(&mut items))?.is_some() {
                    if items.len() > MOST {
                        return Err(A::Error::invalid_length(items.len(), &self));
                    }
                    // A vector doubles its capacity, and so does what it is charged.
                    if items.len() == charged {
                        charge_memory(charged * size_of::<T>())?;
                        charged *= 2;
                    }
                }
                Ok(List(items))
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// Charges the memory of a list that grows, or refuses the list.
#[cold]
pub(crate) fn charge_memory<E: Error>(bytes: usize) -> Result<(), E> {
    const TOO_MANY: &str = "the request has too many items for its size";
    if work::charge_memory(bytes) { Ok(()) } else { Err(E::custom(TOO_MANY)) }
}

/// Reads the next item and appends it to the list.
struct Item<'i, T>(&'i mut Vec<T>);

impl<'de, T: Deserialize<'de> + Default> DeserializeSeed<'de> for Item<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Most pods have one container, but `Vec` allocates four items at first, enough for malloc to consolidate its
        // free lists.
        if self.0.capacity() == 0 && size_of::<T>() > LARGE {
            self.0.reserve_exact(1);
        }
        T::deserialize_in_place(deserializer, self.0.push_mut(T::default()))
    }
}

/// Sets the size in bytes above which a list first allocates a single item.
const LARGE: usize = 256;
