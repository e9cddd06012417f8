//! Counts the answers to a load, as a whole and by its parts.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::client::{Failure, Said};
use crate::stats::median;

/// From 1 µs to a minute.
const NANOSECONDS: (u64, u64) = (1_000, 60_000_000_000);

/// The answers to a load.
#[derive(Clone)]
pub(crate) struct Tally {
    /// Of right answers, in ns.
    pub(crate) latencies: Histogram<u64>,
    /// The delay with which reviews were sent, in ns: the generator adds it to their latencies.
    pub(crate) lateness: Histogram<u64>,
    pub(crate) failures: BTreeMap<String, u64>,
    /// Of one run, if it is cut into them.
    pub(crate) parts: Vec<Part>,
    /// The single reviews, while the load runs.
    pub(crate) sent: Vec<Sent>,
}

impl Default for Tally {
    fn default() -> Self {
        let (least, most) = NANOSECONDS;
        let empty = Histogram::new_with_bounds(least, most, 3).unwrap_or_else(|error| panic!("{error}"));
        Self {
            latencies: empty.clone(),
            lateness: empty,
            failures: BTreeMap::new(),
            parts: Vec::new(),
            sent: Vec::new(),
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        for (all, more) in [(&mut self.latencies, &other.latencies), (&mut self.lateness, &other.lateness)] {
            all.add(more).unwrap_or_else(|error| panic!("all have the same bounds: {error}"));
        }
        self.add_failures(other);
    }

    pub(crate) fn add_failures(&mut self, other: &Self) {
        for (failure, count) in &other.failures {
            *self.failures.entry(failure.clone()).or_default() += count;
        }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    pub(crate) fn fail(&mut self, failure: &Failure) {
        *self.failures.entry(failure.to_string()).or_default() += 1;
    }

    /// A latency in µs that this share of answers did not exceed.
    pub(crate) fn micros(&self, share: f64) -> f64 {
        micros(self.latencies.value_at_quantile(share))
    }

    /// Returns what is usual: of all that came back, or in the middle of the parts there are.
    ///
    /// If nothing came back, the latencies are infinite.
    pub(crate) fn usual(&self) -> Part {
        if self.parts.is_empty() {
            if self.latencies.is_empty() {
                return Part::ENDLESS;
            }
            return Part { p50: self.micros(0.5), p99: self.micros(0.99), late: self.late(0.99) };
        }
        let middle = |figure: fn(&Part) -> f64| median(&self.parts.iter().map(figure).collect::<Vec<_>>());
        Part { p50: middle(|part| part.p50), p99: middle(|part| part.p99), late: middle(|part| part.late) }
    }

    /// By how many µs this share of reviews was late at most.
    pub(crate) fn late(&self, share: f64) -> f64 {
        micros(self.lateness.value_at_quantile(share))
    }

    pub(crate) fn count(&mut self, latency: Duration, answer: &Result<Said, Failure>) {
        match answer {
            Ok(_) => self.latencies.saturating_record(nanos(latency)),
            Err(failure) => self.fail(failure),
        }
    }
}

/// Figures of a part of a run, in µs.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The p99 of how late reviews were sent.
    pub(crate) late: f64,
}

impl Part {
    pub(crate) const ENDLESS: Self = Self { p50: f64::INFINITY, p99: f64::INFINITY, late: 0.0 };
}

/// The outcome of a review that was due at a time since its run began.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) late: Duration,
    /// If the answer was right.
    pub(crate) latency: Option<Duration>,
}

/// Cuts a run into parts by when reviews were meant to be sent, so that a stall is in all parts that it lasts.
///
/// The first and the last part may have few reviews, of which a hundredth is nothing: with less than half they are left
/// out.
pub(crate) fn cut(sent: &[Sent], part: Duration, rate: f64) -> Vec<Part> {
    let mut parts = BTreeMap::<u128, Vec<&Sent>>::new();
    for sent in sent {
        parts.entry(sent.at.as_nanos() / part.as_nanos()).or_default().push(sent);
    }
    let enough = rate * part.as_secs_f64() / 2.0;
    parts.retain(|_, sent| sent.len() as f64 >= enough);
    let figures = |sent: Vec<&Sent>| {
        let mut tally = Tally::default();
        for Sent { late, latency, .. } in sent {
            tally.lateness.saturating_record(nanos(*late));
            latency.iter().for_each(|latency| tally.latencies.saturating_record(nanos(*latency)));
        }
        tally.usual()
    };
    parts.into_values().map(figures).collect()
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn micros(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
}
