//! Sends reviews: as fast as they are answered, or at times of its own.
//!
//! A closed loop has so many connections with a review on each; it finds what a server can do at most. An open loop
//! sends at random times, whether or not earlier reviews were answered, and counts from when a review was meant to be
//! sent: a server that stalls pays for all that would have come meanwhile.
//!
//! INVARIANT: every review that was sent is either counted as answered rightly, or among the failures.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::client::{Connection, Failure, Message, Target};
use crate::pace::Pace;
use crate::pool::Pools;
use crate::tally::{Part, Sent, Tally, cut, nanos};

/// The most reviews that are under way: three API servers have no more. The next one waits, and its time counts.
const UNDER_WAY: usize = 1_800;

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
    pub(crate) async fn run(&mut self, mixture: &Mixture, lasting: Duration, pace: &Pace) -> Tally {
        let tally = Shared::default();
        let until = Instant::now() + lasting;
        let _awake = pace.keep_awake();
        let mut lanes = JoinSet::new();
        for connection in self.connections.drain(..) {
            let (target, mixture, tally) = (self.target.clone(), mixture.clone(), Arc::clone(&tally));
            lanes.spawn(lane(connection, target, mixture, until, tally));
        }
        self.connections.extend(lanes.join_all().await.into_iter().flatten());
        with(&tally, |tally| tally.clone())
    }
}

async fn lane(
    mut connection: Connection,
    target: Target,
    mixture: Mixture,
    until: Instant,
    tally: Shared,
) -> Option<Connection> {
    let mut rng = fastrand::Rng::new();
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Some(connection);
        }
        let answer = connection.ask(pick(&mixture, &mut rng), target.allows_all).await;
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
    /// The length of a part, if the run has parts.
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
        let is_hopeless = loop {
            // Poisson: times between arrivals are exponentially distributed.
            next += Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / self.rate);
            let is_over = self.during.as_ref().is_some_and(|during| during.is_over.load(Ordering::Relaxed));
            // On a machine that was busy with something else, what is left would take for ever, and say nothing.
            let is_hopeless = begin.elapsed() > self.lasting * 2;
            if is_over || is_hopeless || next - begin > self.lasting {
                break is_hopeless;
            }
            self.pace.until(next).await;
            let message = Arc::clone(pick(&self.mixture, &mut rng));
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
        };
        tasks.join_all().await;
        with(&tally, |tally| {
            pools.failures().iter().for_each(|failure| tally.fail(failure));
            if let Some(part) = self.part {
                tally.parts = cut(&mem::take(&mut tally.sent), part, self.rate);
                let missing =
                    if is_hopeless { self.lasting.saturating_sub(next - begin) } else { Duration::ZERO };
                let missing = missing.as_nanos() / part.as_nanos();
                tally.parts.extend((0..missing).map(|_| Part::ENDLESS));
            }
            tally.clone()
        })
    }
}

fn pick<'m>(mixture: &'m Mixture, rng: &mut fastrand::Rng) -> &'m Arc<Message> {
    let mut at = rng.f64() * mixture.iter().map(|(share, _)| share).sum::<f64>();
    for (share, message) in mixture {
        at -= share;
        if at < 0.0 {
            return message;
        }
    }
    mixture.last().map_or_else(|| panic!("a mixture of nothing"), |(_, message)| message)
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
