//! partywall under load for long, and what grows meanwhile.
//!
//! An API server's mix, as much of it as the largest clusters need; now and then its policies change, and many
//! connections come at once.
//! The drift of memory and descriptors counts once the server is warm: a leak is a slope, not a figure.

use std::iter::zip;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;

use crate::client::{Message, Target};
use crate::disturbances::burst;
use crate::footprint::tenants;
use crate::generator::{Arrivals, aside};
use crate::neighbours::demand;
use crate::pace::Pace;
use crate::payload::{Expect, Size};
use crate::pool::Pools;
use crate::servers::Kind;
use crate::stand::Stand;
use crate::stats::Slope;
use crate::tally::Tally;
use crate::usage::Held;
use crate::{plots, scenario};

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The number of looks between two changes of policies, two bursts, and two lines of progress.
const LOOKS_TO_CHANGE: u32 = 7;
const LOOKS_TO_BURST: u32 = 5;
const LOOKS_TO_TELL: u32 = 15;
/// After how many looks all of it begins anew: a mean of so many has as much of a burst and of a change as the next.
const LOOKS_OF_ROUND: usize = (LOOKS_TO_CHANGE * LOOKS_TO_BURST) as usize;
/// Connections of a burst.
const BURST: usize = 200;
/// After how long it is warm; in a short run, a fifth of it must do.
const WARM_AFTER: Duration = Duration::from_secs(600);
/// By how much memory may grow an hour, in percent, and descriptors.
const MOST_PERCENT: f64 = 1.0;
const MOST_DESCRIPTORS: f64 = 1.0;

/// The values of one look.
#[derive(Serialize)]
pub(crate) struct Look {
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) held: Held,
}

#[derive(Serialize)]
struct Soaked {
    seconds: f64,
    answers: u64,
    #[serde(flatten)]
    drift: Option<Drift>,
    looks: Vec<Look>,
}

/// The growth of the held memory in an hour, once the server is warm.
#[derive(Serialize)]
struct Drift {
    rounds: usize,
    mib_per_hour: Slope,
    percent_per_hour: Slope,
    descriptors_per_hour: Slope,
}

/// Soaks for so long.
pub(crate) async fn soak(mut stand: Stand, lasting: Duration, folder: &Path) -> anyhow::Result<ExitCode> {
    // What it can do is found out first.
    scenario::saturation(&mut stand).await?;
    let rate = demand(&stand)?;
    let changing = stand.file("changing.yaml");
    std::fs::write(&changing, tenants(100))?;
    let server = stand.start(Kind::Partywall, &[&changing])?;
    stand.progress.say(&format!("{rate:.0} reviews/s for {} s", lasting.as_secs()));
    let arrivals = Arrivals {
        mixture: scenario::mixture(&stand)?,
        rate,
        lasting,
        pace: Pace::sleeping()?,
        during: None,
        part: None,
    };
    let disturbing = Disturbing {
        pid: server.pid,
        target: server.target.clone(),
        message: stand.message(Size::Median, Expect::Allow)?,
        changing,
        lasting,
    };
    let pools = Pools::open(&server.target, 1).await?;
    let disturbed = aside(move || disturbing.run());
    let mut tally = arrivals.run(&pools).await;
    let (bursts, looks) = disturbed.await?;
    let looks = looks?;
    tally.add_failures(&bursts);
    stand.progress.finish();
    let soaked = Soaked::new(lasting, tally.latencies.len(), looks);
    std::fs::write(folder.join("soak.json"), serde_json::to_vec_pretty(&soaked)?)?;
    plots::soak(&soaked.looks, folder)?;
    soaked.print(&tally);
    Ok(if tally.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The disturbances beside the reviews.
struct Disturbing {
    pid: u32,
    target: Target,
    message: Arc<Message>,
    changing: PathBuf,
    lasting: Duration,
}

impl Disturbing {
    async fn run(self) -> (Tally, anyhow::Result<Vec<Look>>) {
        let mut bursts = Tally::default();
        let looks = self.looks(&mut bursts).await;
        (bursts, looks)
    }

    async fn looks(&self, bursts: &mut Tally) -> anyhow::Result<Vec<Look>> {
        let (begun, mut looks) = (Instant::now(), Vec::new());
        for number in 1.. {
            sleep(LOOK_EVERY).await;
            let (seconds, held) = (begun.elapsed().as_secs_f64(), Held::by(self.pid)?);
            looks.push(Look { seconds, held });
            if seconds >= self.lasting.as_secs_f64() {
                break;
            }
            if number % LOOKS_TO_TELL == 0 {
                println!("{seconds:>6.0} s  {:>6.1} MiB  {:>4} descriptors", held.mib, held.descriptors);
            }
            if number % LOOKS_TO_CHANGE == 0 {
                let more = (number / LOOKS_TO_CHANGE % 2) as usize;
                std::fs::write(&self.changing, tenants(100 + more))?;
            }
            if number % LOOKS_TO_BURST == 0 {
                bursts.add(&burst(&self.target, &self.message, BURST).await);
            }
        }
        Ok(looks)
    }
}

impl Drift {
    /// `None` if there is too little to tell.
    fn of(looks: &[Look], warm: Duration) -> Option<Self> {
        let warmed: Vec<_> = looks.iter().filter(|look| look.seconds >= warm.as_secs_f64()).collect();
        let rounds: Vec<_> = warmed.chunks_exact(LOOKS_OF_ROUND).collect();
        let means = |what: fn(&Look) -> f64| {
            let mean =
                |round: &&[&Look]| round.iter().map(|look| what(look)).sum::<f64>() / round.len() as f64;
            rounds.iter().map(mean).collect::<Vec<_>>()
        };
        let hours = means(|look| look.seconds / 3_600.0);
        let (mib, descriptors) = (means(|look| look.held.mib), means(|look| look.held.descriptors as f64));
        let slope = |values: &[f64]| {
            Slope::of(&zip(hours.iter().copied(), values.iter().copied()).collect::<Vec<_>>())
        };
        let mib_per_hour = slope(&mib)?;
        Some(Self {
            rounds: rounds.len(),
            mib_per_hour,
            percent_per_hour: mib_per_hour.times(100.0 / mib.first()?),
            descriptors_per_hour: slope(&descriptors)?,
        })
    }

    fn print(&self) {
        println!(
            "once warm, an hour (± standard error, of {} means of {} s each): \
             memory {} MiB ({} %), descriptors {}",
            self.rounds,
            LOOKS_OF_ROUND as u64 * LOOK_EVERY.as_secs(),
            self.mib_per_hour,
            self.percent_per_hour,
            self.descriptors_per_hour
        );
    }

    fn outcome(&self) -> &'static str {
        let memory = self.percent_per_hour.is_at_most(MOST_PERCENT);
        match (memory, self.descriptors_per_hour.is_at_most(MOST_DESCRIPTORS)) {
            (Some(false), _) | (_, Some(false)) => "MISSED",
            (Some(true), Some(true)) => "met",
            _ => "not told from noise (the goal is within two standard errors); soak for longer",
        }
    }
}

impl Soaked {
    fn new(lasting: Duration, answers: u64, looks: Vec<Look>) -> Self {
        let drift = Drift::of(&looks, WARM_AFTER.min(lasting / 5));
        Self { seconds: lasting.as_secs_f64(), answers, drift, looks }
    }

    fn print(&self, tally: &Tally) {
        println!(
            "\n{} right answers in {:.0} s: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms",
            self.answers,
            self.seconds,
            tally.micros(0.5) / 1e3,
            tally.micros(0.99) / 1e3,
            tally.micros(0.999) / 1e3
        );
        match &self.drift {
            Some(drift) if self.seconds >= 3_600.0 => {
                drift.print();
                println!(
                    "goal, at most {MOST_PERCENT} % and {MOST_DESCRIPTORS} descriptors an hour: {}",
                    drift.outcome()
                );
            }
            Some(drift) => {
                drift.print();
                println!("less than an hour is not held against the goal");
            }
            None => println!("too short to tell what grows"),
        }
        for (failure, count) in &tally.failures {
            println!("WRONG: {count} x {failure}");
        }
    }
}
