//! Honest clients: a few that keep their connections, and one that opens a new one every time.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use partywall_core::Entry;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::client::{Connection, Failure, Message, Said, Target};
use crate::payload::{self, Expect, Size};

/// Connections that are kept, one of which asks at each tick.
const KEPT: usize = 8;
const TICK: Duration = Duration::from_millis(2);
/// How many ticks pass between two new connections.
const NEW: u64 = 25;
/// More than an API server waits.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Honest {
    target: Target,
    message: Message,
    kept: Vec<Connection>,
}

/// Counts the answers to the reviews.
pub(crate) struct Found {
    kept: Histogram<u64>,
    new: Histogram<u64>,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) most_mib: f64,
}

impl Honest {
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        let payload = payload::payload(Size::Median, Expect::Allow).context("there is such a review")?;
        let uid = payload::uid_at(&payload.body);
        let message = Message::new(Entry::Validate, &payload.body, &uid, Said::Allowed);
        let mut kept = Vec::new();
        for _ in 0..KEPT {
            let mut connection = Connection::open(target).await?;
            connection.ask(&message, false).await?;
            kept.push(connection);
        }
        Ok(Self { target: target.clone(), message, kept })
    }

    /// Asks for so long, and looks at the memory in use meanwhile.
    pub(crate) async fn ask(
        mut self,
        lasting: Duration,
        mib: impl Fn() -> io::Result<f64>,
    ) -> anyhow::Result<Found> {
        let histogram = || Histogram::new_with_max(60_000_000, 3);
        let mut found =
            Found { kept: histogram()?, new: histogram()?, failures: BTreeMap::new(), most_mib: 0.0 };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begun = Instant::now();
        for number in 0_u64.. {
            let due = ticks.tick().await;
            if begun.elapsed() >= lasting {
                break;
            }
            let index = usize::try_from(number)? % KEPT;
            let asked = timeout(PATIENCE, self.kept[index].ask(&self.message, false)).await;
            if !found.note(false, due.elapsed(), asked) {
                self.kept[index] = Connection::open(&self.target).await?;
            }
            if number % NEW == 0 {
                let new = async { Connection::open(&self.target).await?.ask(&self.message, false).await };
                let begun = Instant::now();
                let asked = timeout(PATIENCE, new).await;
                found.note(true, begun.elapsed(), asked);
                found.most_mib = found.most_mib.max(mib()?);
            }
        }
        Ok(found)
    }
}

impl Found {
    /// Returns whether the answer was right.
    fn note(
        &mut self,
        is_new: bool,
        took: Duration,
        asked: Result<Result<Said, Failure>, tokio::time::error::Elapsed>,
    ) -> bool {
        let failure = match asked {
            Ok(Ok(_)) => {
                let latencies = if is_new { &mut self.new } else { &mut self.kept };
                latencies.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                return true;
            }
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "no answer came".to_owned(),
        };
        let which = if is_new { "a new connection" } else { "a kept connection" };
        *self.failures.entry(format!("{which}: {failure}")).or_default() += 1;
        false
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (latencies, quantile) in
            [(&self.kept, 0.5), (&self.kept, 0.99), (&self.new, 0.5), (&self.new, 0.99)]
        {
            write!(f, "{} µs | ", latencies.value_at_quantile(quantile))?;
        }
        let failed: u64 = self.failures.values().sum();
        write!(f, "{} | {} | {failed}", self.kept.len(), self.new.len())
    }
}
