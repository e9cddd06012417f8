//! The queue between reviews and the task that sends their spans.
//!
//! INVARIANT: the queue is bounded, and a span that finds it full is dropped and counted.

#![expect(clippy::disallowed_methods, reason = "a span ends when its review is answered")]

use std::hash::{BuildHasher, RandomState};
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use partywall_core::{Answer, Entry};
use prometheus::IntCounter;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::collector::{Collector, Endpoint};
use super::sampled::Sampled;
use super::span::{Reviewed, message};
use crate::telemetry::Metrics;

/// How many spans may wait.
const WAITING: usize = 2_048;
/// How many spans are sent at once.
const AT_ONCE: usize = 512;
/// How long a span waits for others to be sent with.
const COLLECT: Duration = Duration::from_secs(1);

/// Takes the spans of reviews.
#[derive(Clone, Debug)]
pub struct Traces(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: mpsc::Sender<Reviewed>,
    dropped: IntCounter,
    /// Makes ids of spans, that cannot be guessed, of numbers.
    ids: RandomState,
    next: AtomicU64,
}

/// The span of a review under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'t> {
    traces: &'t Traces,
    sampled: Sampled,
}

/// The task that sends spans.
#[derive(Debug)]
pub struct Sending {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Traces {
    /// Starts to send spans, on the runtime of the caller.
    pub fn send_to(endpoint: Endpoint, metrics: &Metrics) -> prometheus::Result<(Self, Sending)> {
        let dropped = metrics.spans_dropped()?;
        let (traces, queue) = Self::new(dropped.clone());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(send_all(queue, Collector::at(endpoint), dropped, stopped));
        Ok((traces, Sending { stop, task }))
    }

    fn new(dropped: IntCounter) -> (Self, mpsc::Receiver<Reviewed>) {
        let (queue, spans) = mpsc::channel(WAITING);
        let shared = Shared { queue, dropped, ids: RandomState::new(), next: AtomicU64::new(0) };
        (Self(Arc::new(shared)), spans)
    }

    /// Returns the trace of a request, if its caller records it.
    pub(crate) fn sampled(&self, headers: &HeaderMap) -> Option<Sampled> {
        Sampled::of(headers)
    }

    /// Begins the span of a review.
    pub(crate) fn span(&self, sampled: Sampled) -> Span<'_> {
        Span { traces: self, sampled }
    }
}

impl Span<'_> {
    /// Queues the span of a review that is answered now.
    pub(crate) fn end(self, entry: Entry, answer: &Answer<'_>) {
        let shared = &*self.traces.0;
        // Before the span is made, so that a flood costs little.
        let Ok(place) = shared.queue.try_reserve() else {
            shared.dropped.inc();
            return;
        };
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        // Zero is no id.
        let id = shared.ids.hash_one(number).max(1).to_be_bytes();
        place.send(Reviewed::new(self.sampled, id, SystemTime::now(), entry, answer));
    }
}

impl Sending {
    /// Sends the spans that wait, and ends.
    pub async fn finish(self) {
        // If the task has ended by itself, by a bug, there is nothing to stop.
        let _ended = self.stop.send(());
        let _panicked = self.task.await;
    }
}

/// Sends spans until it is stopped and none waits.
async fn send_all(
    mut queue: mpsc::Receiver<Reviewed>,
    collector: Collector,
    dropped: IntCounter,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut is_failing = false;
    let mut batch = Vec::with_capacity(AT_ONCE);
    while next_batch(&mut queue, &mut batch, &mut stopped).await {
        let count = batch.len() as u64;
        match collector.send(&message(take(&mut batch))).await {
            Ok(rejected) => {
                dropped.inc_by(rejected.min(count));
                if is_failing {
                    info!("the collector takes spans again");
                }
                is_failing = false;
            }
            Err(error) => {
                dropped.inc_by(count);
                if !is_failing {
                    warn!(%error, "spans cannot be sent to the collector; they are dropped until they can");
                }
                is_failing = true;
            }
        }
    }
}

/// Collects the next spans to send; returns whether there are any, at last.
async fn next_batch(
    queue: &mut mpsc::Receiver<Reviewed>,
    batch: &mut Vec<Reviewed>,
    stopped: &mut oneshot::Receiver<()>,
) -> bool {
    let mut until = None;
    while batch.len() < AT_ONCE {
        let room = AT_ONCE - batch.len();
        let late = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = &mut *stopped, if !queue.is_closed() => queue.close(),
            count = queue.recv_many(batch, room) => {
                if count == 0 {
                    break;
                }
                until = until.or_else(|| Some(Instant::now() + COLLECT));
            }
            () = late => break,
        }
    }
    !batch.is_empty()
}

#[cfg(test)]
mod tests {
    use partywall_core::review::Asked;
    use partywall_core::verdict::Verdict;

    use super::*;

    fn sampled() -> Sampled {
        Sampled { trace: [1; 16], parent: [2; 8], begun: SystemTime::now() }
    }

    fn end(traces: &Traces) {
        let asked = Asked { kind: "Pod".into(), ..Asked::default() };
        traces
            .span(sampled())
            .end(Entry::Validate, &Answer { uid: "u-1".into(), asked, verdict: Verdict::allow() });
    }

    #[tokio::test(start_paused = true)]
    async fn o5_a_full_queue_drops_spans_and_counts_them() {
        let dropped = Metrics::new().unwrap().spans_dropped().unwrap();
        let (traces, mut queue) = Traces::new(dropped.clone());
        for _ in 0..WAITING + 3 {
            end(&traces);
        }
        assert_eq!(dropped.get(), 3);
        let (mut batch, (_stop, mut stopped)) = (Vec::new(), oneshot::channel());
        assert!(next_batch(&mut queue, &mut batch, &mut stopped).await);
        assert_eq!(batch.len(), AT_ONCE);
        end(&traces);
        assert_eq!(dropped.get(), 3, "there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn spans_wait_for_others_and_are_all_taken_before_the_end() {
        let (traces, mut queue) = Traces::new(Metrics::new().unwrap().spans_dropped().unwrap());
        let (mut batch, (stop, mut stopped)) = (Vec::new(), oneshot::channel());
        let (begun, later) = (Instant::now(), traces.clone());
        end(&traces);
        tokio::spawn(async move {
            sleep_until(begun + COLLECT / 2).await;
            end(&later);
        });
        assert!(next_batch(&mut queue, &mut batch, &mut stopped).await);
        assert_eq!((batch.len(), begun.elapsed()), (2, COLLECT));
        end(&traces);
        stop.send(()).unwrap();
        batch.clear();
        assert!(next_batch(&mut queue, &mut batch, &mut stopped).await);
        assert_eq!((batch.len(), begun.elapsed()), (1, COLLECT), "it does not wait at the end");
        batch.clear();
        assert!(!next_batch(&mut queue, &mut batch, &mut stopped).await);
    }

    #[test]
    fn no_two_spans_have_the_same_id() {
        let (traces, _) = Traces::new(Metrics::new().unwrap().spans_dropped().unwrap());
        let ids: std::collections::BTreeSet<_> = (0..1_000_u64).map(|at| traces.0.ids.hash_one(at)).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
