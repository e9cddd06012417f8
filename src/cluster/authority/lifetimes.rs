//! How long certificates live, and what follows from that.

use std::time::Duration;

/// How long a CA lives, in seconds: two years.
const CA: i64 = 2 * 365 * DAY;
/// How long a serving certificate lives, in seconds: thirty days.
const LEAF: i64 = 30 * DAY;
/// How long the next CA is in all registered bundles before it signs, in seconds.
const HOLD: i64 = DAY;
/// How long it takes at most until every API server uses a bundle that was written.
const SETTLE: Duration = Duration::from_secs(120);
const DAY: i64 = 24 * 60 * 60;

/// The lifetimes of CAs and serving certificates.
///
/// With the shorter ones of tests, what else takes time is shorter by as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// How long a CA lives, in seconds.
    pub(crate) ca: i64,
    /// How long a serving certificate lives, in seconds.
    pub(crate) leaf: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { ca: CA, leaf: LEAF }
    }
}

impl Lifetimes {
    /// Returns how long the first CA of an installation lives.
    ///
    /// Half as long as all others, so that it and the next CA, which is made with it, do not end together: from then on
    /// a CA is replaced in each third of a CA's life.
    pub(super) const fn first_ca(self) -> i64 {
        self.ca / 2
    }

    /// Returns how long the next CA is in all registered bundles before it signs because the current one grows old.
    pub(super) fn hold(self) -> i64 {
        HOLD.min(self.ca / 24)
    }

    /// Returns how long a replica must have seen the next CA in all registered bundles before it signs, even if
    /// somebody demands it.
    pub(super) fn settle(self) -> Duration {
        SETTLE.min(Duration::from_secs(u64::try_from(self.ca / 60).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_themselves_they_are_those_of_the_design() {
        let lifetimes = Lifetimes::default();
        assert_eq!((lifetimes.hold(), lifetimes.settle()), (24 * 60 * 60, SETTLE));
        assert_eq!(lifetimes.first_ca(), 365 * 24 * 60 * 60);
    }

    #[test]
    fn what_a_test_shortens_shortens_the_rest() {
        let lifetimes = Lifetimes { ca: 240, leaf: 60 };
        assert_eq!((lifetimes.hold(), lifetimes.first_ca()), (10, 120));
        assert_eq!(lifetimes.settle(), Duration::from_secs(4));
    }
}
