//! Values of which nothing is kept.
//!
//! Every function takes the text and a place in it, and returns the place after what it went past; nothing if that is
//! not there.

use super::strings::string;

/// Which of the objects and lists that are open are objects: the innermost in the lowest bit.
///
/// What is skipped may be nested as deep as its bytes last, as in serde_json; no recursion, and up to 128 levels no
/// memory.
#[derive(Default)]
struct Open {
    inner: u128,
    depth: usize,
    /// What no longer fits.
    outer: Vec<u128>,
}

impl Open {
    const WIDTH: usize = 128;

    #[inline]
    fn push(&mut self, is_object: bool) {
        if self.depth.is_multiple_of(Self::WIDTH) && self.depth > 0 {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u128::from(is_object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.inner >>= 1;
        self.depth -= 1;
        if self.depth.is_multiple_of(Self::WIDTH) && self.depth > 0 {
            self.inner = self.outer.pop().unwrap_or_default();
        }
    }

    #[inline]
    fn is_in_object(&self) -> bool {
        self.inner & 1 == 1
    }
}

/// Past white space.
#[inline]
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Past a value, which is held to the grammar.
pub(super) fn value(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut open = Open::default();
    loop {
        at = space(bytes, at);
        match *bytes.get(at)? {
            b'"' => at = string(bytes, at + 1)?.0,
            b'{' => {
                open.push(true);
                at = space(bytes, at + 1);
                // The brace that closes an empty object is met below.
                if *bytes.get(at)? != b'}' {
                    at = key(bytes, at)?;
                    continue;
                }
            }
            b'[' => {
                open.push(false);
                at = space(bytes, at + 1);
                if *bytes.get(at)? != b']' {
                    continue;
                }
            }
            b'-' | b'0'..=b'9' => at = number(bytes, at)?.0,
            b't' => at = word(bytes, at, b"true")?,
            b'f' => at = word(bytes, at, b"false")?,
            b'n' => at = word(bytes, at, b"null")?,
            _ => return None,
        }
        // All that ends with the value.
        loop {
            if open.depth == 0 {
                return Some(at);
            }
            at = space(bytes, at);
            match (*bytes.get(at)?, open.is_in_object()) {
                (b',', true) => {
                    at = key(bytes, space(bytes, at + 1))?;
                    break;
                }
                (b',', false) => {
                    at += 1;
                    break;
                }
                (b'}', true) | (b']', false) => {
                    at += 1;
                    open.pop();
                }
                _ => return None,
            }
        }
    }
}

/// Past a key and its colon.
#[inline]
fn key(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let at = space(bytes, string(bytes, at + 1)?.0);
    (*bytes.get(at)? == b':').then_some(at + 1)
}

/// Past a word.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Past a number, and whether it has neither a fraction nor an exponent.
pub(super) fn number(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    // No other digit may follow a zero; if one does, it is not what comes after a value.
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(bytes, at)? };
    let mut is_whole = true;
    if bytes.get(at) == Some(&b'.') {
        is_whole = false;
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        is_whole = false;
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Some((at, is_whole))
}

/// Past digits, of which there must be one.
fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (end > at).then_some(end)
}
