//! Bodies of every pace and length.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::*;

/// A body that comes in pieces, says how long it is or not, and may never end.
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

/// The same, but it says how long it is.
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
    Limits {
        body: 10_000,
        start: 100,
        discarded: 20_000,
        held: 10_000,
        held_medium: 4_096,
        held_small: 2_048,
        small: 1_024,
        at_once: 4_096,
        ..Limits::default()
    }
}

async fn receive(body: Body, budget: &Budget, limits: &Limits) -> Result<Received, Trouble> {
    receive_in_turn(body, budget, limits, &Turns::new(1)).await
}

async fn receive_in_turn(
    body: Body,
    budget: &Budget,
    limits: &Limits,
    turns: &Turns,
) -> Result<Received, Trouble> {
    let mut body = Arriving::new(body, limits, Deadline::of(None), Some(turns.clone()));
    body.begin().await?;
    body.receive(budget, limits).await
}

async fn received(body: Body) -> String {
    match receive(body, &Budget::new(&limits()), &limits()).await {
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
        assert_eq!(begun.elapsed().as_secs(), limits().stall.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn room_is_charged_for_what_came_and_not_for_what_was_declared() {
    let budget = Budget::new(&limits());
    let mut hoarders: Vec<_> = (0..9).map(|_| stalling(600, Some(10_000))).collect();
    let limits = limits();
    let stalled = hoarders.drain(..).map(|body| receive(body, &budget, &limits));
    let stalled = futures_of(stalled.collect());
    let honest = async { receive(declared(1, 1_000), &budget, &limits).await };
    let large = async { receive(declared(5, 1_000), &budget, &limits).await };
    let (stalled, honest, large) = tokio::join!(stalled, timed(honest), large);
    assert!(matches!(honest, (Ok(Received::Whole(..)), 0)), "{honest:?}");
    // Nine times one KiB of ten is taken, one is left; the others that this takes come when the others go.
    assert!(matches!(large, Ok(Received::Whole(..))), "{large:?}");
    assert!(stalled.iter().all(|stalled| matches!(stalled, Err(Trouble::TooSlow))), "{stalled:?}");
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_waits_half_the_deadline_unless_it_is_smaller_than_those_that_have_it() {
    let (budget, limits, mut kept) = (Budget::new(&limits()), limits(), Vec::new());
    for (body, is_room) in [
        (declared(100, 100), true),
        (declared(50, 100), false),
        // What does not say how large it is takes nothing from smaller ones.
        (pieces(1, 100), false),
        (declared(40, 100), true),
        (declared(30, 100), false),
        (declared(1, 1_000), true),
    ] {
        let (received, millis) = timed(receive(body, &budget, &limits)).await;
        match (is_room, &received) {
            (true, Ok(Received::Whole(..))) => assert_eq!(millis, 0),
            (false, Err(Trouble::NoRoom)) => assert_eq!(millis / 100, 45),
            _ => panic!("{is_room}: {received:?}"),
        }
        kept.push(received);
    }
    drop(kept);
    let third = receive(pieces(100, 100), &budget, &limits).await;
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

/// A body whose pieces somebody sends.
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
async fn others_have_their_turn_while_a_large_body_comes() {
    let (budget, limits) = (Budget::new(&limits()), limits());
    for (bytes, whole) in [(8 * 1024, true), (16 * 1024, false)] {
        let (received, turns) = beside_others(receive(pieces(bytes / 256, 256), &budget, &limits)).await;
        assert_eq!(matches!(received.unwrap(), Received::Whole(..)), whole);
        // Nothing is left to wait for after the last stretch.
        assert_eq!(turns, bytes / limits.small - 1, "of {bytes} bytes");
    }
}

#[tokio::test]
async fn of_large_bodies_that_come_at_once_one_goes_on_between_two_turns_of_others() {
    const COUNT: usize = 5;
    let limits = Limits { held: 64 << 10, ..limits() };
    let (budget, turns) = (Budget::new(&limits), Turns::new(1));
    for (bytes, whole) in [(8 * 1024, true), (16 * 1024, false)] {
        let large = (0..COUNT).map(|_| receive_in_turn(pieces(bytes / 256, 256), &budget, &limits, &turns));
        let (received, others_turns) = beside_others(futures_of(large.collect())).await;
        for received in received {
            assert_eq!(matches!(received.unwrap(), Received::Whole(..)), whole);
        }
        assert!(others_turns >= COUNT * (bytes / limits.small - 1), "{others_turns} of {bytes} bytes");
    }
}

/// What a future gives, and how many turns others had meanwhile.
async fn beside_others<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            yield_now().await;
        }
    };
    let result = tokio::select! {
        biased;
        result = future => result,
        () = others => unreachable!(),
    };
    (result, turns)
}

/// Others have all turns for ever.
#[tokio::test(start_paused = true)]
async fn a_body_waits_for_its_turn_only_to_bring_more_than_a_small_one_and_not_for_ever() {
    let (limits, turns) = (limits(), Turns::new(0));
    for (body, expected, waited) in [
        // All of it is there before it is asked for more.
        (pieces(4, 256), "whole", 0),
        (declared(1, 9_000), "whole", 0),
        // What says that it is large has no stretch before its turn.
        (declared(2, 600), "NoRoom", 45),
        (pieces(5, 256), "NoRoom", 45),
        // What is denied anyway is answered without the rest of it.
        (pieces(2, 10_001), "cut off", 90),
    ] {
        let (received, millis) = timed(receive_in_turn(body, &Budget::new(&limits), &limits, &turns)).await;
        let received = match received {
            Ok(Received::Whole(..)) => "whole",
            Ok(Received::TooLarge { finished: false, .. }) => "cut off",
            Err(Trouble::NoRoom) => "NoRoom",
            other => panic!("{other:?}"),
        };
        assert_eq!((received, millis / 100), (expected, waited));
    }
    // What is sent away is read for half of the time that is left then, so that its caller can still ask again.
    let mut refused = Arriving::new(declared(3, 600), &limits, Deadline::of(None), Some(turns.clone()));
    assert!(matches!(refused.receive(&Budget::new(&limits), &limits).await, Err(Trouble::NoRoom)));
    assert_eq!(timed(refused.discard_all(&limits)).await, (false, 2_250));
    // What has not even a place yet waits for nobody.
    let mut body = Arriving::new(pieces(9, 2_000), &limits, Deadline::of(None), Some(turns));
    assert_eq!(timed(body.begin()).await.1, 0);
}

/// What a future gives, and after how many milliseconds.
async fn timed<T>(future: impl Future<Output = T>) -> (T, u128) {
    let begun = Instant::now();
    let result = future.await;
    (result, begun.elapsed().as_millis())
}

/// All of them at once, in their order.
async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<_> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
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

/// A body that brings each piece only after everybody else had a turn.
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
async fn bodies_that_have_all_the_room_between_them_do_not_wait_for_each_other() {
    let (limits, begun) = (Limits { held: 16 << 10, ..limits() }, Instant::now());
    let budget = Budget::new(&limits);
    // Each holds 4 KiB, all there is, when the first of them needs more.
    assert_eq!(futures_of((0..4).map(|_| slow(9, &budget, &limits)).collect()).await, [true; 4]);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn one_that_may_have_more_room_than_there_is_holds_up_no_smaller_ones() {
    let (limits, begun) = (Limits { held: 2 << 10, ..limits() }, Instant::now());
    let budget = Budget::new(&limits);
    // One holds the other half of the room, this one needs more, and then it brings nothing.
    let left = vec![Bytes::from(vec![b'x'; 600]); 2];
    let greedy = Body::new(Pieces { left, declared: Some(9_000), is_endless: true });
    let stalled = [stalling(600, Some(9_000)), greedy].map(|body| receive(body, &budget, &limits));
    let medium = futures_of((0..4).map(|_| slow(4, &budget, &limits)).collect());
    tokio::select! {
        biased;
        stalled = futures_of(stalled.into()) => panic!("{stalled:?}"),
        medium = medium => assert_eq!(medium, [true; 4]),
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_takes_no_room_of_small_ones() {
    let limits = Limits { held_small: 1 << 10, ..limits() };
    let budget = Budget::new(&limits);
    let too_large = receive(stalling(50, Some(10_001)), &budget, &limits);
    let (too_large, small) = tokio::join!(too_large, timed(receive(declared(1, 1_000), &budget, &limits)));
    assert!(matches!(too_large, Err(Trouble::TooSlow)), "{too_large:?}");
    assert!(matches!(small, (Ok(Received::Whole(..)), 0)), "{small:?}");
}

/// Whether a body of so many KB that comes slowly is received.
async fn slow(kilobytes: usize, budget: &Budget, limits: &Limits) -> bool {
    let left = vec![Bytes::from(vec![b'x'; 1_000]); kilobytes];
    let body = Body::new(Slow(Pieces { left, declared: Some(kilobytes as u64 * 1_000), is_endless: false }));
    matches!(
        receive(body, budget, limits).await,
        Ok(Received::Whole(bytes, _)) if bytes.len() == kilobytes * 1_000
    )
}
