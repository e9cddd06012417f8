//! The same load on all three servers: how much they can do, what a review costs them, and how long it takes.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;

use crate::generator::{Arrivals, Lanes, Mixture};
use crate::payload::{Expect, Size};
use crate::pool::Pools;
use crate::rounds::{Brief, Cell, Repeat, Round};
use crate::servers::{Kind, Server};
use crate::stand::{Plan, Stand};
use crate::tally::Tally;

/// Into how many parts a round of an open loop is cut.
const PARTS: u32 = 10;

/// The number of connections at which most is measured.
pub(crate) const LANES: usize = 16;

/// As much as each can do, of the median review.
pub(crate) async fn saturation(stand: &mut Stand) -> anyhow::Result<()> {
    for count in stand.plan.connections {
        let load = format!("{count} connections");
        let message = stand.message(Size::Median, Expect::Allow)?;
        closed(stand, "saturation", load, *count, &vec![(1.0, message)], stand.plan.repeat).await?;
    }
    Ok(())
}

/// As much as each can do, of other sizes.
pub(crate) async fn sizes(stand: &mut Stand) -> anyhow::Result<()> {
    for size in [Size::Minimal, Size::Mesh, Size::Big, Size::Huge] {
        let message = stand.message(size, Expect::Allow)?;
        let load = size.name().to_owned();
        closed(stand, "sizes", load, LANES, &vec![(1.0, message)], stand.plan.repeat).await?;
    }
    let mixture = mixture(stand)?;
    closed(stand, "sizes", "mix".to_owned(), LANES, &mixture, stand.plan.repeat.shorter(2)).await
}

/// Returns the mixture of reviews that an API server sends.
pub(crate) fn mixture(stand: &Stand) -> anyhow::Result<Mixture> {
    let parts = [
        (30.0, Size::Median, Expect::Allow),
        (30.0, Size::Median, Expect::Patch),
        (10.0, Size::Median, Expect::Deny),
        (20.0, Size::Update, Expect::Allow),
        (8.0, Size::Mesh, Expect::Allow),
        (1.9, Size::Big, Expect::Allow),
        (0.1, Size::Huge, Expect::Allow),
    ];
    parts.into_iter().map(|(share, size, expect)| Ok((share, stand.message(size, expect)?))).collect()
}

/// As much as each can do, of other verdicts.
pub(crate) async fn verdicts(stand: &mut Stand) -> anyhow::Result<()> {
    for expect in [Expect::Deny, Expect::Patch] {
        let message = stand.message(Size::Median, expect)?;
        let load = expect.name().to_owned();
        closed(stand, "verdicts", load, LANES, &vec![(1.0, message)], stand.plan.repeat.shorter(2)).await?;
    }
    Ok(())
}

async fn closed(
    stand: &mut Stand,
    scenario: &'static str,
    load: String,
    count: usize,
    mixture: &Mixture,
    repeat: Repeat,
) -> anyhow::Result<()> {
    stand.progress.say(&format!("{scenario}: {load}"));
    let pace = stand.pace()?;
    let mut lanes = Vec::new();
    for server in &stand.servers {
        let mut opened = Lanes::open(&server.target, count).await?;
        opened.run(mixture, repeat.warm_up, &pace).await;
        lanes.push((server.pid, opened, Cell::new(scenario, load.clone(), server.kind)));
    }
    for turn in repeat.order(lanes.len()) {
        let (pid, lanes, cell) = lanes.get_mut(turn).context("as many turns as servers")?;
        cell.add(Round::measure(*pid, lanes.run(mixture, repeat.round, &pace)).await?);
    }
    stand.found.cells.extend(lanes.into_iter().map(|(_, _, cell)| cell));
    Ok(())
}

/// Latencies at shares of what each can do, and at the same rate for all.
pub(crate) async fn open(stand: &mut Stand) -> anyhow::Result<()> {
    for percent in [10, 50, 80] {
        let share = f64::from(percent) / 100.0;
        let rates = [Kind::Null, Kind::Partywall].map(|kind| Ok((kind, most(stand, kind)? * share)));
        at_rates(stand, at(percent), &rates.into_iter().collect::<anyhow::Result<Vec<_>>>()?).await?;
    }
    let half = most(stand, Kind::Partywall)? / 2.0;
    at_rates(stand, "same rate".to_owned(), &[(Kind::Null, half), (Kind::Partywall, half)]).await
}

/// Returns the name of the load at a share.
fn at(percent: u32) -> String {
    format!("{percent} % of its own")
}

/// Returns the reviews a second that a server answers at random times.
///
/// A closed loop keeps it awake and hands it one review after the other; at random times it wakes for most of them, and
/// each costs two or three times as much. So the cost of one at little load, once it is known, says how many fit into a
/// second of its core.
fn most(stand: &Stand, kind: Kind) -> anyhow::Result<f64> {
    let saturated = stand.found.most(kind).context("saturation is measured first")?;
    let awoken = stand.found.cell("open", &at(10), kind).map(|cell| 1e6 / cell.cost());
    Ok(awoken.map_or(saturated, |awoken| awoken.min(saturated)))
}

async fn at_rates(stand: &mut Stand, load: String, rates: &[(Kind, f64)]) -> anyhow::Result<()> {
    stand.progress.say(&format!("open loop: {load}"));
    let Plan { repeat, brief, .. } = stand.plan;
    let message = stand.message(Size::Median, Expect::Allow)?;
    let mut loads = Vec::new();
    for (kind, rate) in rates {
        let server = stand.server(*kind)?;
        // No single one asks for as much.
        let pools = Pools::open(&server.target, Pools::THREE_API_SERVERS).await?;
        let arrivals = Arrivals {
            mixture: vec![(1.0, Arc::clone(&message))],
            rate: *rate,
            lasting: repeat.warm_up,
            pace: stand.pace()?,
            during: None,
            part: Some(Brief::ROUND),
        };
        arrivals.run(&pools).await;
        loads.push((server.pid, arrivals, pools, Cell::new("open", load.clone(), *kind)));
    }
    for turn in brief.longer(PARTS).order(loads.len()) {
        Brief::pause().await;
        let (pid, arrivals, pools, cell) = loads.get_mut(turn).context("as many turns as loads")?;
        arrivals.lasting = Brief::WARM_UP;
        cell.tally.add_failures(&arrivals.run(pools).await);
        arrivals.lasting = Brief::ROUND * PARTS;
        cell.add(Round::measure(*pid, arrivals.run(pools)).await?);
    }
    stand.found.cells.extend(loads.into_iter().map(|(_, _, _, cell)| cell));
    Ok(())
}

/// A few reviews of every verdict, only to see whether the answers are right.
pub(crate) async fn smoke(server: &Server, stand: &Stand) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for (size, expect) in [
        (Size::Median, Expect::Allow),
        (Size::Median, Expect::Deny),
        (Size::Minimal, Expect::Patch),
        (Size::Update, Expect::Allow),
    ] {
        let message = stand.message(size, expect)?;
        let pools = Pools::open(&server.target, 1).await?;
        for _ in 0..25 {
            let begun = Instant::now();
            let answer = pools.any().ask(&message).await;
            tally.count(begun.elapsed(), &answer);
        }
    }
    Ok(tally)
}
