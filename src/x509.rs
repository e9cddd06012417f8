//! Reads from when to when a certificate is valid, which rustls checks but does not tell.
//!
//! A certificate in DER is a sequence, whose first element is the sequence of what was signed: an optional version, the
//! serial number, the algorithm, the issuer, and the validity, which is the begin and the end (RFC 5280, section 4.1).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
/// The optional version: constructed, with the number 0 of the context.
const VERSION: u8 = 0xa0;
/// A time with two digits of the year, of which 50 to 99 are in the twentieth century.
const UTC_TIME: u8 = 0x17;
/// A time with four digits of the year.
const GENERALIZED_TIME: u8 = 0x18;

/// The time in which a certificate is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

/// Returns the validity of a certificate in DER.
pub(crate) fn validity(certificate: &[u8]) -> Option<Validity> {
    let mut outer = Elements(certificate);
    let mut signed = Elements(Elements(outer.next_of(SEQUENCE)?).next_of(SEQUENCE)?);
    let (first, _) = signed.next()?;
    // With a version, the serial number is the second element.
    let skipped = if first == VERSION { 3 } else { 2 };
    for _ in 0..skipped {
        signed.next()?;
    }
    let mut validity = Elements(signed.next_of(SEQUENCE)?);
    Some(Validity { not_before: seconds(validity.next()?)?, not_after: seconds(validity.next()?)? })
}

/// Returns a time in seconds since 1970.
fn seconds((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The elements of a sequence in DER that are not read yet.
struct Elements<'d>(&'d [u8]);

impl<'d> Elements<'d> {
    /// Returns the tag and the content of the next element.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            0..0x80 => (usize::from(length), rest),
            // The low bits count the bytes of the length.
            _ => {
                let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add(usize::from(*byte));
                (bytes.iter().try_fold(0, add)?, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn next_of(&mut self, expected: u8) -> Option<&'d [u8]> {
        self.next().filter(|(tag, _)| *tag == expected).map(|(_, content)| content)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(year, 2, 28);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_a_time_are_read() {
        for (year, not_after) in [(2027, 1_803_772_800), (2049, 2_498_083_200), (2050, 2_529_619_200)] {
            let expected = Validity { not_before: 946_598_400, not_after };
            assert_eq!(validity(&certificate(year)), Some(expected), "{year}");
        }
    }

    #[test]
    fn what_is_cut_off_or_no_certificate_has_no_validity() {
        let certificate = certificate(2027);
        let end = certificate.windows(13).position(|bytes| bytes == b"270228000000Z").unwrap() + 13;
        assert_eq!((0..end).filter_map(|end| validity(&certificate[..end])).count(), 0);
        assert_eq!(validity(b"no certificate"), None);
        assert_eq!(validity(&[SEQUENCE, 0xff]), None);
    }
}
