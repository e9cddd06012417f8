//! Reviews beside something that could be in their way: how much longer they take than alone.
//!
//! What is in their way comes from a thread of its own that steps back behind the one whose latencies count, so the
//! server is measured rather than the generator. In the long run, alone and beside take turns, there and back again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::client::{Connection, Failure, Message, Said, Target};
use crate::found::{Fared, Large, Neighbours};
use crate::generator::{Arrivals, During, Mixture, Pool, Tally, aside};
use crate::pace::Pace;
use crate::payload::{Expect, Size};
use crate::rounds::Round;
use crate::servers::Kind;
use crate::stand::Stand;
use crate::usage::{Held, forget_peak};

/// Connections of a storm.
const STORM: usize = 200;
/// Large bodies at once.
const LARGE: usize = 50;
/// Bodies that hardly come.
const SLOW: usize = 100;
/// What everything is given up after.
const PATIENCE: Duration = Duration::from_secs(60);

/// A handful of reviews a second, as an API server sends them all the time: a tenth of what can be done.
fn moderate(stand: &Stand) -> anyhow::Result<f64> {
    let most = stand.found.most(Kind::Partywall).context("saturation is measured first")?;
    Ok((most / 10.0).min(2_000.0))
}

fn arrivals(mixture: Mixture, rate: f64, lasting: Duration) -> anyhow::Result<Arrivals> {
    Ok(Arrivals { mixture, rate, lasting, pace: Pace::sleeping()?, during: None })
}

/// Where a server is, as a process and as a peer.
fn place(stand: &Stand, kind: Kind) -> anyhow::Result<(u32, Target)> {
    let server = stand.server(kind)?;
    Ok((server.pid, server.target.clone()))
}

/// What happens beside reviews, and what became of it.
type Happening = oneshot::Receiver<(Tally, String)>;

/// Sends reviews alone and beside something.
async fn beside(
    stand: &mut Stand,
    (scenario, what): (&'static str, String),
    (pid, target): (u32, &Target),
    mut arrivals: Arrivals,
    mut happen: impl FnMut(Arc<During>) -> Happening,
) -> anyhow::Result<()> {
    stand.progress.say(&format!("{scenario}: {what}"));
    let pool = Pool::open(target).await?;
    let (mut alone, mut with, mut others) = (Tally::default(), Tally::default(), String::new());
    let mut disturbed = [0.0_f64; 2];
    let lasting = arrivals.lasting;
    let turns: &[bool] =
        if stand.plan.repeat.times > 1 { &[false, true, true, false] } else { &[false, true] };
    for is_beside in turns {
        if *is_beside {
            let during = Arc::new(During::default());
            let happening = happen(Arc::clone(&during));
            (arrivals.during, arrivals.lasting) = (Some(during), PATIENCE);
            let (round, fared) = Round::measure(pid, arrivals.run(&pool)).await?;
            with.add(&fared);
            disturbed[1] = disturbed[1].max(round.others);
            let (tally, note) = happening.await?;
            with.add_failures(&tally);
            others = note;
        } else {
            (arrivals.during, arrivals.lasting) = (None, lasting);
            let (round, fared) = Round::measure(pid, arrivals.run(&pool)).await?;
            alone.add(&fared);
            disturbed[0] = disturbed[0].max(round.others);
        }
    }
    let server = if target.allows_all { Kind::Null } else { Kind::Partywall };
    let (alone, beside) = (Fared::new(&alone, disturbed[0]), Fared::new(&with, disturbed[1]));
    stand.found.neighbours.push(Neighbours { scenario, server, what, alone, beside, others });
    Ok(())
}

/// The mix of an API server, at half of what can be done: small reviews with and without large ones among them.
pub(crate) async fn mix(stand: &mut Stand) -> anyhow::Result<()> {
    let message = |size, expect| stand.message(size, expect);
    let small: Mixture = vec![
        (35.0, message(Size::Median, Expect::Allow)?),
        (35.0, message(Size::Median, Expect::Patch)?),
        (20.0, message(Size::Update, Expect::Allow)?),
        (8.0, message(Size::Mesh, Expect::Allow)?),
    ];
    let large: Mixture =
        vec![(1.9, message(Size::Big, Expect::Allow)?), (0.1, message(Size::Huge, Expect::Allow)?)];
    let rate = mixed_rate(stand)?;
    let (pid, target) = place(stand, Kind::Partywall)?;
    let lasting = stand.plan.beside;
    let what = format!("{rate:.0}/s of 7.6 to 21 KB beside {:.0}/s of 99 KB and 3.7 MB", rate * 0.02);
    let foreground = arrivals(small, rate * 0.98, lasting)?;
    let to = target.clone();
    beside(stand, ("mix", what), (pid, &target), foreground, move |during| {
        stream(to.clone(), large.clone(), rate * 0.02, lasting, during)
    })
    .await
}

/// Half of what partywall can do of the mix: as much as of the median review, by what either costs it.
pub(crate) fn mixed_rate(stand: &Stand) -> anyhow::Result<f64> {
    let cost = |size| stand.found.cost(size, Kind::Partywall).context("sizes are measured first");
    let (median, mesh) = (cost(Size::Median)?, cost(Size::Mesh)?);
    // The update is in the middle between them.
    let micros = 0.7 * median + 0.2 * f64::midpoint(median, mesh) + 0.08 * mesh;
    let micros = micros + 0.019 * cost(Size::Big)? + 0.001 * cost(Size::Huge)?;
    let most = stand.found.most(Kind::Partywall).context("saturation is measured first")?;
    // A quarter: at random times each costs two or three times as much.
    Ok(most * median / micros / 4.0)
}

/// A stream of reviews at a rate, on a thread of its own.
fn stream(target: Target, mixture: Mixture, rate: f64, lasting: Duration, during: Arc<During>) -> Happening {
    aside(move || async move {
        let tally = match (arrivals(mixture, rate, lasting), Pool::open(&target).await) {
            (Ok(arrivals), Ok(pool)) => {
                during.set(true);
                arrivals.run(&pool).await
            }
            (Err(error), _) => failed(&error.to_string()),
            (_, Err(error)) => failed(&error.to_string()),
        };
        during.end();
        let note = format!(
            "{} answered, p50 {:.1} ms, p99 {:.1} ms",
            tally.latencies.len(),
            tally.micros(0.5) / 1e3,
            tally.micros(0.99) / 1e3
        );
        (tally, note)
    })
}

fn failed(why: &str) -> Tally {
    Tally { failures: [(why.to_owned(), 1)].into(), ..Tally::default() }
}

/// One namespace whose reviews are all denied, and many, beside those of another.
pub(crate) async fn noise(stand: &mut Stand) -> anyhow::Result<()> {
    let most = stand.found.most(Kind::Partywall).context("saturation is measured first")?;
    // As with the mix, far from all it can do: this is about a neighbour, not about too much work.
    let (noise, rate, lasting) = (most * 0.16, most * 0.04, stand.plan.beside);
    let denied: Mixture = vec![(1.0, stand.message(Size::Median, Expect::Deny)?)];
    let (pid, target) = place(stand, Kind::Partywall)?;
    let what = format!("{rate:.0}/s of a namespace beside {noise:.0}/s denied ones of another");
    let foreground = arrivals(vec![(1.0, stand.unclaimed()?)], rate, lasting)?;
    let to = target.clone();
    beside(stand, ("noise", what), (pid, &target), foreground, move |during| {
        stream(to.clone(), denied.clone(), noise, lasting, during)
    })
    .await
}

/// Many new connections at once, each with one review, beside reviews on connections that are there.
pub(crate) async fn storm(stand: &mut Stand) -> anyhow::Result<()> {
    let (rate, storms) = (moderate(stand)?, stand.plan.storms);
    let message = stand.message(Size::Median, Expect::Allow)?;
    for kind in [Kind::Null, Kind::Partywall] {
        let (pid, target) = place(stand, kind)?;
        let what = format!("{rate:.0}/s while {STORM} connections are made at once");
        let foreground = arrivals(vec![(1.0, Arc::clone(&message))], rate, stand.plan.beside / 2)?;
        let (to, message) = (target.clone(), Arc::clone(&message));
        beside(stand, ("storm", what), (pid, &target), foreground, move |during| {
            let (target, message) = (to.clone(), Arc::clone(&message));
            aside(move || async move {
                let mut tally = Tally::default();
                for _ in 0..storms {
                    sleep(Duration::from_millis(150)).await;
                    during.set(true);
                    tally.add(&burst(&target, &message, STORM).await);
                    during.set(false);
                }
                during.end();
                let note = format!("p50 of the new {:.1} ms", tally.micros(0.5) / 1e3);
                (tally, note)
            })
        })
        .await?;
    }
    Ok(())
}

/// New connections at once, each with one review.
pub(crate) async fn burst(target: &Target, message: &Arc<Message>, count: usize) -> Tally {
    let mut asking = JoinSet::new();
    for _ in 0..count {
        let (target, message) = (target.clone(), Arc::clone(message));
        asking.spawn(async move {
            let begun = Instant::now();
            let mut answer = Connection::open(&target).await;
            let answer = match &mut answer {
                Ok(connection) => connection.ask(&message, target.allows_all).await,
                Err(_) => answer.map(|_| Said::Later),
            };
            (begun.elapsed(), answer)
        });
    }
    let mut tally = Tally::default();
    while let Some(asked) = asking.join_next().await {
        match asked {
            Ok((latency, answer)) => tally.count(latency, &answer),
            Err(error) => tally.add_failures(&failed(&error.to_string())),
        }
    }
    tally
}

/// Bodies of 18 MB, all at once, beside small ones; on a server that has seen nothing yet.
pub(crate) async fn large(stand: &mut Stand) -> anyhow::Result<()> {
    let server = stand.start(Kind::Partywall, &[])?;
    forget_peak(server.pid)?;
    let (pid, target) = (server.pid, server.target.clone());
    let (rate, message) = (moderate(stand)? / 2.0, stand.oversize()?);
    let small = stand.message(Size::Median, Expect::Allow)?;
    let foreground = arrivals(vec![(1.0, small)], rate, stand.plan.beside / 2)?;
    let to = target.clone();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    beside(
        stand,
        ("large", format!("{rate:.0}/s beside {LARGE} bodies of 18 MB")),
        (pid, &target),
        foreground,
        {
            move |during| {
                let (target, message, tell) = (to.clone(), Arc::clone(&message), tell.clone());
                aside(move || async move {
                    during.set(true);
                    let large = at_once(&target, &message).await;
                    during.end();
                    let note = format!(
                        "{} denied, {} told to come again, {:.1} s",
                        large.denied, large.later, large.seconds
                    );
                    let tally = Tally { failures: large.failures.clone(), ..Tally::default() };
                    let _nobody_waits = tell.send(large);
                    (tally, note)
                })
            }
        },
    )
    .await?;
    let mut all = told.recv().await.context("large bodies were sent")?;
    while let Some(more) = told.recv().await {
        (all.sent, all.denied, all.later) =
            (all.sent + more.sent, all.denied + more.denied, all.later + more.later);
        all.seconds = all.seconds.max(more.seconds);
        for (failure, count) in more.failures {
            *all.failures.entry(failure).or_default() += count;
        }
    }
    // They were counted beside the small ones.
    all.peak_mib = Held::by(server.pid)?.peak_mib;
    stand.found.large = Some(all);
    Ok(())
}

async fn at_once(target: &Target, message: &Arc<Message>) -> Large {
    let begun = Instant::now();
    let mut saying = JoinSet::new();
    for _ in 0..LARGE {
        let (target, message) = (target.clone(), Arc::clone(message));
        saying.spawn(async move { Connection::open(&target).await?.say(&message).await });
    }
    let (mut denied, mut later, mut tally) = (0, 0, Tally::default());
    while let Some(said) = saying.join_next().await {
        match said {
            Ok(Ok(Said::Denied(413))) => denied += 1,
            Ok(Ok(Said::Later)) => later += 1,
            Ok(Ok(got)) => tally.fail(&Failure::Verdict { got, expected: message.expected }),
            Ok(Err(failure)) => tally.fail(&failure),
            Err(error) => tally.add_failures(&failed(&error.to_string())),
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    Large { sent: LARGE, denied, later, failures: tally.failures, seconds, peak_mib: 0.0 }
}

/// Bodies that bring a byte now and then, beside reviews.
pub(crate) async fn slow(stand: &mut Stand) -> anyhow::Result<()> {
    let (rate, small) = (moderate(stand)?, stand.message(Size::Median, Expect::Allow)?);
    let (pid, target) = place(stand, Kind::Partywall)?;
    let foreground = arrivals(vec![(1.0, small)], rate, stand.plan.beside / 2)?;
    let to = target.clone();
    let what = format!("{rate:.0}/s beside {SLOW} bodies that bring a byte now and then");
    beside(stand, ("slow", what), (pid, &target), foreground, move |during| {
        let target = to.clone();
        aside(move || async move {
            during.set(true);
            let mut trickles = JoinSet::new();
            for _ in 0..SLOW {
                let target = target.clone();
                trickles.spawn(async move { timeout(PATIENCE / 4, trickle(&target)).await });
            }
            let (mut refused, mut tally) = (0, Tally::default());
            for trickled in trickles.join_all().await {
                match trickled {
                    Ok(Ok(())) => refused += 1,
                    Ok(Err(failure)) => tally.fail(&failure),
                    Err(_) => tally.add_failures(&failed("a body that brought nothing was waited for")),
                }
            }
            during.end();
            (tally, format!("{refused} of {SLOW} given up with 408"))
        })
    })
    .await
}

/// Sends a body byte by byte until the server has had enough; it must say so.
async fn trickle(target: &Target) -> Result<(), Failure> {
    let stream = target.secure().await.map_err(Failure::NoConnection)?;
    let (mut reading, mut writing) = tokio::io::split(stream);
    let head = "POST /validate?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{";
    writing.write_all(head.as_bytes()).await?;
    let mut answer = [0_u8; 1024];
    let mut bytes = interval(Duration::from_millis(250));
    let read = loop {
        tokio::select! {
            read = reading.read(&mut answer) => break read?,
            // A server that has answered reads no more.
            _ = bytes.tick() => writing.write_all(b" ").await?,
        }
        writing.flush().await?;
    };
    match answer.get(..read) {
        Some(answer) if answer.starts_with(b"HTTP/1.1 408 ") => Ok(()),
        _ => Err(Failure::Closed),
    }
}
