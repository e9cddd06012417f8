//! Reads a request's body into memory: once, up to a limit, and only if there is memory for it.
//!
//! Memory is reserved for bytes that have arrived, never for a declared length: a client that declares much and sends
//! nothing takes nothing. Small and medium bodies have pools of their own, so they never wait for large ones.
//!
//! A body that came whole in its first frame needs no reservation: it is decided at once on its own thread. So bodies
//! that stall don't delay it.
//!
//! INVARIANT: memory is reserved for every other byte that is kept, so the memory of all bodies together is limited.
//! Beyond that, each body may have one chunk, of what its connection accepts in advance, that waits for its
//! reservation. What exceeds a limit is read and discarded.

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::deadline::Deadline;
use super::memory::{Memory, Pool, Reservation};
use super::stalled::{StalledBodies, Waiting};
use crate::server::by_peer::Peer;
use crate::server::connection::FairQueue;
use crate::server::limits::Limits;

/// A body that was read.
#[derive(Debug)]
pub(crate) enum Received {
    /// The whole body, and the memory it takes.
    Whole(Bytes, Reservation),
    /// A body that is too large to be decided.
    TooLarge {
        /// The first bytes of it.
        start: Bytes,
        /// True if it was read to its end; if not, the connection cannot be used again.
        finished: bool,
    },
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Until it had to give up, there was no memory for it, or other bodies were read; or it stalled while another
    /// body needed its memory.
    Overload,
    /// It did not arrive in time, or stalled.
    TooSlow,
    /// The connection broke, or the bytes that came over it are no body.
    Broken(axum::Error),
}

/// The number of bytes that are kept of a body's head. API servers write the uid before the object.
const HEAD: usize = 1024;

/// A body that is arriving: it must make progress, and be complete by the deadline.
///
/// A byte now and then is no progress: a client could hold memory with it for as long as a deadline may be.
#[derive(Debug)]
pub(crate) struct Arriving {
    body: Body,
    /// Its sender, as far as it is known.
    peer: Peer,
    /// The first data, which arrived before any memory was reserved.
    first: Option<Bytes>,
    /// The first bytes, for an answer without the rest.
    head: Vec<u8>,
    /// How long `chunk` bytes may take to arrive.
    time_per_chunk: Duration,
    chunk: usize,
    /// The rest of the time and of the bytes of the current chunk. Only time spent waiting for the body counts.
    time_left: Duration,
    bytes_left: usize,
    deadline: Deadline,
    /// Orders the chunks of large bodies; a small body has only one chunk and needs no queue.
    queue: Option<FairQueue>,
    /// True if it must queue before it reads more.
    must_queue: bool,
    /// When to stop waiting in the queue.
    queue_until: Instant,
}

impl Arriving {
    /// Creates it from a body of which nothing was read yet.
    pub(crate) fn new(body: Body, limits: &Limits, deadline: Deadline, queue: Option<FairQueue>) -> Self {
        let (time_per_chunk, chunk) = (limits.timings.body_progress, limits.bodies.small_up_to);
        Self {
            body,
            peer: Peer::UNKNOWN,
            first: None,
            head: Vec::new(),
            time_per_chunk,
            chunk,
            time_left: time_per_chunk,
            bytes_left: chunk,
            deadline,
            queue,
            must_queue: false,
            queue_until: deadline.give_up_at,
        }
    }

    /// Names the sender of the body.
    pub(crate) fn sent_by(self, peer: Option<Peer>) -> Self {
        Self { peer: peer.unwrap_or(Peer::UNKNOWN), ..self }
    }

    /// Waits for the first data, which needs no reservation yet; with `keep_head` its first bytes are kept.
    pub(crate) async fn begin(&mut self, keep_head: bool) -> Result<(), Trouble> {
        self.first = self.next(None).await?;
        if let Some(first) = self.first.as_ref().filter(|_| keep_head) {
            self.head = first.get(..HEAD).unwrap_or(first).to_vec();
        }
        Ok(())
    }

    /// Returns the first bytes of the body that [`Self::begin`] kept; a review's uid is among them.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Returns the Content-Length, from before the first data was read; a chunked body has none.
    fn declared(&self) -> Option<usize> {
        let rest = usize::try_from(self.body.size_hint().exact()?).unwrap_or(usize::MAX);
        Some(rest.saturating_add(self.first.as_ref().map_or(0, Bytes::len)))
    }

    /// Returns the next data; trailers are ignored.
    ///
    /// While it waits for its peer, a body that holds something gives way to others.
    async fn next(&mut self, held: Option<Held<'_>>) -> Result<Option<Bytes>, Trouble> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if std::mem::take(&mut self.must_queue)
            && !self.body.is_end_stream()
            && let Some(queue) = &self.queue
        {
            queue.pass(self.queue_until).await.ok_or(Trouble::Overload)?;
        }
        let begun = Instant::now();
        let until = self.deadline.end.min(begun + self.time_left);
        let waited_before = self.time_per_chunk.saturating_sub(self.time_left);
        loop {
            let frame = next_frame(&mut self.body, until, || {
                let Held { bodies, kib } = held?;
                // Without the time in which it waited for memory or in a queue.
                let since = Instant::now().checked_sub(waited_before).unwrap_or(begun);
                Some(bodies.add(self.peer, since, kib))
            });
            match frame.await? {
                // An empty frame is no progress.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => {
                        // Reading and decrypting another chunk takes long enough to delay other requests.
                        self.must_queue = self.note_progress(data.len(), begun.elapsed());
                        return Ok(Some(data));
                    }
                    Ok(_) | Err(_) => {}
                },
                Some(Err(error)) => return Err(Trouble::Broken(error)),
                None => return Ok(None),
            }
        }
    }

    /// Notes that `bytes` arrived after `waited`; returns whether they complete a chunk.
    fn note_progress(&mut self, bytes: usize, waited: Duration) -> bool {
        if bytes < self.bytes_left {
            self.bytes_left -= bytes;
            self.time_left = self.time_left.saturating_sub(waited);
            return false;
        }
        (self.bytes_left, self.time_left) = (self.chunk, self.time_per_chunk);
        true
    }

    fn is_at_end(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    /// Reads and discards the rest of a body, and returns whether it reached its end.
    ///
    /// `so_far` bytes were read before. It stops at `up_to` bytes, when the queue is full of others, or when it stalls
    /// and gives way.
    async fn discard(
        &mut self,
        mut so_far: usize,
        up_to: usize,
        held: Option<Held<'_>>,
    ) -> Result<bool, Trouble> {
        while so_far <= up_to {
            match self.next(held).await {
                Ok(Some(data)) => so_far += data.len(),
                Ok(None) => return Ok(true),
                Err(Trouble::Overload) => return Ok(false),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(false)
    }

    /// Reads and discards a body that will not be decided, and returns whether it reached its end.
    ///
    /// So the client sees the answer instead of a connection reset while it writes. It stops early enough for the
    /// client to ask again.
    pub(crate) async fn discard_all(&mut self, limits: &Limits) -> bool {
        let Deadline { end, give_up_at } = self.deadline;
        self.queue_until = give_up_at + end.saturating_duration_since(give_up_at) / 2;
        matches!(self.discard(0, limits.bodies.discarded_of_oversized, None).await, Ok(true))
    }

    /// Reads the body.
    pub(crate) async fn receive(&mut self, memory: &Memory, limits: &Limits) -> Result<Received, Trouble> {
        let limits = &limits.bodies;
        let declared = self.declared();
        let keep = match declared {
            Some(length) if length > limits.decided_up_to => limits.kept_of_oversized,
            Some(_) | None => limits.decided_up_to,
        };
        self.must_queue |= declared.is_some_and(|length| length > limits.small_up_to);
        let most = declared.unwrap_or(keep).min(keep);
        // Oversized bodies, and those that declare no length as API servers always do, share the pool of large ones.
        let pool = memory.pool(declared.unwrap_or(usize::MAX));
        let give_up_at = self.deadline.give_up_at;
        let mut kept = Kept { bytes: Vec::new(), reserved: 0, reservation: None, pool, most, give_up_at };
        while let Some(data) = self.next(Some(kept.held())).await? {
            // Nearly every review is small and arrives in one frame, which becomes the body without a copy.
            if kept.bytes.is_empty() && data.len() <= keep && self.is_at_end() {
                if data.len() <= limits.small_up_to.min(limits.inline_up_to) {
                    return Ok(Received::Whole(data, Reservation::default()));
                }
                kept.reserve(data.len()).await?;
                let reservation = kept.reservation.ok_or(Trouble::Overload)?;
                return Ok(Received::Whole(data, reservation));
            }
            let so_far = kept.bytes.len() + data.len();
            if so_far > keep {
                let start = kept.start(&data, limits.kept_of_oversized);
                drop(data);
                self.queue_until = self.deadline.end;
                let held = Held { bodies: pool.stalled(), kib: 0 };
                let finished = self.discard(so_far, limits.discarded_of_oversized, Some(held)).await?;
                // The start may outlive its reservation: it is small, and dropped once the uid is found.
                return Ok(Received::TooLarge { start, finished });
            }
            kept.push(&data).await?;
        }
        kept.reserve(0).await?;
        let Kept { bytes, reservation, .. } = kept;
        let reservation = reservation.ok_or(Trouble::Overload)?;
        Ok(Received::Whole(bytes.into(), reservation))
    }
}

/// Returns the next frame of a body. If it is not there yet, `wait` may register the body as one that stalls.
async fn next_frame<'b>(
    body: &mut Body,
    until: Instant,
    wait: impl FnOnce() -> Option<Waiting<'b>>,
) -> Result<Option<Result<Frame<Bytes>, axum::Error>>, Trouble> {
    let frame = body.frame();
    tokio::pin!(frame);
    if let Poll::Ready(frame) = poll_fn(|context| Poll::Ready(frame.as_mut().poll(context))).await {
        return Ok(frame);
    }
    let in_time = timeout_at(until, frame);
    let in_time = match wait() {
        None => in_time.await,
        Some(mut waiting) => tokio::select! {
            biased;
            frame = in_time => frame,
            () = waiting.dropped() => return Err(Trouble::Overload),
        },
    };
    in_time.map_err(|_| Trouble::TooSlow)
}

/// What a body holds while it waits for its peer.
#[derive(Clone, Copy)]
struct Held<'b> {
    /// The bodies that give way.
    bodies: &'b StalledBodies,
    /// The memory that it holds.
    kib: u32,
}

/// The bytes of a body that are kept, and the memory reserved for them.
struct Kept<'b> {
    bytes: Vec<u8>,
    /// How many bytes are reserved.
    reserved: usize,
    reservation: Option<Reservation>,
    pool: &'b Pool,
    /// How many bytes are kept at most.
    most: usize,
    give_up_at: Instant,
}

impl<'b> Kept<'b> {
    fn held(&self) -> Held<'b> {
        Held { bodies: self.pool.stalled(), kib: self.reservation.as_ref().map_or(0, Reservation::kib) }
    }

    /// Ensures that `bytes` in total are reserved.
    async fn reserve(&mut self, bytes: usize) -> Result<(), Trouble> {
        match &mut self.reservation {
            Some(_) if bytes <= self.reserved => return Ok(()),
            Some(reservation) => {
                self.pool.grow(reservation, bytes, self.give_up_at).await.ok_or(Trouble::Overload)?;
            }
            None => {
                let reservation = self.pool.reserve(bytes, 0, self.give_up_at).await;
                self.reservation = Some(reservation.ok_or(Trouble::Overload)?);
            }
        }
        self.reserved = bytes;
        Ok(())
    }

    /// Adds data. Reservation and buffer double as needed, up to the declared length.
    async fn push(&mut self, data: &[u8]) -> Result<(), Trouble> {
        let needed = self.bytes.len() + data.len();
        if needed > self.reserved {
            self.reserve(self.reserved.saturating_mul(2).min(self.most).max(needed)).await?;
        }
        if self.bytes.capacity() < self.reserved {
            self.bytes.reserve_exact(self.reserved - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    /// Returns the first `length` bytes of a body whose next `data` exceeds the limit.
    fn start(&mut self, data: &[u8], length: usize) -> Bytes {
        let mut start = std::mem::take(&mut self.bytes);
        start.truncate(length);
        let missing = length - start.len();
        start.extend(data.iter().take(missing));
        start.shrink_to_fit();
        start.into()
    }
}
