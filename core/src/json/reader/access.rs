//! The fields of an object and the items of a list, one after the other.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Reader, Refused};

/// What comes next in an object or a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first of it, or its end.
    First,
    /// A comma, or its end.
    More,
    /// Nothing: its end was read.
    Nothing,
}

impl Next {
    /// Goes to what comes next; whether there is something, rather than the end.
    #[inline]
    fn advance(&mut self, reader: &mut Reader<'_>, end: u8) -> Result<bool, Refused> {
        if *self == Self::More && reader.scanner.next() == Some(b',') {
            reader.scanner.at += 1;
            return Ok(true);
        }
        self.turn(reader, end)
    }

    /// Goes to what comes next, if it is not simply more.
    fn turn(&mut self, reader: &mut Reader<'_>, end: u8) -> Result<bool, Refused> {
        let has_more = match self {
            Self::Nothing => return Ok(false),
            Self::First => reader.scanner.peek() != Some(end),
            Self::More => reader.scanner.eat(b',').is_some(),
        };
        *self = if has_more { Self::More } else { Self::Nothing };
        if !has_more {
            reader.scanner.eat(end).ok_or(Refused)?;
        }
        Ok(has_more)
    }
}

/// The fields of an object whose brace was read.
pub(super) struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    next: Next,
}

impl<'r, 'a> Fields<'r, 'a> {
    pub(super) const fn of(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, next: Next::First }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.next == Next::Nothing
    }
}

impl<'a> MapAccess<'a> for &mut Fields<'_, 'a> {
    type Error = Refused;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        if !self.next.advance(self.reader, b'}')? {
            return Ok(None);
        }
        let key = seed.deserialize(Key(self.reader))?;
        self.reader.scanner.eat(b':').ok_or(Refused)?;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A key, which is a string, whatever is asked for.
struct Key<'r, 'a>(&'r mut Reader<'a>);

impl<'a> Deserializer<'a> for Key<'_, 'a> {
    type Error = Refused;

    #[inline]
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.0.scanner.peek() == Some(b'"') { self.0.string(visitor) } else { Err(Refused) }
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The items of a list whose bracket was read.
pub(super) struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    next: Next,
}

impl<'r, 'a> Items<'r, 'a> {
    pub(super) const fn of(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, next: Next::First }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.next == Next::Nothing
    }
}

impl<'a> SeqAccess<'a> for &mut Items<'_, 'a> {
    type Error = Refused;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        if !self.next.advance(self.reader, b']')? {
            return Ok(None);
        }
        // A comma before the end is no item, and so nothing that could be deserialized.
        seed.deserialize(&mut *self.reader).map(Some)
    }
}
