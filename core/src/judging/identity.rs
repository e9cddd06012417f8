//! Hashes the identities of violations, so that an update is compared in little memory.
//!
//! An identity is a text, often longer than what it is about, and an object may have a million of them. Its 128-bit
//! hash takes 16 bytes. The keys of the hash are random and never leave the process, so no tenant can construct a new
//! violation with the hash of an old one.

use std::cell::OnceCell;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::sync::LazyLock;

use crate::work;

/// Holds the hash of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fingerprint(u64, u64);

/// The keys of the two halves of every fingerprint.
static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);

impl Fingerprint {
    /// Hashes what `text` writes, without storing it.
    pub(crate) fn of(text: &dyn fmt::Display) -> Self {
        let [first, second] = &*KEYS;
        let hashers = [first.build_hasher(), second.build_hasher()];
        let mut written = Written { bytes: 0, buffer: [0; BUFFER], used: 0, hashers };
        // INVARIANT: writing into a hasher cannot fail.
        let _ = write!(written, "{text}");
        written.flush();
        work::charge(written.bytes / BYTES);
        let [first, second] = written.hashers.map(|hasher| hasher.finish());
        Self(first, second)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

/// The bytes of which hashing is a unit of work.
const BYTES: usize = 32;

/// The bytes that are hashed at once, since identities are written in very short pieces.
const BUFFER: usize = 128;

/// Feeds text to two hashers, and counts its bytes.
struct Written {
    bytes: usize,
    buffer: [u8; BUFFER],
    /// The number of bytes in the buffer.
    used: usize,
    hashers: [DefaultHasher; 2],
}

impl Written {
    /// Copies bytes into the buffer; returns whether they fit.
    fn keep(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.buffer.get_mut(self.used..self.used + bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        self.used += bytes.len();
        true
    }

    fn flush(&mut self) {
        let kept = self.buffer.get(..self.used).unwrap_or_default();
        self.hashers.iter_mut().for_each(|hasher| hasher.write(kept));
        self.used = 0;
    }
}

impl fmt::Write for Written {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len();
        if !self.keep(text.as_bytes()) {
            self.flush();
            if !self.keep(text.as_bytes()) {
                self.hashers.iter_mut().for_each(|hasher| hasher.write(text.as_bytes()));
            }
        }
        Ok(())
    }
}

/// Prints the fingerprint of a text, which is computed once, on first use.
///
/// Identities that begin with the same text begin with its digest, so that a long text costs its length once and not
/// once for each of them.
pub(crate) struct Digest<'t> {
    text: &'t dyn fmt::Display,
    fingerprint: OnceCell<Fingerprint>,
}

impl<'t> Digest<'t> {
    /// Returns the digest of `text`.
    pub(crate) const fn of(text: &'t dyn fmt::Display) -> Self {
        Self { text, fingerprint: OnceCell::new() }
    }
}

impl fmt::Display for Digest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fingerprint.get_or_init(|| Fingerprint::of(self.text)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn o3_equal_texts_have_equal_fingerprints_however_they_are_written() {
        let whole = Fingerprint::of(&"annotation=a.example.com");
        assert_eq!(whole, Fingerprint::of(&format_args!("annotation={}", "a.example.com")));
        assert_eq!(whole, Fingerprint::of(&format_args!("{}=a{}", "annotation", ".example.com")));
        assert_ne!(whole, Fingerprint::of(&"annotation=b.example.com"));
        assert_ne!(Fingerprint::of(&""), Fingerprint::of(&"\0"));
        // However the pieces fall into the buffer.
        for length in [BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER] {
            let whole = "ab".repeat(length);
            for at in [1, BUFFER - 1, BUFFER, BUFFER + 1, length] {
                let (first, rest) = whole.split_at(at);
                assert_eq!(
                    Fingerprint::of(&whole),
                    Fingerprint::of(&format_args!("{first}{rest}")),
                    "{length} {at}"
                );
            }
        }
    }

    #[test]
    fn o3_a_text_that_many_identities_begin_with_is_read_once() {
        let read = Cell::new(0);
        let text = fmt::from_fn(|f| {
            read.set(read.get() + 1);
            f.write_str("a long key")
        });
        let digest = Digest::of(&text);
        let identity = |host| Fingerprint::of(&format_args!("{digest}={host}"));
        assert_eq!(identity("a"), identity("a"));
        assert_ne!(identity("a"), identity("b"));
        assert_eq!(read.get(), 1);
        let other = Digest::of(&"another long key");
        assert_ne!(identity("a"), Fingerprint::of(&format_args!("{other}=a")));
    }
}
