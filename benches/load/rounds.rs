//! Rounds: the same load on each server in turn, there and back again, and what each of them cost.
//!
//! There and back again (ABBA), so that a machine that gets slower from round to round is as unfair to the first
//! server as to the last.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use serde::ser::Serializer;
use tokio::time::sleep;

use crate::servers::Kind;
use crate::stats::median;
use crate::tally::{Part, Tally, micros};
use crate::usage::{Busy, DISTURBED, Usage, own};

/// From how many seconds on a round tells whether it was disturbed: what others use is told in hundredths.
const TELLING: f64 = 0.3;

/// One load on one server.
#[derive(Serialize)]
pub(crate) struct Cell {
    /// The measurement: `saturation`, `open`, ...
    pub(crate) scenario: &'static str,
    /// The load of the measurement.
    pub(crate) load: String,
    pub(crate) server: Kind,
    pub(crate) rounds: Vec<Round>,
    /// The answers of all rounds; in the results as µs by percentile.
    #[serde(serialize_with = "percentiles")]
    pub(crate) tally: Tally,
}

/// One round of it.
#[derive(Serialize)]
pub(crate) struct Round {
    pub(crate) seconds: f64,
    pub(crate) answers: u64,
    pub(crate) failures: BTreeMap<String, u64>,
    /// Of the server.
    pub(crate) cpu_micros: f64,
    pub(crate) switches: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The p99 of how late reviews were sent.
    pub(crate) late: f64,
    /// The share of the machine that other processes used.
    pub(crate) others: f64,
}

impl Round {
    /// Puts a load on a server and looks at what it uses.
    pub(crate) async fn measure(
        pid: u32,
        load: impl Future<Output = Tally>,
    ) -> anyhow::Result<(Self, Tally)> {
        let (busy, own_before, before, begun) = (Busy::now()?, own(), Usage::of(pid)?, Instant::now());
        let tally = load.await;
        let elapsed = begun.elapsed();
        let used = Usage::of(pid)?.since(&before);
        let ours = used.cpu + own().saturating_sub(own_before);
        let Part { p50, p99, late } = tally.usual();
        let round = Self {
            seconds: elapsed.as_secs_f64(),
            answers: tally.latencies.len(),
            failures: tally.failures.clone(),
            cpu_micros: used.cpu.as_secs_f64() * 1e6,
            switches: used.switches,
            p50,
            p99,
            late,
            others: Busy::now()?.others_since(&busy, ours, cores()?),
        };
        Ok((round, tally))
    }

    /// Of a short round it cannot be told.
    fn is_disturbed(&self) -> bool {
        self.others > DISTURBED && self.seconds > TELLING
    }

    fn per_answer(&self, what: f64) -> f64 {
        what / count(self.answers.max(1))
    }
}

/// The cores of the machine, whichever of them are ours.
pub(crate) fn cores() -> std::io::Result<usize> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    Ok(stat.lines().filter(|line| line.starts_with("cpu")).count().saturating_sub(1).max(1))
}

/// Counts are far below where a float gets coarse.
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

impl Cell {
    pub(crate) fn new(scenario: &'static str, load: impl Into<String>, server: Kind) -> Self {
        Self { scenario, load: load.into(), server, rounds: Vec::new(), tally: Tally::default() }
    }

    pub(crate) fn add(&mut self, (round, tally): (Round, Tally)) {
        self.rounds.push(round);
        self.tally.add(&tally);
    }

    /// Something of every round, without the disturbed ones if enough of the others are left.
    pub(crate) fn each(&self, what: impl Fn(&Round) -> f64) -> Vec<f64> {
        let quiet: Vec<_> = self.rounds.iter().filter(|round| !round.is_disturbed()).collect();
        if quiet.len() >= 2 {
            quiet.into_iter().map(what).collect()
        } else {
            self.rounds.iter().map(what).collect()
        }
    }

    /// Returns whether too few undisturbed rounds are left, short ones were disturbed in sum, the generator was late,
    /// or some answers were wrong.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.tally.failed() > 0
            || self.rounds.len() - self.disturbed() < 2
            || self.others() > DISTURBED
            || self.is_late()
    }

    /// Returns whether its rounds are long enough to tell which were disturbed.
    pub(crate) fn tells(&self) -> bool {
        self.rounds.iter().any(|round| round.seconds > TELLING)
    }

    /// Returns the share of the machine that other processes used in all rounds that count.
    pub(crate) fn others(&self) -> f64 {
        let others = self.each(|round| round.others);
        others.iter().sum::<f64>() / count(others.len().max(1) as u64)
    }

    pub(crate) fn disturbed(&self) -> usize {
        self.rounds.iter().filter(|round| round.is_disturbed()).count()
    }

    /// µs of the server's CPU a review, round by round.
    pub(crate) fn costs(&self) -> Vec<f64> {
        self.each(|round| round.per_answer(round.cpu_micros))
    }

    pub(crate) fn cost(&self) -> f64 {
        median(&self.costs())
    }

    /// Answers a second.
    pub(crate) fn rates(&self) -> Vec<f64> {
        self.each(|round| count(round.answers) / round.seconds)
    }

    pub(crate) fn rate(&self) -> f64 {
        median(&self.rates())
    }

    /// Returns the number of cores that the server used.
    pub(crate) fn cores(&self) -> f64 {
        median(&self.each(|round| round.cpu_micros / 1e6 / round.seconds))
    }

    pub(crate) fn switches(&self) -> f64 {
        median(&self.each(|round| round.per_answer(count(round.switches))))
    }

    pub(crate) fn p50(&self) -> f64 {
        median(&self.each(|round| round.p50))
    }

    pub(crate) fn p99(&self) -> f64 {
        median(&self.each(|round| round.p99))
    }

    /// By how many µs the generator was late, in one of a hundred cases.
    pub(crate) fn late(&self) -> f64 {
        median(&self.each(|round| round.late))
    }

    /// Returns whether that is much of the p99, which then is the generator's rather than the server's.
    pub(crate) fn is_late(&self) -> bool {
        self.late() > self.p99() / 2.0
    }
}

/// The curve of a histogram: shares of answers, and the µs that they did not exceed.
pub(crate) fn curve(latencies: &Histogram<u64>) -> Vec<(f64, f64)> {
    // As many points for the last per mille as for the first half.
    let shares = (0..=100).map(|step| 1.0 - 10_f64.powf(-f64::from(step) * 4.0 / 100.0));
    shares.map(|share| (share, micros(latencies.value_at_quantile(share)))).collect()
}

/// The latencies of a tally as that curve.
pub(crate) fn percentiles<S: Serializer>(tally: &Tally, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(curve(&tally.latencies))
}

/// The repetitions of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    pub(crate) warm_up: Duration,
    pub(crate) round: Duration,
    /// The number of times there and back again.
    pub(crate) times: usize,
}

impl Repeat {
    /// In which order `count` servers have their turns.
    pub(crate) fn order(self, count: usize) -> impl Iterator<Item = usize> {
        order(self.times, count)
    }

    /// Short of everything: for a load that needs no more.
    pub(crate) fn shorter(self, by: u32) -> Self {
        Self { warm_up: self.warm_up / by, round: self.round / by, times: self.times }
    }
}

/// The repetitions of a load of which the p99 counts: in many short rounds, or in longer ones that are cut into as
/// short parts. A machine that does something else for some milliseconds twice a second spoils the p99 of every long
/// one. Of short ones it spoils some, and the median is of the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brief {
    /// The number of times there and back again.
    pub(crate) times: usize,
}

impl Brief {
    /// The least length of a round, or of a part of a longer one.
    pub(crate) const ROUND: Duration = Duration::from_millis(50);
    /// The time for which the same load runs before it.
    ///
    /// A server that was idle has nothing in the caches of its core: two or three first reviews that take a millisecond
    /// would be the p99 of the round.
    pub(crate) const WARM_UP: Duration = Duration::from_millis(50);

    /// Fewer rounds, for rounds that are so many times as long.
    pub(crate) fn longer(self, by: u32) -> Self {
        Self { times: self.times.div_ceil(by as usize) }
    }

    /// In which order `count` servers have their turns.
    pub(crate) fn order(self, count: usize) -> impl Iterator<Item = usize> {
        order(self.times, count)
    }

    /// Between rounds, never twice as long: what a machine does regularly would meet the same server time after time.
    pub(crate) async fn pause() {
        sleep(Self::ROUND.mul_f64(fastrand::f64())).await;
    }

    /// After a round that leaves something to do, like connections to close.
    pub(crate) async fn settle() {
        sleep(Self::ROUND).await;
    }
}

fn order(times: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..times).flat_map(move |_| (0..count).chain((0..count).rev()))
}
