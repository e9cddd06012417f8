//! The fields of an object and the items of a list, one after the other.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

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
        match (reader.scanner.peek(), *self) {
            (_, Self::Nothing) => return Ok(false),
            (Some(byte), Self::First | Self::More) if byte == end => {
                reader.scanner.at += 1;
                *self = Self::Nothing;
                return Ok(false);
            }
            (_, Self::First) => {}
            (_, Self::More) => reader.scanner.eat(b',').ok_or(Refused)?,
        }
        *self = Self::More;
        Ok(true)
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
        // A key is a string, whatever is asked for.
        if self.reader.scanner.peek() != Some(b'"') {
            return Err(Refused);
        }
        let key = seed.deserialize(&mut *self.reader)?;
        self.reader.scanner.eat(b':').ok_or(Refused)?;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        seed.deserialize(&mut *self.reader)
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
