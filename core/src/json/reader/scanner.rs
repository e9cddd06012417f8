//! Scans JSON text in blocks of sixty-four bytes.
//!
//! A string ends at a byte that is rare, so the scanner finds such bytes for a whole block at once and then reads
//! them bit by bit. Within a block no branch depends on the length of a string, since processors mispredict such
//! branches.

use wide::u8x16;

/// Sets the size of a block in bytes.
const BLOCK: usize = u64::BITS as usize;

/// Marks the special bytes of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// The offset of the next block.
    end: usize,
    /// One bit for each byte, the first byte's lowest.
    ///
    /// The bit is set for quotes, backslashes and control characters, which must not be in a string, and for
    /// positions after the end of the text.
    special: u64,
}

impl Block {
    /// The state before the first block.
    const NONE: Self = Self { end: 0, special: 0 };

    /// Returns the next block.
    ///
    /// It starts from this block and not from the scanner's position, so that a processor can load it before it knows
    /// that position.
    #[inline]
    fn next(self, bytes: &[u8]) -> Self {
        let rest = bytes.get(self.end..).unwrap_or_default();
        let special = rest.first_chunk().map_or_else(|| special_at_end(rest), special);
        Self { end: self.end + BLOCK, special }
    }
}

#[inline]
fn special(block: &[u8; BLOCK]) -> u64 {
    let (sixteens, _) = block.as_chunks::<16>();
    sixteens.iter().enumerate().fold(0, |special, (index, sixteen)| {
        let bytes = u8x16::new(*sixteen);
        let is = |byte| bytes.simd_eq(u8x16::splat(byte));
        let found = is(b'"') | is(b'\\') | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        special | u64::from(found.to_bitmask()) << (16 * index)
    })
}

/// Marks the special bytes of a block in which the text ends.
#[cold]
fn special_at_end(rest: &[u8]) -> u64 {
    let mut block = [0; BLOCK];
    for (byte, there) in block.iter_mut().zip(rest) {
        *byte = *there;
    }
    special(&block)
}

/// Holds a position in a JSON text and the current block.
///
/// Skipping keeps the scanner in registers, so the functions that it calls are either inlined or do not take the
/// whole scanner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    /// The offset of the next byte.
    pub(super) at: usize,
    /// The last block that was scanned. INVARIANT: the position is not before it, since a scanner never moves back.
    block: Block,
}

impl<'a> Scanner<'a> {
    /// Returns a scanner at the start of a text.
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, block: Block::NONE }
    }

    /// Returns the next byte, which may be white space.
    #[inline]
    pub(super) fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Returns the next byte and all bytes after it.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Advances to the next byte that is not white space, and returns it.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.next() {
            Some(..=b' ') => {
                self.at = past_space(self.bytes, self.at);
                self.next()
            }
            byte => byte,
        }
    }

    /// Consumes white space, or returns `None` if there is none.
    #[inline]
    pub(super) fn space(&mut self) -> Option<()> {
        let after = past_space(self.bytes, self.at);
        (after > self.at).then(|| self.at = after)
    }

    /// Consumes `byte` and white space before it, or returns `None` if another byte follows.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        // Usually no white space comes before it.
        (self.next() == Some(byte) || self.peek() == Some(byte)).then(|| self.at += 1)
    }

    /// Consumes a word, or returns `None` if it does not follow.
    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.at = past_word(self.bytes, self.at, word)?;
        Some(())
    }

    /// Advances to the next special byte of a string, or to the end of the text.
    #[inline]
    fn plain(&mut self) {
        debug_assert!(self.at + BLOCK >= self.block.end, "a scanner went back");
        loop {
            while self.at >= self.block.end {
                self.block = self.block.next(self.bytes);
            }
            let special = self.block.special >> (self.at % BLOCK);
            if special != 0 {
                self.at += special.trailing_zeros() as usize;
                return;
            }
            self.at = self.block.end;
        }
    }

    /// Consumes a string whose opening quote is the next byte.
    #[inline]
    pub(super) fn string(&mut self) -> Option<()> {
        self.at += 1;
        self.rest_of_string()
    }

    /// Consumes a string, and returns whether it contains escapes.
    ///
    /// It is for strings that rarely contain escapes: the code for escapes is not inlined.
    #[inline]
    pub(super) fn string_seldom_escaped(&mut self) -> Option<bool> {
        self.at += 1;
        self.plain();
        if self.next()? == b'"' {
            self.at += 1;
            return Some(false);
        }
        self.escaped_string().map(|()| true)
    }

    #[cold]
    fn escaped_string(&mut self) -> Option<()> {
        self.rest_of_string()
    }

    #[inline]
    fn rest_of_string(&mut self) -> Option<()> {
        loop {
            self.plain();
            if self.next()? == b'"' {
                self.at += 1;
                return Some(());
            }
            self.at += escape(self.rest())?;
        }
    }

    /// Consumes a number, and returns whether it has neither a fraction nor an exponent.
    pub(super) fn number(&mut self) -> Option<bool> {
        let (at, is_whole) = past_number(self.bytes, self.at)?;
        self.at = at;
        Some(is_whole)
    }
}

/// Returns the length of the escape at the start of `rest`, or `None` if there is no valid one.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'\\', b'u', a, b, c, d, ..] => [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Returns the offset after white space. The function is cold because API servers write no white space.
#[cold]
fn past_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Returns the offset after a word, or `None` if it does not follow.
#[inline]
pub(super) fn past_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Returns the offset after a number, and whether it has neither a fraction nor an exponent.
pub(super) fn past_number(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    // No digit may follow a leading zero; the caller refuses one, since it cannot follow a value.
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { past_digits(bytes, at)? };
    let mut is_whole = true;
    if bytes.get(at) == Some(&b'.') {
        is_whole = false;
        at = past_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        is_whole = false;
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = past_digits(bytes, at)?;
    }
    Some((at, is_whole))
}

/// Returns the offset after at least one digit, or `None` if there is none.
#[inline]
fn past_digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (end > at).then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the offset of the first special byte at or after `at`.
    fn plain(bytes: &[u8], at: usize) -> usize {
        let mut scanner = Scanner { at, ..Scanner::of(bytes) };
        scanner.plain();
        scanner.at
    }

    #[test]
    fn a_plain_run_ends_at_every_special_byte_and_at_no_other() {
        for byte in 0..=u8::MAX {
            let is_special = byte == b'"' || byte == b'\\' || byte < 0x20;
            for length in [1, 15, 16, 17, 31, 63, 64, 65, 127, 128, 129] {
                for at in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let expected = if is_special { at } else { length };
                    assert_eq!(plain(&bytes, 0), expected, "{byte} {at} {length}");
                }
            }
        }
    }

    #[test]
    fn what_is_special_before_the_run_does_not_end_it() {
        for from in 0..200 {
            for end in from..200 {
                let mut bytes = vec![b'"'; 200];
                bytes[from..end].fill(b'a');
                assert_eq!(plain(&bytes, from), end, "{from}");
            }
        }
    }

    #[test]
    fn the_first_of_several_special_bytes_counts() {
        for pair in [*b"\"\\", *b"\\\"", *b"\x1f\"", *b"\"\x1f", *b"\\\x00", *b"\"#", *b"#\"", *b"!\""] {
            for at in 0..140 {
                let mut bytes = [b'a'; 142];
                bytes[at..at + 2].copy_from_slice(&pair);
                let expected = bytes.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
                assert_eq!(Some(plain(&bytes, 0)), expected, "{pair:?} at {at}");
            }
        }
    }

    /// Reads a string byte by byte, and returns its end and whether it contains escapes.
    fn one_by_one(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
        let (mut at, mut has_escapes) = (at + 1, false);
        loop {
            match *bytes.get(at)? {
                b'"' => return Some((at + 1, has_escapes)),
                b'\\' => {
                    has_escapes = true;
                    at += 2;
                    match *bytes.get(at - 1)? {
                        b'u' if bytes.get(at..at + 4)?.iter().all(u8::is_ascii_hexdigit) => at += 4,
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        _ => return None,
                    }
                }
                ..0x20 => return None,
                _ => at += 1,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// Both methods that consume strings find the same end, however the strings lie in blocks.
        #[test]
        fn m9_strings_end_where_they_do_one_byte_after_the_other(
            parts in prop::collection::vec(
                prop_oneof![
                    4 => "[a-zé:,{} ]{0,40}",
                    4 => prop::sample::select(&[r#"\""#, r"\\", r"\n", r"\u0022", r#"\\""#, "\""][..])
                        .prop_map(str::to_owned),
                    1 => prop::sample::select(&["\u{1}", r"\x", r"\u00", "\\\u{1}"][..]).prop_map(str::to_owned),
                ],
                0..40,
            ),
            cut in any::<prop::sample::Index>(),
        ) {
            let text = format!("\"{}\"", parts.concat());
            let cut = cut.index(2 * text.len());
            let bytes = text.as_bytes().get(..cut).unwrap_or(text.as_bytes());
            let (mut skipping, mut reading) = (Scanner::of(bytes), Scanner::of(bytes));
            while let Some(quote) = (skipping.at..bytes.len()).find(|at| bytes[*at] == b'"') {
                // Between strings a backslash is an error that the caller of the scanner reports.
                if bytes[skipping.at..quote].contains(&b'\\') {
                    break;
                }
                (skipping.at, reading.at) = (quote, quote);
                let expected = one_by_one(bytes, quote);
                prop_assert_eq!(skipping.string().map(|()| skipping.at), expected.map(|(end, _)| end));
                prop_assert_eq!(reading.string_seldom_escaped().map(|escapes| (reading.at, escapes)), expected);
                if expected.is_none() {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_scanner_that_went_on_finds_what_is_in_later_blocks() {
        let bytes: Vec<u8> = (0..1_000).map(|at| if at % 70 == 69 { b'"' } else { b'a' }).collect();
        let mut scanner = Scanner::of(&bytes);
        for at in [0, 100, 150, 300, 448, 512, 700, 999, 1_000] {
            scanner.at = at;
            scanner.plain();
            let expected = (at..1_000).find(|at| bytes[*at] == b'"').unwrap_or(1_000);
            assert_eq!(scanner.at, expected, "{at}");
        }
    }
}
