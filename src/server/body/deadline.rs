//! The deadline of a review.

use std::time::Duration;

use tokio::time::Instant;

/// The timeout of the API server if the request names none.
const DEFAULT: Duration = Duration::from_secs(10);
/// The longest timeout of the API server; a client that names a longer one is not the API server.
const LONGEST: Duration = Duration::from_secs(30);
/// The API server rounds its timeout up to whole seconds, so the last second may be missing.
const ROUNDING: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(500);

/// The end of a review's time, and when to stop waiting for memory or other bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// When the answer must be sent.
    pub(crate) end: Instant,
    /// When a review that still waits is told to try another replica.
    pub(crate) give_up_at: Instant,
}

impl Deadline {
    /// Returns the deadline of a request that arrived just now, from the query of its URL.
    pub(crate) fn of(query: Option<&str>) -> Self {
        let now = Instant::now();
        let granted = granted(query);
        Self { end: now + granted, give_up_at: now + granted / 2 }
    }
}

fn granted(query: Option<&str>) -> Duration {
    query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(go_duration)
        .unwrap_or(DEFAULT)
        .min(LONGEST)
        .saturating_sub(ROUNDING)
        .max(SHORTEST)
}

/// Parses a duration as Go writes it: `10s`, `1m30s`, `1.5s`, `500ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?)?;
        let (unit, after) =
            after.split_at_checked(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()))?;
        seconds += number.parse::<f64>().ok()? * seconds_in(unit)?;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

fn seconds_in(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" | "µs" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, millis) in [
            ("3s", 3_000),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("1h0m0s", 3_600_000),
        ] {
            assert_eq!(go_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "3", "3x", "-3s", "1..5s", "3s4", "99999999999999999999999h"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_second_is_kept_back_and_half_a_second_always_granted() {
        for (query, millis) in [
            (None, 9_000),
            (Some(""), 9_000),
            (Some("timeout=10s"), 9_000),
            (Some("a=b&timeout=3s"), 2_000),
            (Some("timeout=1s"), 500),
            (Some("timeout=0s"), 500),
            (Some("timeout=24h"), 29_000),
            (Some("timeout=soon"), 9_000),
        ] {
            assert_eq!(granted(query), Duration::from_millis(millis), "{query:?}");
        }
    }
}
