//! Skips values, and checks their grammar.

use super::scanner::{Scanner, past_number, past_word};

/// Records which of the open objects and lists are objects.
trait Open: Default {
    /// Opens one more inside the others, and returns whether there was capacity for it.
    fn push(&mut self, is_object: bool) -> bool;
    /// Closes the innermost.
    fn pop(&mut self);
    /// Returns whether the innermost is an object, or `None` if nothing is open.
    fn innermost(&self) -> Option<bool>;
}

/// Records up to 63: the innermost in the lowest bit, and a one above the outermost.
struct Few(u64);

impl Few {
    fn is_full(&self) -> bool {
        self.0 >> (u64::BITS - 1) == 1
    }
}

impl Default for Few {
    fn default() -> Self {
        Self(1)
    }
}

impl Open for Few {
    #[inline]
    fn push(&mut self, is_object: bool) -> bool {
        let has_room = !self.is_full();
        self.0 = self.0 << 1 | u64::from(is_object);
        has_room
    }

    #[inline]
    fn pop(&mut self) {
        self.0 >>= 1;
    }

    #[inline]
    fn innermost(&self) -> Option<bool> {
        (self.0 != 1).then_some(self.0 & 1 == 1)
    }
}

/// Records any number.
#[derive(Default)]
struct Many {
    inner: Few,
    /// The outer levels, in full groups of 63.
    outer: Vec<Few>,
}

impl Open for Many {
    fn push(&mut self, is_object: bool) -> bool {
        if self.inner.is_full() {
            self.outer.push(std::mem::take(&mut self.inner));
        }
        self.inner.push(is_object)
    }

    fn pop(&mut self) {
        self.inner.pop();
        if self.inner.innermost().is_none() {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }

    fn innermost(&self) -> Option<bool> {
        self.inner.innermost()
    }
}

/// Tells why a value was not skipped.
enum Stopped {
    /// The text is not a value.
    NoValue,
    /// The value nests deeper than the record has capacity for.
    TooDeep,
}

impl Scanner<'_> {
    /// Skips a value, and returns `None` if it violates the grammar.
    ///
    /// A skipped value may nest to any depth, as in serde_json. The function does not recurse, and allocates only
    /// above 63 levels.
    pub(super) fn skip(&mut self) -> Option<()> {
        match self.past_value::<Few>() {
            Ok(after) => {
                *self = after;
                Some(())
            }
            Err(Stopped::NoValue) => None,
            Err(Stopped::TooDeep) => self.skip_deep(),
        }
    }

    #[cold]
    fn skip_deep(&mut self) -> Option<()> {
        *self = self.past_value::<Many>().ok()?;
        Some(())
    }

    /// Skips a value in one loop that keeps the scanner in registers.
    ///
    /// For this, a single call consumes strings, keys included.
    #[inline]
    fn past_value<O: Open>(mut self) -> Result<Self, Stopped> {
        let mut open = O::default();
        let mut is_key = false;
        loop {
            let byte = self.peek().ok_or(Stopped::NoValue)?;
            if byte == b'"' {
                self.string().ok_or(Stopped::NoValue)?;
                if is_key {
                    // Most skipped bytes are managed fields, and most of their values are `{}`.
                    if self.rest().first_chunk() == Some(b":{},") {
                        self.at += 4;
                        continue;
                    }
                    self.eat(b':').ok_or(Stopped::NoValue)?;
                    is_key = false;
                    continue;
                }
            } else if is_key {
                return Err(Stopped::NoValue);
            } else if byte == b'{' || byte == b'[' {
                self.at += 1;
                let is_object = byte == b'{';
                if self.peek() != Some(end(is_object)) {
                    if !open.push(is_object) {
                        return Err(Stopped::TooDeep);
                    }
                    is_key = is_object;
                    continue;
                }
                self.at += 1;
            } else {
                self.at = past_scalar(self.bytes, self.at, byte).ok_or(Stopped::NoValue)?;
            }
            // The loop closes every object and list that ends after the value.
            loop {
                let Some(is_object) = open.innermost() else { return Ok(self) };
                match self.next() {
                    Some(b',') => {
                        self.at += 1;
                        is_key = is_object;
                        break;
                    }
                    Some(byte) if byte == end(is_object) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => self.space().ok_or(Stopped::NoValue)?,
                }
            }
        }
    }
}

/// Returns the byte that ends an object or a list.
#[inline]
const fn end(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

/// Returns the offset after a value that begins with `byte` and is not a string, object or list.
fn past_scalar(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    match byte {
        b't' => past_word(bytes, at, b"true"),
        b'f' => past_word(bytes, at, b"false"),
        b'n' => past_word(bytes, at, b"null"),
        _ => past_number(bytes, at).map(|(at, _)| at),
    }
}
