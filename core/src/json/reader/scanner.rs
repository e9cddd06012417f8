//! A place in a text of JSON, and what is special in the sixty-four bytes around it.
//!
//! A string ends at a byte that hardly ever comes, so where such bytes are is found out for many at once, and asked
//! bit by bit. Within a block no branch depends on how long a string is: those that do are what a processor guesses
//! wrong.

use wide::u8x16;

/// How many bytes are looked at together.
const BLOCK: usize = u64::BITS as usize;

/// What is special in a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Where the next one begins.
    end: usize,
    /// A bit for each quote, backslash and control character, which must not be in a string, and for what is after the
    /// end of the text. The first byte's is the lowest.
    special: u64,
}

impl Block {
    /// Before the first one.
    const NONE: Self = Self { end: 0, special: 0 };

    /// The next one. It is found from this one, not from where the scanner is, so that a processor can look at it
    /// while it still finds that out.
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

/// Of a block that the text ends in.
#[cold]
fn special_at_end(rest: &[u8]) -> u64 {
    let mut block = [0; BLOCK];
    for (byte, there) in block.iter_mut().zip(rest) {
        *byte = *there;
    }
    special(&block)
}

/// A place in a text of JSON.
///
/// What skips keeps it in registers, so what it calls on the way either is inlined or does not take it as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    /// The next byte.
    pub(super) at: usize,
    /// The block that was looked at last. INVARIANT: the scanner is not before it, for it never goes back.
    block: Block,
}

impl<'a> Scanner<'a> {
    /// The start of a text.
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, block: Block::NONE }
    }

    /// The next byte, whatever it is.
    #[inline]
    pub(super) fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte and all after it.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes to the next byte that is no white space.
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

    /// Goes past white space, of which there must be some.
    #[inline]
    pub(super) fn space(&mut self) -> Option<()> {
        let after = past_space(self.bytes, self.at);
        (after > self.at).then(|| self.at = after)
    }

    /// Goes past `byte`, if it comes next but for white space.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        // What comes next usually is it.
        (self.next() == Some(byte) || self.peek() == Some(byte)).then(|| self.at += 1)
    }

    /// Goes past a word, if it comes next.
    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.at = past_word(self.bytes, self.at, word)?;
        Some(())
    }

    /// Goes to what ends a plain run of a string, or to the end of the text.
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

    /// Goes past a string of which the first quote comes next.
    #[inline]
    pub(super) fn string(&mut self) -> Option<()> {
        self.at += 1;
        self.rest_of_string()
    }

    /// The same; whether there are escapes in it. For where hardly any has: what they take is not in line.
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

    /// Goes past a number; whether it has neither a fraction nor an exponent.
    pub(super) fn number(&mut self) -> Option<bool> {
        let (at, is_whole) = past_number(self.bytes, self.at)?;
        self.at = at;
        Some(is_whole)
    }
}

/// The length of the escape that begins there; `None`: it is none.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'\\', b'u', a, b, c, d, ..] => [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// An API server writes none.
#[cold]
fn past_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Past a word.
#[inline]
pub(super) fn past_word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Past a number, and whether it has neither a fraction nor an exponent.
pub(super) fn past_number(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    // No other digit may follow a zero; if one does, it is not what comes after a value.
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

/// Past digits, of which there must be one.
#[inline]
fn past_digits(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (end > at).then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where the plain run ends that begins there.
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

    /// Where the string ends whose first quote is there, byte by byte, and whether there are escapes in it.
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

        /// Strings one after the other, as both ways to go past one see them: whatever a block holds of one, of the
        /// next and of what is between them.
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
                // Backslashes between strings are met by whoever goes past what is there.
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
