//! Reads a request's body into memory: once, up to a limit, and only when there is room for it.
//!
//! INVARIANT: every byte that is kept was paid for from the budget before it was read, so what all bodies
//! together hold is bounded; what is over a limit is read and thrown away.

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::deadline::Deadline;
use super::limits::Limits;

/// What was read.
#[derive(Debug)]
pub(super) enum Received<'b> {
    /// All of it, and the room it takes.
    Whole(Bytes, Room<'b>),
    /// More than is decided.
    TooLarge {
        /// How it begins.
        start: Bytes,
        /// Whether it was read to its end; if not, the connection is of no further use.
        finished: bool,
    },
}

/// Why nothing was read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There was no room in time.
    NoRoom,
    /// It did not come in time.
    TooSlow,
    /// The connection broke, or what came over it was no body.
    Broken(axum::Error),
}

/// The bytes that all bodies together may take.
#[derive(Debug)]
pub(super) struct Budget {
    kib: Semaphore,
    all: u32,
}

impl Budget {
    /// A budget of `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        let all = in_kib(bytes);
        Self { kib: Semaphore::new(all as usize), all }
    }

    /// Waits for room for `bytes` all in all, of which `held` is there, until `patience` ends. Nobody waits for
    /// more than there is.
    async fn take(&self, bytes: usize, held: usize, patience: Instant) -> Result<Room<'_>, Trouble> {
        let permits = in_kib(bytes).min(self.all).saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        match timeout_at(patience, self.kib.acquire_many(permits)).await {
            Ok(Ok(permit)) => Ok(Room(permit)),
            // The semaphore is never closed; were it, there would be no room.
            Ok(Err(_)) | Err(_) => Err(Trouble::NoRoom),
        }
    }
}

/// Room in the budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Room<'b>(SemaphorePermit<'b>);

/// At least one: an empty body takes a place too.
fn in_kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).max(1)
}

/// Reads `body`.
pub(super) async fn receive<'b>(
    body: &mut Body,
    budget: &'b Budget,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Received<'b>, Trouble> {
    // What Content-Length says; a chunked body does not say.
    let declared = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    let (keep, expected) = match declared {
        Some(length) if length <= limits.body => (limits.body, length),
        Some(_) => (limits.start, limits.start),
        None => (limits.body, limits.start.min(limits.body)),
    };
    let room = budget.take(expected, 0, deadline.patience).await?;
    let kept = Kept { bytes: Vec::new(), expected, room, budget, patience: deadline.patience };
    timeout_at(deadline.end, read(body, kept, keep, limits)).await.unwrap_or(Err(Trouble::TooSlow))
}

/// Reads up to `keep` bytes, and throws away what is beyond.
async fn read<'b>(
    body: &mut Body,
    mut kept: Kept<'b>,
    keep: usize,
    limits: &Limits,
) -> Result<Received<'b>, Trouble> {
    while let Some(chunk) = next(body).await? {
        // The usual review is small and comes in one piece, which then is the body, without a copy.
        if kept.bytes.is_empty() && chunk.len() <= keep && body.is_end_stream() {
            return Ok(Received::Whole(chunk, kept.room));
        }
        let so_far = kept.bytes.len() + chunk.len();
        if so_far > keep {
            kept.bytes.truncate(limits.start);
            let missing = limits.start - kept.bytes.len();
            kept.bytes.extend(chunk.iter().take(missing));
            drop(chunk);
            let finished = discard(body, so_far, limits.discarded).await?;
            // The few bytes of the start may outlive their room: they are found a uid in, and gone.
            return Ok(Received::TooLarge { start: kept.bytes.into(), finished });
        }
        kept.push(&chunk, keep).await?;
    }
    Ok(Received::Whole(kept.bytes.into(), kept.room))
}

/// Reads and throws away what is left of a body of which `so_far` bytes were read, until that is `up_to`.
/// Whether it came to its end.
async fn discard(body: &mut Body, mut so_far: usize, up_to: usize) -> Result<bool, Trouble> {
    while so_far <= up_to {
        match next(body).await? {
            Some(chunk) => so_far += chunk.len(),
            None => return Ok(true),
        }
    }
    Ok(false)
}

/// Reads and throws away a body that will not be decided, so that whoever sends it sees the answer rather than
/// a connection reset while it is writing.
pub(super) async fn discard_all(body: &mut Body, limits: &Limits, deadline: Deadline) -> bool {
    matches!(timeout_at(deadline.end, discard(body, 0, limits.discarded)).await, Ok(Ok(true)))
}

/// The next piece; trailers are of no interest.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Trouble> {
    loop {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(Trouble::Broken(error)),
            None => return Ok(None),
        }
    }
}

/// What is kept of a body, and the room for it.
struct Kept<'b> {
    bytes: Vec<u8>,
    /// How much there is room for.
    expected: usize,
    room: Room<'b>,
    budget: &'b Budget,
    patience: Instant,
}

impl Kept<'_> {
    /// Adds a piece. Memory is reserved once if the length was declared, and doubled as needed if not.
    async fn push(&mut self, chunk: &[u8], keep: usize) -> Result<(), Trouble> {
        let needed = self.bytes.len() + chunk.len();
        if needed > self.expected {
            let larger = needed.max(self.expected.saturating_mul(2)).min(keep);
            let more = self.budget.take(larger, self.room.0.num_permits(), self.patience).await?;
            self.room.0.merge(more.0);
            self.expected = larger;
        }
        if self.bytes.capacity() < self.expected {
            self.bytes.reserve_exact(self.expected - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    /// A body that comes in pieces and does not say how long it is; or never ends.
    struct Pieces(Vec<Bytes>, bool);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.pop() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.1 => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    fn pieces(count: usize, size: usize) -> Body {
        Body::new(Pieces(vec![Bytes::from(vec![b'x'; size]); count], false))
    }

    fn limits() -> Limits {
        Limits { body: 10_000, start: 100, discarded: 20_000, ..Limits::default() }
    }

    async fn received(mut body: Body) -> String {
        let budget = Budget::new(limits().body);
        match receive(&mut body, &budget, &limits(), Deadline::of(None)).await {
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
    async fn a_body_that_does_not_come_is_given_up() {
        assert_eq!(received(Body::new(Pieces(vec![Bytes::from_static(b"x")], true))).await, "TooSlow");
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_half_the_deadline() {
        let budget = Budget::new(limits().body);
        let begun = Instant::now();
        let first = receive(&mut pieces(100, 100), &budget, &limits(), Deadline::of(None)).await;
        let second = receive(&mut pieces(1, 100), &budget, &limits(), Deadline::of(None)).await;
        assert!(matches!(second, Err(Trouble::NoRoom)), "{second:?}");
        assert_eq!(begun.elapsed().as_millis() / 100, 45);
        drop(first);
        let third = receive(&mut pieces(100, 100), &budget, &limits(), Deadline::of(None)).await;
        assert!(matches!(third, Ok(Received::Whole(..))), "{third:?}");
    }
}
