//! The time and the date, which only commands read.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Returns the date by which exemptions expire, in UTC for all clusters.
pub(super) fn today() -> Date {
    now().to_zoned(TimeZone::UTC).date()
}

/// Returns the present time.
#[expect(clippy::disallowed_methods, reason = "a command reads the clock, so that nothing below it has to")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}
