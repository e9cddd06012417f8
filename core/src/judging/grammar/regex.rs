//! Recognizes regular expressions that surely compile.

/// Names the engine that compiles an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// PCRE, of nginx and HAProxy.
    Pcre,
    /// RE2, of Envoy, and engines that accept the same: those of Go and Rust.
    Re2,
}

/// Limits how deep groups nest. PCRE's limit is 250.
const DEPTH: u32 = 30;
/// Limits a counted repetition. RE2's limit is 1,000.
const REPETITIONS: u32 = 1_000;

/// Returns whether an engine surely compiles `pattern`.
///
/// The function accepts a common part of both syntaxes: literals, `.`, classes, groups, alternatives, quantifiers and
/// anchors. Back references, named groups, and classes by name are refused. It reads each byte once.
pub(crate) fn compiles(pattern: &str, engine: Engine) -> bool {
    let mut rest = pattern.as_bytes();
    let mut groups = Groups::default();
    let mut last = Last::Nothing;
    while let Some((&byte, tail)) = rest.split_first() {
        let step = match byte {
            b'*' | b'+' | b'?' => last.quantified(byte, engine).map(|last| (last, tail)),
            b'{' => counted(tail)
                .filter(|_| last == Last::Atom && !groups.is_counted())
                .inspect(|_| groups.count())
                .map(|tail| (Last::Repeated, tail)),
            b'(' => groups.open(tail, engine),
            b')' => groups.close().map(|last| (last, tail)),
            b'[' => class(tail).map(|tail| (Last::Atom, tail)),
            b'\\' => escape(tail),
            b'^' | b'$' | b'|' => Some((Last::Nothing, tail)),
            0..b' ' | 0x7f => None,
            _ => Some((Last::Atom, tail)),
        };
        let Some((next, tail)) = step else { return false };
        // A count of a group that contains a count multiplies both.
        if next == Last::Atom && byte != b')' {
            groups.forget_count();
        }
        (last, rest) = (next, tail);
    }
    groups.depth == 0
}

/// Names what a quantifier would repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    Atom,
    /// An atom with a quantifier.
    Repeated,
}

impl Last {
    fn quantified(self, quantifier: u8, engine: Engine) -> Option<Self> {
        match (self, quantifier) {
            (Self::Atom, _) => Some(Self::Repeated),
            (Self::Repeated, b'?') => Some(Self::Nothing),
            (Self::Repeated, b'+') if engine == Engine::Pcre => Some(Self::Nothing),
            (Self::Nothing | Self::Repeated, _) => None,
        }
    }
}

/// Holds the open groups, one bit each.
#[derive(Default)]
struct Groups {
    depth: u32,
    /// The groups that only look ahead, which no quantifier may follow.
    assertions: u32,
    /// The groups that contain a counted repetition.
    counts: u32,
    /// True if the last atom is a group that contains a counted repetition.
    is_last_counted: bool,
}

impl Groups {
    const fn bit(&self) -> u32 {
        1 << self.depth
    }

    fn open<'p>(&mut self, rest: &'p [u8], engine: Engine) -> Option<(Last, &'p [u8])> {
        let (is_assertion, tail) = match rest {
            [b'?', b':', tail @ ..] => (false, tail),
            [b'?', b'=' | b'!', tail @ ..] if engine == Engine::Pcre => (true, tail),
            [b'?', b'i', b')', tail @ ..] => return Some((Last::Nothing, tail)),
            [b'?' | b'*', ..] => return None,
            tail => (false, tail),
        };
        if self.depth == DEPTH {
            return None;
        }
        self.depth += 1;
        let bit = self.bit();
        self.counts &= !bit;
        self.assertions = if is_assertion { self.assertions | bit } else { self.assertions & !bit };
        Some((Last::Nothing, tail))
    }

    fn close(&mut self) -> Option<Last> {
        let bit = self.bit();
        self.depth = self.depth.checked_sub(1)?;
        self.is_last_counted = self.counts & bit != 0;
        if self.is_last_counted {
            self.counts |= self.bit();
        }
        Some(if self.assertions & bit == 0 { Last::Atom } else { Last::Nothing })
    }

    /// Records a counted repetition in the open group.
    fn count(&mut self) {
        self.counts |= self.bit();
    }

    fn forget_count(&mut self) {
        self.is_last_counted = false;
    }

    const fn is_counted(&self) -> bool {
        self.is_last_counted
    }
}

/// Reads a counted repetition after its brace, and returns the text after it.
fn counted(rest: &[u8]) -> Option<&[u8]> {
    let (least, rest) = digits(rest)?;
    let (most, rest) = match rest {
        [b',', b'}', ..] => (least, rest.get(1..)?),
        [b',', tail @ ..] => digits(tail)?,
        _ => (least, rest),
    };
    match rest {
        [b'}', tail @ ..] if least <= most && most <= REPETITIONS => Some(tail),
        _ => None,
    }
}

fn digits(rest: &[u8]) -> Option<(u32, &[u8])> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at_checked(length)?;
    let number = str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, rest))
}

/// Reads what follows a backslash outside of a class.
fn escape(rest: &[u8]) -> Option<(Last, &[u8])> {
    let (byte, tail) = rest.split_first()?;
    match byte {
        b'b' | b'B' => Some((Last::Nothing, tail)),
        byte if is_class_letter(*byte) || byte.is_ascii_punctuation() => Some((Last::Atom, tail)),
        _ => None,
    }
}

const fn is_class_letter(byte: u8) -> bool {
    matches!(byte, b'd' | b'D' | b'w' | b'W' | b's' | b'S')
}

/// Reads a class after its bracket, and returns the text after it.
fn class(rest: &[u8]) -> Option<&[u8]> {
    let mut rest = rest.strip_prefix(b"^").unwrap_or(rest);
    // The character that may begin a range.
    let mut start = None;
    let mut is_empty = true;
    loop {
        (start, rest) = match rest {
            [b']', tail @ ..] if !is_empty => return Some(tail),
            [b']' | b'[', ..] => return None,
            [b'-', b']', ..] => (None, rest.get(1..)?),
            [b'-', tail @ ..] if is_empty => (None, tail),
            [b'-', tail @ ..] => {
                let (end, tail) = literal(tail)?;
                if start? > end? {
                    return None;
                }
                (None, tail)
            }
            rest => literal(rest)?,
        };
        is_empty = false;
    }
}

/// Reads one character of a class; returns `None` in its place for a class such as `\d`.
fn literal(rest: &[u8]) -> Option<(Option<u8>, &[u8])> {
    match rest {
        [b'\\', byte, tail @ ..] if is_class_letter(*byte) => Some((None, tail)),
        [b'\\', byte, tail @ ..] if byte.is_ascii_punctuation() => Some((Some(*byte), tail)),
        [b'\\' | b'[' | b']', ..] | [0..b' ' | 0x7f.., ..] | [] => None,
        [byte, tail @ ..] => Some((Some(*byte), tail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o11_expressions_that_every_engine_compiles() {
        for pattern in [
            "",
            "/",
            "/api(/|$)(.*)",
            "/v[0-9]+/?",
            "/a.b",
            r"/a\.php$",
            "/[^/]+/x",
            "/*",
            "^/a*?b",
            "(?i)/a",
            "/(?:a|b|)+",
            "/[a-z-]",
            "/[-a]",
            r"/[\w-]+",
            r"/\d\b",
            "/a{2}",
            "/a{2,}b{0,3}",
            "/a]",
            "()",
            "/caf%C3%A9",
            "/(a{2})(b{3})",
            "/x{2}y{3}",
        ] {
            assert!(compiles(pattern, Engine::Pcre) && compiles(pattern, Engine::Re2), "{pattern}");
        }
        for pattern in ["/c++", "/a(?!b)", "/a(?=b)c"] {
            assert!(compiles(pattern, Engine::Pcre) && !compiles(pattern, Engine::Re2), "{pattern}");
        }
    }

    #[test]
    fn o11_expressions_that_an_engine_may_refuse() {
        for pattern in [
            "/(",
            "/)",
            "/a)(",
            "*",
            "/(*)",
            "/a**",
            "/a+++",
            "/|*",
            "/[",
            "/[]",
            "/[]a]",
            "/[z-a]",
            "/[a",
            "/[[:alpha:]]",
            r"/[\w-.]",
            "/\\",
            r"/\1",
            r"/\k",
            r"/\Qa",
            "/(?<a>b)",
            "/(?P<a>b)",
            "/(?#a)",
            "/(*UTF)a",
            "/a{3,2}",
            "/a{",
            "/a{x}",
            "/a{1001}",
            "{2}",
            "/a{2}{3}",
            "/(a{9}){9}",
            "/((a{9})b){9}",
            "/a\nb",
            "/^*",
            "/$+",
            "/[\u{e9}-z]",
        ] {
            assert!(!compiles(pattern, Engine::Pcre) && !compiles(pattern, Engine::Re2), "{pattern}");
        }
        assert!(!compiles(&"(".repeat(31), Engine::Pcre));
        assert!(!compiles(&format!("{}{}", "(".repeat(31), ")".repeat(31)), Engine::Pcre));
        assert!(compiles(&format!("{}{}", "(".repeat(30), ")".repeat(30)), Engine::Pcre));
    }
}
