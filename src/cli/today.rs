//! The date: only a command asks for it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The date by which exemptions expire: everywhere the same.
#[expect(clippy::disallowed_methods, reason = "a command reads the clock, so that nothing below it has to")]
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}
