//! Values of which nothing is kept.

use super::scanner::{Scanner, past_number, past_word};

/// Which of the objects and lists that are open are objects.
trait Open: Default {
    /// One more, inside of the others; whether there was room for it.
    fn push(&mut self, is_object: bool) -> bool;
    /// The innermost ends.
    fn pop(&mut self);
    /// Whether the innermost is an object; `None`: nothing is open.
    fn innermost(&self) -> Option<bool>;
}

/// Up to 63 of them: the innermost in the lowest bit, and a one above the outermost.
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

/// As many as there are.
#[derive(Default)]
struct Many {
    inner: Few,
    /// All full.
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

/// Why a value was not gone past.
enum Stopped {
    /// It is none.
    NoValue,
    /// It is nested deeper than there was room for.
    TooDeep,
}

impl Scanner<'_> {
    /// Goes past a value, which is held to the grammar.
    ///
    /// What is skipped may be nested as deep as its bytes last, as in serde_json; no recursion, and up to 63 levels no
    /// memory.
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

    /// One loop, with one place where strings are gone past, for keys as well: it stays in registers that way.
    #[inline]
    fn past_value<O: Open>(mut self) -> Result<Self, Stopped> {
        let mut open = O::default();
        let mut is_key = false;
        loop {
            let byte = self.peek().ok_or(Stopped::NoValue)?;
            if byte == b'"' {
                self.string().ok_or(Stopped::NoValue)?;
                if is_key {
                    // Most of what is skipped are managed fields, and most of these this.
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
            // All that ends with the value.
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

/// What an object or a list ends with.
#[inline]
const fn end(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

/// Past a value that is no string, object or list, and begins with `byte`.
fn past_scalar(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    match byte {
        b't' => past_word(bytes, at, b"true"),
        b'f' => past_word(bytes, at, b"false"),
        b'n' => past_word(bytes, at, b"null"),
        _ => past_number(bytes, at).map(|(at, _)| at),
    }
}
