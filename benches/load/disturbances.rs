//! Sends disturbances beside the reviews: more reviews, large ones, new connections, slow bodies.
//!
//! Each comes from a thread of its own, and says when it has begun and when it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use crate::client::{Connection, Failure, Message, Said, Target};
use crate::found::Large;
use crate::generator::{Arrivals, During, Lanes, Mixture, aside};
use crate::pace::Pace;
use crate::pool::Pools;
use crate::tally::Tally;

/// The time after which slow bodies are given up: many times the server's own limit.
const PATIENCE: Duration = Duration::from_secs(15);
/// The time between two bytes of a slow body.
const NOW_AND_THEN: Duration = Duration::from_millis(50);

/// A disturbance and its outcome.
pub(crate) type Happening = oneshot::Receiver<Tally>;

/// Reviews at a rate, and one more that is there every time, however rarely its kind comes.
pub(crate) struct Stream {
    pub(crate) mixture: Mixture,
    pub(crate) rate: f64,
    pub(crate) lasting: Duration,
    pub(crate) one_more: Option<Arc<Message>>,
}

impl Stream {
    pub(crate) fn send(self, target: Target, during: Arc<During>) -> Happening {
        aside(move || async move {
            let tally = match ready(Pools::open(&target, Pools::THREE_API_SERVERS)).await {
                Ok((pace, pools)) => {
                    during.set(true);
                    self.run(&pools, pace).await
                }
                Err(error) => failed(&error.to_string()),
            };
            during.end();
            tally
        })
    }

    async fn run(self, pools: &Pools, pace: Pace) -> Tally {
        let Self { mixture, rate, lasting, one_more } = self;
        let arrivals = Arrivals { mixture, rate, lasting, pace, during: None, part: None };
        let one_more = async {
            let mut tally = Tally::default();
            if let Some(message) = one_more {
                let begun = Instant::now();
                let answer = pools.any().ask(&message).await;
                tally.count(begun.elapsed(), &answer);
            }
            tally
        };
        let (mut tally, one_more) = tokio::join!(arrivals.run(pools), one_more);
        tally.add(&one_more);
        tally
    }
}

/// A pace of this thread, and connections that are open.
async fn ready<T>(open: impl Future<Output = Result<T, Failure>>) -> anyhow::Result<(Pace, T)> {
    Ok((Pace::sleeping()?, open.await?))
}

fn failed(why: &str) -> Tally {
    Tally { failures: [(why.to_owned(), 1)].into(), ..Tally::default() }
}

/// Many new connections.
pub(crate) fn storm_of(
    target: Target,
    message: Arc<Message>,
    count: usize,
    during: Arc<During>,
) -> Happening {
    aside(move || async move {
        during.set(true);
        let tally = burst(&target, &message, count).await;
        during.end();
        tally
    })
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

/// Reviews as fast as answers come, on connections of which the first word is when they begin.
pub(crate) fn as_fast_as_can_be(
    target: Target,
    message: Arc<Message>,
    count: usize,
    lasting: Duration,
) -> (oneshot::Receiver<()>, Happening) {
    let (begin, begun) = oneshot::channel();
    let happening = aside(move || async move {
        match ready(Lanes::open(&target, count)).await {
            Ok((pace, mut lanes)) => {
                let _nobody_waits = begin.send(());
                lanes.run(&vec![(1.0, message)], lasting, &pace).await
            }
            Err(error) => failed(&error.to_string()),
        }
    });
    (begun, happening)
}

/// Bodies that are too large, all at once, on connections that are open.
pub(crate) fn all_at_once(
    target: Target,
    message: Arc<Message>,
    count: usize,
    tell: Option<UnboundedSender<Large>>,
    during: Arc<During>,
) -> Happening {
    aside(move || async move {
        let mut large = Large { sent: count, ..Large::default() };
        let opened = Lanes::open(&target, count).await;
        during.set(true);
        match opened {
            Ok(lanes) => say_all(lanes, &message, &mut large).await,
            Err(failure) => large.failures = failed(&failure.to_string()).failures,
        }
        during.end();
        let tally = Tally { failures: large.failures.clone(), ..Tally::default() };
        if let Some(tell) = tell {
            let _nobody_waits = tell.send(large);
        }
        tally
    })
}

async fn say_all(lanes: Lanes, message: &Arc<Message>, large: &mut Large) {
    let begun = Instant::now();
    let mut saying = JoinSet::new();
    for mut connection in lanes.connections {
        let message = Arc::clone(message);
        saying.spawn(async move { connection.say(&message).await });
    }
    let mut tally = Tally::default();
    while let Some(said) = saying.join_next().await {
        match said {
            Ok(Ok(Said::Denied(413))) => large.denied += 1,
            Ok(Ok(got)) => tally.fail(&Failure::Verdict { got, expected: message.expected }),
            Ok(Err(failure)) => tally.fail(&failure),
            Err(error) => tally.add_failures(&failed(&error.to_string())),
        }
    }
    large.seconds = begun.elapsed().as_secs_f64();
    large.failures = tally.failures;
}

/// Bodies that bring a byte now and then, each at times of its own. After a while they are hung up.
pub(crate) fn trickles(target: Target, count: usize, lasting: Duration, during: Arc<During>) -> Happening {
    aside(move || async move {
        let (mut tally, mut trickles) = begin_trickles(&target, count).await;
        // By then each has begun.
        sleep(NOW_AND_THEN).await;
        during.set(true);
        sleep(lasting).await;
        during.end();
        while let Some(answered) = trickles.try_join_next() {
            tally.add_failures(&failed(&format!("a body was not waited for: {answered:?}")));
        }
        tally
    })
}

/// As many of them, until the server has had enough; it must say so of each.
pub(crate) async fn give_up(target: Target, count: usize) -> Tally {
    let (mut tally, mut trickles) = begin_trickles(&target, count).await;
    let all = timeout(PATIENCE, async {
        while let Some(answered) = trickles.join_next().await {
            if !matches!(answered, Ok(Ok(408))) {
                tally.add_failures(&failed(&format!(
                    "a body that brought nothing was not given up: {answered:?}"
                )));
            }
        }
    });
    if all.await.is_err() {
        tally.add_failures(&failed("a body that brought nothing was waited for"));
    }
    tally
}

async fn begin_trickles(target: &Target, count: usize) -> (Tally, JoinSet<Result<u16, Failure>>) {
    let (mut tally, mut trickles) = (Tally::default(), JoinSet::new());
    for _ in 0..count {
        match target.secure().await {
            Ok(connection) => {
                trickles.spawn(trickle(connection));
            }
            Err(error) => tally.fail(&Failure::NoConnection(error)),
        }
    }
    (tally, trickles)
}

/// Sends a body byte by byte until the server answers; the code of that.
async fn trickle(connection: TlsStream<TcpStream>) -> Result<u16, Failure> {
    let (mut reading, mut writing) = tokio::io::split(connection);
    let head = "POST /validate?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{";
    sleep(NOW_AND_THEN.mul_f64(fastrand::f64())).await;
    writing.write_all(head.as_bytes()).await?;
    let mut answer = [0_u8; 1024];
    loop {
        writing.flush().await?;
        tokio::select! {
            read = reading.read(&mut answer) => return code(answer.get(..read?).unwrap_or_default()),
            () = sleep(NOW_AND_THEN) => writing.write_all(b" ").await?,
        }
    }
}

/// The code of an answer.
fn code(answer: &[u8]) -> Result<u16, Failure> {
    let code =
        answer.strip_prefix(b"HTTP/1.1 ").and_then(|rest| str::from_utf8(rest.get(..3)?).ok()?.parse().ok());
    code.ok_or(Failure::Closed)
}
