//! Sends reviews: as fast as they are answered, or at times of its own.
//!
//! A closed loop has so many connections with a review on each; it finds what a server can do at most. An open loop
//! sends at random times, whether or not earlier reviews were answered, and counts from when a review was meant to be
//! sent: a server that stalls pays for all that would have come meanwhile.
//!
//! INVARIANT: every review that was sent is either counted as answered rightly, or among the failures.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::client::{Connection, Failure, Message, Said, Target};
use crate::pace::Pace;
use crate::pool::Pools;
use crate::stats::median;

/// How many reviews are under way at most: three API servers have no more. The next one waits, and its time counts.
const UNDER_WAY: usize = 1_800;
/// From 1 µs to a minute.
const NANOSECONDS: (u64, u64) = (1_000, 60_000_000_000);

/// What came back.
#[derive(Clone)]
pub(crate) struct Tally {
    /// Of right answers, in ns.
    pub(crate) latencies: Histogram<u64>,
    /// How late reviews were sent, in ns: what the generator adds to their latencies.
    pub(crate) lateness: Histogram<u64>,
    pub(crate) failures: BTreeMap<String, u64>,
    /// Of one run that is cut into parts, and what for.
    pub(crate) parts: Vec<Part>,
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

    /// What is usual: of all that came back, or in the middle of the parts there are.
    pub(crate) fn usual(&self) -> Part {
        if self.parts.is_empty() {
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

/// What became of a review that was meant to be sent at a time since its run began.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    at: Duration,
    late: Duration,
    /// If the answer was right.
    latency: Option<Duration>,
}

/// Cuts a run into parts by when reviews were meant to be sent, so that a stall is in all parts that it lasts. The first
/// and the last may have few reviews, of which a hundredth is nothing: they are left out.
fn cut(sent: &[Sent], part: Duration, rate: f64) -> Vec<Part> {
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

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn micros(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
}

/// A tally that tasks share.
type Shared = Arc<Mutex<Tally>>;

fn with<T>(tally: &Mutex<Tally>, change: impl FnOnce(&mut Tally) -> T) -> T {
    change(&mut tally.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Connections of a closed loop, kept from round to round.
pub(crate) struct Lanes {
    target: Target,
    pub(crate) connections: Vec<Connection>,
}

impl Lanes {
    pub(crate) async fn open(target: &Target, count: usize) -> Result<Self, Failure> {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(Connection::open(target).await?);
        }
        Ok(Self { target: target.clone(), connections })
    }

    /// Sends on every connection as soon as it was answered, for that long.
    pub(crate) async fn run(&mut self, message: &Arc<Message>, lasting: Duration, pace: &Pace) -> Tally {
        let tally = Shared::default();
        let until = Instant::now() + lasting;
        let _awake = pace.keep_awake();
        let mut lanes = JoinSet::new();
        for connection in self.connections.drain(..) {
            let (target, message, tally) = (self.target.clone(), Arc::clone(message), Arc::clone(&tally));
            lanes.spawn(lane(connection, target, message, until, tally));
        }
        self.connections.extend(lanes.join_all().await.into_iter().flatten());
        with(&tally, |tally| tally.clone())
    }
}

async fn lane(
    mut connection: Connection,
    target: Target,
    message: Arc<Message>,
    until: Instant,
    tally: Shared,
) -> Option<Connection> {
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Some(connection);
        }
        let answer = connection.ask(&message, target.allows_all).await;
        with(&tally, |tally| tally.count(begun.elapsed(), &answer));
        if !connection.is_open {
            match Connection::open(&target).await {
                Ok(opened) => connection = opened,
                Err(failure) => {
                    with(&tally, |tally| tally.fail(&failure));
                    return None;
                }
            }
        }
    }
}

/// Messages, and how many of them there are of each, relative to each other.
pub(crate) type Mixture = Vec<(f64, Arc<Message>)>;

/// Reviews at times of their own.
pub(crate) struct Arrivals {
    pub(crate) mixture: Mixture,
    /// A second, on average.
    pub(crate) rate: f64,
    pub(crate) lasting: Duration,
    pub(crate) pace: Pace,
    /// If given, only those count that are meant to be sent during it; failures always do.
    pub(crate) during: Option<Arc<During>>,
    /// How long a part is, if there are to be some.
    pub(crate) part: Option<Duration>,
}

/// Something that goes on meanwhile.
#[derive(Default)]
pub(crate) struct During {
    is_on: AtomicBool,
    is_over: AtomicBool,
}

impl During {
    pub(crate) fn set(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    /// There will be no more of it.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Arrivals {
    pub(crate) async fn run(&self, pools: &Pools) -> Tally {
        let (tally, is_cut) = (Shared::default(), self.part.is_some());
        let places = Arc::new(Semaphore::new(UNDER_WAY));
        let mut tasks = JoinSet::new();
        let begin = Instant::now();
        let mut next = begin;
        let mut rng = fastrand::Rng::new();
        let all = self.mixture.iter().map(|(share, _)| share).sum::<f64>();
        loop {
            // Poisson: times between arrivals are exponentially distributed.
            next += Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / self.rate);
            let is_over = self.during.as_ref().is_some_and(|during| during.is_over.load(Ordering::Relaxed));
            // On a machine that was busy with something else, what is left would take for ever, and say nothing.
            let is_hopeless = begin.elapsed() > self.lasting * 2;
            if is_over || is_hopeless || next - begin > self.lasting {
                break;
            }
            self.pace.until(next).await;
            let message = pick(&self.mixture, rng.f64() * all);
            let counts = self.during.as_ref().is_none_or(|during| during.is_on.load(Ordering::Relaxed));
            let late = next.elapsed();
            // What is waited for here are answers, so it is the server that is late.
            let place = Arc::clone(&places).acquire_owned().await;
            let (pool, tally) = (Arc::clone(pools.any()), Arc::clone(&tally));
            tasks.spawn(async move {
                let answer = pool.ask(&message).await;
                let latency = next.elapsed();
                with(&tally, |tally| {
                    if counts || answer.is_err() {
                        tally.lateness.saturating_record(nanos(late));
                        tally.count(latency, &answer);
                        if is_cut {
                            let latency = answer.is_ok().then_some(latency);
                            tally.sent.push(Sent { at: next - begin, late, latency });
                        }
                    }
                });
                drop(place);
            });
            while tasks.try_join_next().is_some() {}
        }
        tasks.join_all().await;
        with(&tally, |tally| {
            pools.failures().iter().for_each(|failure| tally.fail(failure));
            if let Some(part) = self.part {
                tally.parts = cut(&mem::take(&mut tally.sent), part, self.rate);
            }
            tally.clone()
        })
    }
}

fn pick(mixture: &Mixture, mut at: f64) -> Arc<Message> {
    for (share, message) in mixture {
        at -= share;
        if at < 0.0 {
            return Arc::clone(message);
        }
    }
    mixture.last().map_or_else(|| panic!("a mixture of nothing"), |(_, message)| Arc::clone(message))
}

/// Does something on a thread that steps back behind the one that measures.
///
/// What costs a client much (handshakes, large bodies) must not delay the requests whose latency is of interest: an
/// API server has other cores for that.
pub(crate) fn aside<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> oneshot::Receiver<T> {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let _without_it_figures_are_worse = rustix::process::nice(10);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        let _nobody_waits = tell.send(runtime.block_on(work()));
    });
    told
}
