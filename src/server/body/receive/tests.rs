//! Bodies of every pace and length.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::*;
use crate::server::limits::BodyLimits;

/// A body in pieces, with a length that it declares or not, and maybe without an end.
struct Pieces {
    left: Vec<Bytes>,
    declared: Option<u64>,
    is_endless: bool,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.left.pop() {
            Some(piece) => {
                if let Some(declared) = &mut self.declared {
                    *declared -= piece.len() as u64;
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None if self.is_endless => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && !self.is_endless
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn pieces(count: usize, size: usize) -> Body {
    Body::new(Pieces { left: vec![Bytes::from(vec![b'x'; size]); count], declared: None, is_endless: false })
}

/// The same, with a declared length.
fn declared(count: usize, size: usize) -> Body {
    let (left, declared) = (vec![Bytes::from(vec![b'x'; size]); count], Some((count * size) as u64));
    Body::new(Pieces { left, declared, is_endless: false })
}

/// A body that stalls after `sent` bytes of what it declared.
fn stalling(sent: usize, declared: Option<u64>) -> Body {
    let left = if sent == 0 { Vec::new() } else { vec![Bytes::from(vec![b'x'; sent])] };
    Body::new(Pieces { left, declared, is_endless: true })
}

fn limits() -> Limits {
    let bodies = BodyLimits {
        decided_up_to: 10_000,
        inline_up_to: 4_096,
        small_up_to: 1_024,
        kept_of_oversized: 100,
        discarded_of_oversized: 20_000,
        small_body_memory: 2_048,
        medium_body_memory: 4_096,
        large_body_memory: 10_000,
    };
    Limits { bodies, ..Limits::default() }
}

/// The same, with a change.
fn limits_with(change: impl FnOnce(&mut BodyLimits)) -> Limits {
    let mut limits = limits();
    change(&mut limits.bodies);
    limits
}

async fn receive(body: Body, memory: &Memory, limits: &Limits) -> Result<Received, Trouble> {
    receive_queued(body, memory, limits, &FairQueue::new(1)).await
}

async fn receive_queued(
    body: Body,
    memory: &Memory,
    limits: &Limits,
    queue: &FairQueue,
) -> Result<Received, Trouble> {
    let mut body = Arriving::new(body, limits, Deadline::of(None), Some(queue.clone()));
    body.begin(false).await?;
    body.receive(memory, limits).await
}

async fn received(body: Body) -> String {
    match receive(body, &Memory::new(&limits().bodies, 1), &limits()).await {
        Ok(Received::Whole(bytes, _)) => format!("whole {}", bytes.len()),
        Ok(Received::TooLarge { start, finished }) => {
            format!("start {} finished {finished}", start.len())
        }
        Err(trouble) => format!("{trouble:?}"),
    }
}

#[tokio::test]
async fn bodies_are_read_whole_up_to_the_limit() {
    assert_eq!(received(Body::empty()).await, "whole 0");
    assert_eq!(received(Body::from(vec![0; 10_000])).await, "whole 10000");
    assert_eq!(received(pieces(1, 7)).await, "whole 7");
    assert_eq!(received(pieces(100, 100)).await, "whole 10000");
}

#[tokio::test]
async fn l10_of_a_larger_body_the_start_is_kept_and_the_rest_is_read() {
    assert_eq!(received(Body::from(vec![0; 10_001])).await, "start 100 finished true");
    assert_eq!(received(pieces(101, 100)).await, "start 100 finished true");
    assert_eq!(received(pieces(200, 100)).await, "start 100 finished true");
    assert_eq!(received(pieces(300, 100)).await, "start 100 finished false");
    assert_eq!(received(pieces(2, 10_000)).await, "start 100 finished true");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up_long_before_its_deadline() {
    for body in [stalling(0, Some(10_000)), stalling(1, None), stalling(9_999, Some(10_000))] {
        let begun = Instant::now();
        assert_eq!(received(body).await, "TooSlow");
        assert_eq!(begun.elapsed().as_secs(), limits().timings.body_progress.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn memory_is_reserved_for_arrived_bytes_and_not_for_declared_ones() {
    let memory = Memory::new(&limits().bodies, 1);
    let mut hoarders: Vec<_> = (0..10).map(|_| stalling(600, Some(10_000))).collect();
    let limits = limits();
    let stalled = hoarders.drain(..).map(|body| receive(body, &memory, &limits));
    let stalled = futures_of(stalled.collect());
    let honest = async { receive(declared(1, 1_000), &memory, &limits).await };
    let large = async { receive(declared(5, 1_000), &memory, &limits).await };
    let (stalled, honest, large) = tokio::join!(stalled, timed(honest), timed(large));
    assert!(matches!(honest, (Ok(Received::Whole(..)), 0)), "{honest:?}");
    // Ten bodies hold 10 KiB of 10. As soon as they stall, the large one gets the memory of two of them, which is
    // enough for its first pieces; then it may exceed the pool.
    assert!(matches!(large, (Ok(Received::Whole(..)), 0..100)), "{large:?}");
    let count = |expected: fn(&Trouble) -> bool| {
        stalled.iter().filter(|stalled| stalled.as_ref().is_err_and(expected)).count()
    };
    assert_eq!(count(|trouble| matches!(trouble, Trouble::Overload)), 2, "{stalled:?}");
    assert_eq!(count(|trouble| matches!(trouble, Trouble::TooSlow)), 8, "{stalled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_memory_waits_half_the_deadline_and_smaller_ones_have_their_own_pool() {
    let (memory, limits, mut kept) = (Memory::new(&limits().bodies, 1), limits(), Vec::new());
    for (body, has_memory) in [
        (declared(100, 100), true),
        (declared(50, 100), false),
        // A body without a declared length uses the pool of large ones, unless it is whole in its first frame.
        (pieces(2, 100), false),
        (pieces(1, 100), true),
        (declared(40, 100), true),
        (declared(30, 100), false),
        (declared(1, 1_000), true),
    ] {
        let (received, millis) = timed(receive(body, &memory, &limits)).await;
        match (has_memory, &received) {
            (true, Ok(Received::Whole(..))) => assert_eq!(millis, 0),
            (false, Err(Trouble::Overload)) => assert_eq!(millis / 100, 45),
            _ => panic!("{has_memory}: {received:?}"),
        }
        kept.push(received);
    }
    drop(kept);
    let third = receive(pieces(100, 100), &memory, &limits).await;
    assert!(matches!(third, Ok(Received::Whole(..))), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_a_stall_and_a_slow_body_is_none() {
    for (size, expected) in [(1, "stall"), (600, "whole 9000")] {
        let (sender, frames) = tokio::sync::mpsc::channel::<Bytes>(1);
        let trickle = tokio::spawn(async move {
            for _ in 0..15 {
                sleep(Duration::from_millis(400)).await;
                if sender.send(Bytes::from(vec![b'x'; size])).await.is_err() {
                    return;
                }
            }
        });
        let (outcome, millis) = timed(received(Body::new(Trickle(frames)))).await;
        match expected {
            "stall" => assert_eq!((outcome.as_str(), millis / 100), ("TooSlow", 20)),
            whole => assert_eq!((outcome.as_str(), millis / 100), (whole, 60)),
        }
        trickle.await.unwrap();
    }
}

/// A body whose pieces come through a channel.
struct Trickle(tokio::sync::mpsc::Receiver<Bytes>);

impl HttpBody for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[tokio::test]
async fn other_tasks_run_while_a_large_body_arrives() {
    let (memory, limits) = (Memory::new(&limits().bodies, 1), limits());
    for (bytes, whole) in [(8 * 1024, true), (16 * 1024, false)] {
        let (received, yields) = beside_others(receive(pieces(bytes / 256, 256), &memory, &limits)).await;
        assert_eq!(matches!(received.unwrap(), Received::Whole(..)), whole);
        // The body doesn't queue after its last chunk.
        assert_eq!(yields, bytes / limits.bodies.small_up_to - 1, "of {bytes} bytes");
    }
}

#[tokio::test]
async fn of_large_bodies_at_once_one_reads_a_chunk_before_other_tasks_run() {
    const COUNT: usize = 5;
    let limits = limits_with(|bodies| bodies.large_body_memory = 64 << 10);
    let (memory, queue) = (Memory::new(&limits.bodies, 1), FairQueue::new(1));
    for (bytes, whole) in [(8 * 1024, true), (16 * 1024, false)] {
        let large = (0..COUNT).map(|_| receive_queued(pieces(bytes / 256, 256), &memory, &limits, &queue));
        let (received, others_ran) = beside_others(futures_of(large.collect())).await;
        for received in received {
            assert_eq!(matches!(received.unwrap(), Received::Whole(..)), whole);
        }
        assert!(
            others_ran >= COUNT * (bytes / limits.bodies.small_up_to - 1),
            "{others_ran} of {bytes} bytes"
        );
    }
}

/// Runs a future beside another task; returns its output, and how often the other task ran.
async fn beside_others<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut runs = 0;
    let others = async {
        loop {
            runs += 1;
            yield_now().await;
        }
    };
    let result = tokio::select! {
        biased;
        result = future => result,
        () = others => unreachable!(),
    };
    (result, runs)
}

/// The queue is full for ever.
#[tokio::test(start_paused = true)]
async fn a_body_queues_only_to_read_more_than_a_small_one_and_not_for_ever() {
    let (limits, queue) = (limits(), FairQueue::new(0));
    for (body, expected, waited) in [
        // The whole body is there before it has to queue.
        (pieces(4, 256), "whole", 0),
        (declared(1, 9_000), "whole", 0),
        // A body that declares a large length queues for its first chunk.
        (declared(2, 600), "Overload", 45),
        (pieces(5, 256), "Overload", 45),
        // An oversized body is denied without the rest of it.
        (pieces(2, 10_001), "cut off", 90),
    ] {
        let (received, millis) =
            timed(receive_queued(body, &Memory::new(&limits.bodies, 1), &limits, &queue)).await;
        let received = match received {
            Ok(Received::Whole(..)) => "whole",
            Ok(Received::TooLarge { finished: false, .. }) => "cut off",
            Err(Trouble::Overload) => "Overload",
            other => panic!("{other:?}"),
        };
        assert_eq!((received, millis / 100), (expected, waited));
    }
    // A refused body is read for half of the remaining time, so that its client can still ask again.
    let mut refused = Arriving::new(declared(3, 600), &limits, Deadline::of(None), Some(queue.clone()));
    assert!(matches!(
        refused.receive(&Memory::new(&limits.bodies, 1), &limits).await,
        Err(Trouble::Overload)
    ));
    assert_eq!(timed(refused.discard_all(&limits)).await, (false, 2_250));
    // The first data of a body never queues.
    let mut body = Arriving::new(pieces(9, 2_000), &limits, Deadline::of(None), Some(queue));
    assert_eq!(timed(body.begin(false)).await.1, 0);
}

/// Returns the output of a future, and the milliseconds it took.
async fn timed<T>(future: impl Future<Output = T>) -> (T, u128) {
    let begun = Instant::now();
    let result = future.await;
    (result, begun.elapsed().as_millis())
}

/// Runs all futures at once; returns their outputs in order.
async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<_> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// A body whose pieces arrive only after all other tasks have run.
struct Slow(Pieces);

impl HttpBody for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_endless {
            self.0.is_endless = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = Pin::new(&mut self.0).poll_frame(context);
        self.0.is_endless = true;
        piece
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_that_share_all_the_memory_do_not_wait_for_each_other() {
    let (limits, begun) = (limits_with(|bodies| bodies.large_body_memory = 16 << 10), Instant::now());
    let memory = Memory::new(&limits.bodies, 1);
    // Each holds 4 KiB, together the whole pool, when the first of them needs more.
    assert_eq!(futures_of((0..4).map(|_| slow(9, &memory, &limits)).collect()).await, [true; 4]);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_may_exceed_its_pool_delays_no_smaller_ones() {
    let (limits, begun) = (limits_with(|bodies| bodies.large_body_memory = 2 << 10), Instant::now());
    let memory = Memory::new(&limits.bodies, 1);
    // One body holds half of the pool. This one holds the other half and needs more, and then it stalls.
    let left = vec![Bytes::from(vec![b'x'; 600]); 2];
    let greedy = Body::new(Pieces { left, declared: Some(9_000), is_endless: true });
    let stalled = [stalling(600, Some(9_000)), greedy].map(|body| receive(body, &memory, &limits));
    let medium = futures_of((0..4).map(|_| slow(4, &memory, &limits)).collect());
    tokio::select! {
        biased;
        stalled = futures_of(stalled.into()) => panic!("{stalled:?}"),
        medium = medium => assert_eq!(medium, [true; 4]),
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_oversized_body_takes_no_memory_of_small_ones() {
    let limits = limits_with(|bodies| bodies.small_body_memory = 1 << 10);
    let memory = Memory::new(&limits.bodies, 1);
    let too_large = receive(stalling(50, Some(10_001)), &memory, &limits);
    let (too_large, small) = tokio::join!(too_large, timed(receive(declared(1, 1_000), &memory, &limits)));
    assert!(matches!(too_large, Err(Trouble::TooSlow)), "{too_large:?}");
    assert!(matches!(small, (Ok(Received::Whole(..)), 0)), "{small:?}");
}

/// Returns whether a body of so many KB that arrives slowly is received.
async fn slow(kilobytes: usize, memory: &Memory, limits: &Limits) -> bool {
    let left = vec![Bytes::from(vec![b'x'; 1_000]); kilobytes];
    let body = Body::new(Slow(Pieces { left, declared: Some(kilobytes as u64 * 1_000), is_endless: false }));
    matches!(
        receive(body, memory, limits).await,
        Ok(Received::Whole(bytes, _)) if bytes.len() == kilobytes * 1_000
    )
}
