//! Strings, sixteen bytes at a time.

use wide::u8x16;

/// Marks what ends a plain run of a string: a quote, a backslash, or a control character, which must not be there.
#[inline]
fn special(bytes: [u8; 16]) -> u32 {
    let bytes = u8x16::new(bytes);
    let is = |byte| bytes.simd_eq(u8x16::splat(byte));
    (is(b'"') | is(b'\\') | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes)).to_bitmask()
}

/// Where the plain run of a string ends that goes on at `at`.
#[inline]
fn plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let special = special(*block);
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += 16;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Where the string ends whose first quote is right before `at`, after its last quote, and whether there are escapes in
/// it.
#[inline]
pub(super) fn string(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let at = plain(bytes, at);
    if *bytes.get(at)? == b'"' { Some((at + 1, false)) } else { escaped(bytes, at).map(|end| (end, true)) }
}

/// Where the string ends that has its first special byte at `at`.
#[cold]
fn escaped(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at..)? {
            [b'"', ..] => return Some(at + 1),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => at += 2,
            [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => at += 6,
            _ => return None,
        }
        at = plain(bytes, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_run_ends_at_every_special_byte_and_at_no_other() {
        for byte in 0..=u8::MAX {
            let is_special = byte == b'"' || byte == b'\\' || byte < 0x20;
            for length in 0..40 {
                for at in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    assert_eq!(
                        plain(&bytes, 0),
                        if is_special { at } else { length },
                        "{byte} {at} {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_of_several_special_bytes_counts() {
        for pair in [*b"\"\\", *b"\\\"", *b"\x1f\"", *b"\"\x1f", *b"\\\x00", *b"\"#", *b"#\"", *b"!\""] {
            for at in 0..30 {
                let mut bytes = [b'a'; 32];
                bytes[at..at + 2].copy_from_slice(&pair);
                let expected = bytes.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
                assert_eq!(Some(plain(&bytes, 0)), expected, "{pair:?} at {at}");
            }
        }
    }
}
