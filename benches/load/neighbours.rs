//! Reviews beside something that could be in their way: how much longer they take than alone.
//!
//! What is in their way comes from a thread of its own that steps back behind the one whose latencies count, so the
//! server is measured rather than the generator. Nearly all of it is measured of the null webhook too: what slows that
//! one down is the machine, the generator, or the way to a server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use crate::client::Target;
use crate::disturbances::{Happening, Stream, all_at_once, as_fast_as_can_be, give_up, storm_of, trickles};
use crate::found::Neighbours;
use crate::generator::{Arrivals, During, Lanes, Mixture};
use crate::pace::Pace;
use crate::payload::{Expect, Size};
use crate::pool::Pools;
use crate::rounds::{Brief, Cell, Round};
use crate::scenario::LANES;
use crate::servers::{Kind, Server};
use crate::stand::Stand;
use crate::tally::Tally;
use crate::usage::{Held, forget_peak};

/// Connections of a storm.
const STORM: usize = 200;
/// Bodies of 18 MB at once.
const LARGE: usize = 50;
/// Bodies that hardly come.
const SLOW: usize = 100;
/// For how many rounds that is there which takes long to begin and then goes on in the same way.
const STEADY: u32 = 5;
/// The time after which every request is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reviews a second of the largest clusters known: a thousand pods are created a second, each with three or four
/// reviews.
///
/// The reviews whose latencies count come at no more than this: a share of what a server can do would be another load
/// on each machine.
const DEMAND: f64 = 4_000.0;

/// Returns that demand, or less on a machine that could not do ten times as much.
///
/// A shared machine may lose half of its speed for a while, and a review at a random time costs two or three times what
/// it does in a closed loop.
pub(crate) fn demand(stand: &Stand) -> anyhow::Result<f64> {
    Ok(DEMAND.min(most(stand)? / 10.0))
}

/// Returns the number of reviews that partywall answers in a second.
fn most(stand: &Stand) -> anyhow::Result<f64> {
    stand.found.most(Kind::Partywall).context("saturation is measured first")
}

/// A server, as a process and as a peer.
struct ServerProcess {
    kind: Kind,
    pid: u32,
    target: Target,
}

impl ServerProcess {
    fn of(server: &Server) -> Self {
        Self { kind: server.kind, pid: server.pid, target: server.target.clone() }
    }

    fn both(stand: &Stand) -> anyhow::Result<Vec<Self>> {
        [Kind::Null, Kind::Partywall].into_iter().map(|kind| Ok(Self::of(stand.server(kind)?))).collect()
    }
}

/// The reviews that something is beside of.
struct Load {
    mixture: Mixture,
    rate: f64,
    /// The length of a round alone. Beside another load the round is as long as that load.
    lasting: Duration,
    /// True if the other load is steady, so that parts of a round are like rounds.
    is_steady: bool,
    /// The number of rounds for each server, alone and beside.
    visits: usize,
}

impl Load {
    fn of(stand: &Stand, mixture: Mixture, rate: f64) -> Self {
        Self { mixture, rate, lasting: Brief::ROUND, is_steady: false, visits: 2 * stand.plan.brief.times }
    }

    /// Beside something that goes on in the same way for as long as so many rounds.
    fn steady(self, rounds: u32) -> Self {
        let visits = self.visits.div_ceil(rounds as usize);
        Self { lasting: self.lasting * rounds, is_steady: true, visits, ..self }
    }
}

/// One server, and what came out for it so far.
struct Visited {
    pid: u32,
    pools: Pools,
    target: Target,
    both: Neighbours,
}

/// Sends reviews to each place, alone and beside something. All take turns, there and back again.
async fn beside(
    stand: &mut Stand,
    (scenario, what): (&'static str, String),
    places: Vec<ServerProcess>,
    load: Load,
    mut happen: impl FnMut(&Target, Arc<During>) -> Happening,
) -> anyhow::Result<()> {
    stand.progress.say(&format!("{scenario}: {what}"));
    let Load { mixture, rate, lasting, is_steady, visits } = load;
    let part = is_steady.then_some(Brief::ROUND);
    let mut arrivals = Arrivals { mixture, rate, lasting, pace: Pace::sleeping()?, during: None, part };
    let mut visited = Vec::new();
    for ServerProcess { kind, pid, target } in places {
        let cell = |load: &str| Cell::new(scenario, load, kind);
        let both = Neighbours {
            what: what.clone(),
            alone: cell("alone"),
            beside: cell("beside"),
            others: Tally::default(),
        };
        visited.push(Visited { pid, pools: Pools::open(&target, 1).await?, target, both });
    }
    for visit in 0..visits {
        for Visited { pid, pools, target, both } in &mut visited {
            for is_beside in if visit % 2 == 0 { [false, true] } else { [true, false] } {
                Brief::pause().await;
                (arrivals.during, arrivals.lasting) = (None, Brief::WARM_UP);
                both.alone.tally.add_failures(&arrivals.run(pools).await);
                if is_beside {
                    let during = Arc::new(During::default());
                    let happening = happen(target, Arc::clone(&during));
                    (arrivals.during, arrivals.lasting) = (Some(during), PATIENCE);
                    both.beside.add(Round::measure(*pid, arrivals.run(pools)).await?);
                    let tally = happening.await?;
                    both.beside.tally.add_failures(&tally);
                    both.others.add(&tally);
                    Brief::settle().await;
                } else {
                    (arrivals.during, arrivals.lasting) = (None, lasting);
                    both.alone.add(Round::measure(*pid, arrivals.run(pools)).await?);
                }
            }
        }
        visited.reverse();
    }
    stand.found.neighbours.extend(visited.into_iter().map(|visited| visited.both));
    Ok(())
}

/// The mix of an API server: small reviews with and without large ones among them.
pub(crate) async fn mix(stand: &mut Stand) -> anyhow::Result<()> {
    let message = |size, expect| stand.message(size, expect);
    let small: Mixture = vec![
        (35.0, message(Size::Median, Expect::Allow)?),
        (35.0, message(Size::Median, Expect::Patch)?),
        (20.0, message(Size::Update, Expect::Allow)?),
        (8.0, message(Size::Mesh, Expect::Allow)?),
    ];
    let (large, huge) = (message(Size::Big, Expect::Allow)?, message(Size::Huge, Expect::Allow)?);
    let (rate, places) = (demand(stand)?, ServerProcess::both(stand)?);
    // So that one in a thousand is one in every round.
    let lasting = Duration::from_secs_f64(1_000.0 / rate);
    let load = Load { lasting, ..Load::of(stand, small, rate * 0.98) };
    let what = format!(
        "{:.0}/s of 7.6 to 21 KB beside {:.0}/s of 99 KB and {:.0}/s of 3.7 MB",
        load.rate,
        rate * 0.019,
        rate * 0.001
    );
    beside(stand, ("mix", what), places, load, move |target, during| {
        let mixture = vec![(1.0, Arc::clone(&large))];
        let stream = Stream { mixture, rate: rate * 0.019, lasting, one_more: Some(Arc::clone(&huge)) };
        stream.send(target.clone(), during)
    })
    .await
}

/// One namespace with a quarter of what can be done at all, each denied, beside the reviews of another.
pub(crate) async fn noise(stand: &mut Stand) -> anyhow::Result<()> {
    let (rate, noise, places) = (demand(stand)? / 2.0, most(stand)? / 4.0, ServerProcess::both(stand)?);
    let denied = stand.message(Size::Median, Expect::Deny)?;
    let load = Load::of(stand, vec![(1.0, stand.unclaimed()?)], rate).steady(STEADY);
    let what = format!("{rate:.0}/s of a namespace beside {noise:.0}/s denied ones of another");
    beside(stand, ("noise", what), places, load, move |target, during| {
        let mixture = vec![(1.0, Arc::clone(&denied))];
        let lasting = Brief::ROUND * STEADY;
        Stream { mixture, rate: noise, lasting, one_more: None }.send(target.clone(), during)
    })
    .await
}

/// Many new connections at once, each with one review, beside reviews on connections that are there.
pub(crate) async fn storm(stand: &mut Stand) -> anyhow::Result<()> {
    let (rate, places) = (demand(stand)? / 2.0, ServerProcess::both(stand)?);
    let message = stand.message(Size::Median, Expect::Allow)?;
    let load = Load::of(stand, vec![(1.0, Arc::clone(&message))], rate);
    let what = format!("{rate:.0}/s while {STORM} connections are made at once");
    beside(stand, ("storm", what), places, load, move |target, during| {
        storm_of(target.clone(), Arc::clone(&message), STORM, during)
    })
    .await
}

/// Bodies of 18 MB, all at once, beside small ones; on servers that have seen nothing yet, the first time.
pub(crate) async fn large(stand: &mut Stand) -> anyhow::Result<()> {
    let servers = [stand.start(Kind::Null, &[])?, stand.start(Kind::Partywall, &[])?];
    let [_, ours] = &servers;
    forget_peak(ours.pid)?;
    let (pid, address) = (ours.pid, ours.target.address);
    let (rate, message) = (demand(stand)? / 2.0, stand.oversize()?);
    let load = Load::of(stand, vec![(1.0, stand.message(Size::Median, Expect::Allow)?)], rate);
    // About as long as they take.
    let load = load.steady(10);
    let what = format!("{rate:.0}/s beside {LARGE} bodies of 18 MB");
    let (tell, mut told) = unbounded_channel();
    beside(
        stand,
        ("large", what),
        servers.iter().map(ServerProcess::of).collect(),
        load,
        move |target, during| {
            let tell = (target.address == address).then(|| tell.clone());
            all_at_once(target.clone(), Arc::clone(&message), LARGE, tell, during)
        },
    )
    .await?;
    let mut all = told.recv().await.context("large bodies were sent")?;
    while let Some(more) = told.recv().await {
        all.add(more);
    }
    all.peak_mib = Held::by(pid)?.peak_mib;
    stand.found.large = Some(all);
    Ok(())
}

/// Bodies that bring a byte now and then, beside reviews.
pub(crate) async fn slow(stand: &mut Stand) -> anyhow::Result<()> {
    let (rate, places) = (demand(stand)? / 2.0, ServerProcess::both(stand)?);
    let load = Load::of(stand, vec![(1.0, stand.message(Size::Median, Expect::Allow)?)], rate).steady(STEADY);
    let what = format!("{rate:.0}/s beside {SLOW} bodies that bring a byte now and then");
    let targets: Vec<_> = places.iter().map(|place| (place.kind, place.target.clone())).collect();
    beside(stand, ("slow", what), places, load, move |target, during| {
        trickles(target.clone(), SLOW, Brief::ROUND * STEADY, during)
    })
    .await?;
    let given_up =
        targets.into_iter().map(|(kind, target)| async move { (kind, give_up(target, SLOW).await) });
    for (kind, tally) in JoinSet::from_iter(given_up).join_all().await {
        let mut measured = stand.found.neighbours.iter_mut().map(|both| &mut both.beside);
        let theirs = measured.find(|cell| (cell.scenario, cell.server) == ("slow", kind));
        theirs.context("slow bodies were measured")?.tally.add_failures(&tally);
    }
    Ok(())
}

/// Checks that large reviews, which have a lower priority, do not starve beside as many small ones as possible.
pub(crate) async fn starved(stand: &mut Stand) -> anyhow::Result<()> {
    let (large, small) =
        (vec![(1.0, stand.message(Size::Huge, Expect::Allow)?)], stand.message(Size::Median, Expect::Allow)?);
    let what = format!(
        "one of 3.7 MB after the other beside {LANES} connections with 7.6 KB, as fast as answers come"
    );
    stand.progress.say(&format!("starved: {what}"));
    let (pace, lasting) = (Pace::sleeping()?, stand.plan.repeat.round);
    for ServerProcess { kind, pid, target } in ServerProcess::both(stand)? {
        let mut lane = Lanes::open(&target, 1).await?;
        let mut alone = Cell::new("starved", "alone", kind);
        alone.add(Round::measure(pid, lane.run(&large, lasting, &pace)).await?);
        let mut beside = Cell::new("starved", "beside", kind);
        let (begun, others) = as_fast_as_can_be(target, Arc::clone(&small), LANES, lasting * 2);
        begun.await?;
        beside.add(Round::measure(pid, lane.run(&large, lasting, &pace)).await?);
        let others = others.await?;
        beside.tally.add_failures(&others);
        stand.found.neighbours.push(Neighbours { what: what.clone(), alone, beside, others });
    }
    Ok(())
}
