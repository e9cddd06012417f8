//! The `traceparent` of a request, as the W3C recommendation Trace Context defines it.

#![expect(clippy::disallowed_methods, reason = "a span begins when its request does")]

use std::time::SystemTime;

use axum::http::HeaderMap;

const TRACEPARENT: &str = "traceparent";
/// The flag of a trace that its caller records.
const SAMPLED: u8 = 1;

/// A review whose caller records its trace: the caller's ids, and when the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampled {
    pub(super) trace: [u8; 16],
    pub(super) parent: [u8; 8],
    pub(super) begun: SystemTime,
}

impl Sampled {
    /// Returns the trace of a request, if its caller records it. Anything else in the headers takes no memory.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (trace, parent) = parse(value.as_bytes())?;
        Some(Self { trace, parent, begun: SystemTime::now() })
    }
}

/// Returns the ids of the trace and of the parent, if the trace is sampled.
fn parse(value: &[u8]) -> Option<([u8; 16], [u8; 8])> {
    let mut fields = value.split(|byte| *byte == b'-');
    let [version] = hex(fields.next()?)?;
    let (trace, parent) = (hex(fields.next()?)?, hex(fields.next()?)?);
    let [flags] = hex(fields.next()?)?;
    // Later versions may have further fields.
    let is_known = version != 0xff && (version > 0 || fields.next().is_none());
    let has_ids = trace != [0; 16] && parent != [0; 8];
    (is_known && has_ids && flags & SAMPLED != 0).then_some((trace, parent))
}

/// Reads bytes in lowercase hexadecimal.
fn hex<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let (pairs, rest) = text.as_chunks();
    if pairs.len() != BYTES || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_valid_and_sampled_parent_is_taken() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = "00f067aa0ba902b7";
        let (no_trace, no_parent) = ("0".repeat(32), "0".repeat(16));
        for (value, expected) in [
            (format!("00-{trace}-{parent}-01"), true),
            (format!("00-{trace}-{parent}-03"), true),
            (format!("cc-{trace}-{parent}-01-more"), true),
            (format!("00-{trace}-{parent}-00"), false),
            (format!("00-{trace}-{parent}-02"), false),
            (format!("00-{trace}-{parent}-01-more"), false),
            (format!("ff-{trace}-{parent}-01"), false),
            (format!("00-{no_trace}-{parent}-01"), false),
            (format!("00-{trace}-{no_parent}-01"), false),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), false),
            (format!("00-{trace}a-{parent}-01"), false),
            (format!("00-{trace}-{parent}"), false),
            (format!("00-{trace}-{parent}-1"), false),
            (String::new(), false),
            ("é".repeat(55), false),
        ] {
            assert_eq!(parse(value.as_bytes()).is_some(), expected, "{value}");
        }
        let value = format!("00-{trace}-{parent}-01");
        let mut headers = HeaderMap::new();
        assert_eq!(Sampled::of(&headers), None);
        headers.append(TRACEPARENT, HeaderValue::from_str(&value).unwrap());
        let sampled = Sampled::of(&headers).unwrap();
        assert_eq!(sampled.trace[..2], [0x4b, 0xf9]);
        assert_eq!(sampled.parent, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        headers.append(TRACEPARENT, HeaderValue::from_str(&value).unwrap());
        assert_eq!(Sampled::of(&headers), None, "which of two holds is unknown");
    }
}
