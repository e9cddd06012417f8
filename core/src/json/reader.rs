//! Reads the JSON of a review in one pass over its bytes.
//!
//! The reader skips most of a review: managed fields, environment variables, status. serde_json inspects each of
//! these bytes in turn and has no option to do otherwise. This [`Deserializer`] finds the ends of strings sixty-four
//! bytes at a time and reads only the values that a review's types ask for. It leaves the hard and rare cases to
//! serde_json: strings with escapes, fractions, and the error message for a body that does not decode.
//!
//! INVARIANT: for the types of a review the reader accepts and refuses the same texts as serde_json, except that it
//! refuses invalid UTF-8 everywhere. It does not support enums and other forms that these types do not use. It also
//! checks the grammar of skipped values: a body must mean the same to partywall and to the API server, and an
//! attacker could make a lenient parser see another object.

mod scanner;
mod skip;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use self::scanner::Scanner;

/// Limits how deep decoded values may nest, as in serde_json.
const DEPTH: u8 = 128;

/// Names the newtype through which `serde_json::value::RawValue` asks for the text of a value.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Reports that the bytes do not decode; serde_json can say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the JSON does not decode")
    }
}

impl std::error::Error for Refused {}

impl serde::de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Decodes a value with `seed`, and refuses anything but white space after it.
pub(crate) fn from_slice<'a, S: DeserializeSeed<'a>>(seed: S, bytes: &'a [u8]) -> Result<S::Value, Refused> {
    from_str(seed, simdutf8::basic::from_utf8(bytes).map_err(|_| Refused)?)
}

/// Decodes a value with `seed`, and refuses anything but white space after it.
pub(crate) fn from_str<'a, S: DeserializeSeed<'a>>(seed: S, text: &'a str) -> Result<S::Value, Refused> {
    let mut reader = Reader { text, scanner: Scanner::of(text.as_bytes()), depth: 0 };
    let value = seed.deserialize(&mut reader)?;
    if reader.scanner.peek().is_some() { Err(Refused) } else { Ok(value) }
}

/// Holds a position in a JSON text.
struct Reader<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
    /// The number of open objects and lists that are being decoded.
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Consumes `word`, or refuses the text if another one follows.
    #[inline]
    fn word(&mut self, word: &[u8]) -> Result<(), Refused> {
        self.scanner.word(word).ok_or(Refused)
    }

    /// Decodes an object or list with `build`, and refuses it unless `build` reads all of it.
    fn nested<T>(
        &mut self,
        build: impl FnOnce(&mut Self) -> Result<(T, bool), Refused>,
    ) -> Result<T, Refused> {
        self.scanner.at += 1;
        self.depth += 1;
        if self.depth >= DEPTH {
            return Err(Refused);
        }
        let (value, is_at_end) = build(self)?;
        self.depth -= 1;
        if is_at_end { Ok(value) } else { Err(Refused) }
    }

    fn object<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        self.nested(|reader| {
            let mut fields = Fields::of(reader);
            let value = visitor.visit_map(&mut fields)?;
            Ok((value, fields.is_at_end()))
        })
    }

    fn list<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        self.nested(|reader| {
            let mut items = Items::of(reader);
            let value = visitor.visit_seq(&mut items)?;
            Ok((value, items.is_at_end()))
        })
    }

    #[inline]
    fn string<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        let start = self.scanner.at;
        let has_escapes = self.scanner.string_seldom_escaped().ok_or(Refused)?;
        let end = self.scanner.at;
        if has_escapes {
            let quoted = self.text.get(start..end).ok_or(Refused)?;
            return visitor.visit_string(serde_json::from_str(quoted).map_err(|_| Refused)?);
        }
        visitor.visit_borrowed_str(self.text.get(start + 1..end - 1).ok_or(Refused)?)
    }

    fn number<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        let start = self.scanner.at;
        let is_whole = self.scanner.number().ok_or(Refused)?;
        let digits = self.text.get(start..self.scanner.at).ok_or(Refused)?;
        // serde_json reads `-0` as a float.
        if is_whole && digits != "-0" {
            if let Ok(number) = digits.parse() {
                return visitor.visit_u64(number);
            }
            if let Ok(number) = digits.parse() {
                return visitor.visit_i64(number);
            }
        }
        visitor.visit_f64(serde_json::from_str(digits).map_err(|_| Refused)?)
    }
}

impl<'a> Deserializer<'a> for &mut Reader<'a> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.scanner.peek() {
            Some(b'{') => self.object(visitor),
            Some(b'[') => self.list(visitor),
            Some(b'"') => self.string(visitor),
            Some(b't') => {
                self.word(b"true")?;
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.word(b"false")?;
                visitor.visit_bool(false)
            }
            Some(b'n') => {
                self.word(b"null")?;
                visitor.visit_unit()
            }
            Some(b'-' | b'0'..=b'9') => self.number(visitor),
            Some(_) | None => Err(Refused),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.scanner.peek() == Some(b'n') {
            self.word(b"null")?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    #[inline]
    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.scanner.peek() == Some(b'{') { self.object(visitor) } else { Err(Refused) }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.scanner.peek() == Some(b'[') { self.list(visitor) } else { Err(Refused) }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.scanner.peek() == Some(b'"') { self.string(visitor) } else { Err(Refused) }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.scanner.skip().ok_or(Refused)?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if name != RAW_VALUE {
            return visitor.visit_newtype_struct(self);
        }
        self.scanner.peek();
        let start = self.scanner.at;
        self.scanner.skip().ok_or(Refused)?;
        let raw = BorrowedStrDeserializer::new(self.text.get(start..self.scanner.at).ok_or(Refused)?);
        visitor.visit_map(MapDeserializer::new(std::iter::once((RAW_VALUE, raw))))
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct struct enum
    }
}

/// Tracks what may follow in an object or a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first item or the end follows.
    First,
    /// A comma or the end follows.
    More,
    /// Nothing follows: the end was read.
    Nothing,
}

impl Next {
    /// Advances to the next item, and returns whether there is one.
    #[inline]
    fn advance(&mut self, reader: &mut Reader<'_>, end: u8) -> Result<bool, Refused> {
        if *self == Self::More && reader.scanner.next() == Some(b',') {
            reader.scanner.at += 1;
            return Ok(true);
        }
        self.turn(reader, end)
    }

    /// Advances in all cases but the usual one, a comma.
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

/// Iterates over the fields of an object whose brace was read.
struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    next: Next,
}

impl<'r, 'a> Fields<'r, 'a> {
    const fn of(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, next: Next::First }
    }

    fn is_at_end(&self) -> bool {
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

/// Decodes a key, which must be a string for every type.
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

/// Iterates over the items of a list whose bracket was read.
struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    next: Next,
}

impl<'r, 'a> Items<'r, 'a> {
    const fn of(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, next: Next::First }
    }

    fn is_at_end(&self) -> bool {
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
        // After a comma, the end is no item and does not deserialize.
        seed.deserialize(&mut *self.reader).map(Some)
    }
}
