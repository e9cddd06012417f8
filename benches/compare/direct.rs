//! Sends reviews to a server as fast as they are answered, as the API server would, over kept connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinSet;

use crate::Plan;
use crate::client::{Connection, Message, Said, Target};
use crate::payload::{Expect, Size, payload, uid_at};
use crate::side::Side;
use crate::stand::{Server, Stand};
use crate::tally::Tally;
use crate::usage::Usage;

/// The number of connections, each with one review under way.
pub(crate) const CONNECTIONS: usize = 16;

/// The reviews.
pub(crate) const LOADS: [(Size, Expect); 5] = [
    (Size::Minimal, Expect::Patch),
    (Size::Minimal, Expect::Allow),
    (Size::Minimal, Expect::Deny),
    (Size::Median, Expect::Patch),
    (Size::Median, Expect::Allow),
];

/// The figures of a server under one of the loads.
pub(crate) struct Direct {
    /// The place in [`LOADS`].
    pub(crate) load: usize,
    pub(crate) reviews_per_second: f64,
    /// CPU of the server for a review, in µs.
    pub(crate) cpu: f64,
    /// In µs.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Puts each load on a server.
///
/// # Errors
///
/// If an answer is not as it must be.
pub(crate) fn measure(stand: &Stand, side: Side, server: &Server, plan: Plan) -> anyhow::Result<Vec<Direct>> {
    let mut measured = Vec::new();
    for (load, (size, expect)) in LOADS.into_iter().enumerate() {
        let payload = payload(size, expect).context("there is no such review")?;
        let said = match expect {
            Expect::Allow => Said::Allowed,
            Expect::Deny => Said::Denied(403),
            Expect::Patch => Said::Patched,
        };
        let message = Message::to(side.path(expect), &payload.body, &uid_at(&payload.body), said);
        let message = Arc::new(message);
        let run = |lasting| stand.runtime().block_on(closed(&server.target, &message, lasting));
        run(plan.warm_up)?;
        let (before, begun) = (Usage::of(server.pid)?, Instant::now());
        let tally = run(plan.direct)?;
        let (seconds, used) = (begun.elapsed().as_secs_f64(), Usage::of(server.pid)?.since(&before));
        let name = format!("{side}, {} {}", size.name(), expect.name());
        ensure!(tally.failed() == 0 && !tally.latencies.is_empty(), "{name}: {:?}", tally.failures);
        let answers = tally.latencies.len() as f64;
        measured.push(Direct {
            load,
            reviews_per_second: answers / seconds,
            cpu: used.cpu.as_secs_f64() * 1e6 / answers,
            p50: tally.micros(0.5),
            p99: tally.micros(0.99),
        });
    }
    Ok(measured)
}

async fn closed(target: &Target, message: &Arc<Message>, lasting: Duration) -> anyhow::Result<Tally> {
    let until = Instant::now() + lasting;
    let mut lanes = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (target, message) = (target.clone(), Arc::clone(message));
        lanes.spawn(async move {
            let mut tally = Tally::default();
            let mut connection = Connection::open(&target).await?;
            while Instant::now() < until && connection.is_open {
                let begun = Instant::now();
                let answer = connection.ask(&message, false).await;
                tally.count(begun.elapsed(), &answer);
            }
            anyhow::Ok(tally)
        });
    }
    let mut all = Tally::default();
    for tally in lanes.join_all().await {
        all.add(&tally?);
    }
    Ok(all)
}
