//! Reads a request's body into memory: once, up to a limit, and only when there is room for it.
//!
//! Room is charged for what has arrived, never for what was declared: to declare much and send nothing costs
//! nobody anything. Smaller bodies have shares of their own, so no large one makes a small one wait.
//!
//! INVARIANT: every byte that is kept was paid for from the budget, so what all bodies together keep is bounded;
//! besides it there is one piece a body, of what its connection may send unasked, that waits to be paid for. What is
//! over a limit is read and thrown away.

#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::deadline::Deadline;
use super::memory::{Budget, Room, Share};
use crate::server::connection::Turns;
use crate::server::limits::Limits;

/// What was read.
#[derive(Debug)]
pub(crate) enum Received {
    /// All of it, and the room it takes.
    Whole(Bytes, Room),
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
pub(crate) enum Trouble {
    /// There was no room in time, or it was not its turn.
    NoRoom,
    /// It did not come in time, or stalled.
    TooSlow,
    /// The connection broke, or what came over it was no body.
    Broken(axum::Error),
}

/// A body on its way: it must bring something all the time, and all of it by the deadline. A byte now and then
/// is nothing: whoever sends so would hold a place for as long as a deadline may be.
#[derive(Debug)]
pub(crate) struct Arriving {
    body: Body,
    /// What came while nothing was kept yet.
    first: Option<Bytes>,
    /// How long it may take to bring `stretch` bytes.
    stall: Duration,
    stretch: usize,
    /// How long it may still take to bring how many of them. Only the time that is waited for it counts.
    left: Duration,
    missing: usize,
    deadline: Deadline,
    /// Whose turn it is to bring another stretch; nothing for a small body, which brings no other.
    turns: Option<Turns>,
    /// Whether it must be its turn before another piece is asked for.
    is_due: bool,
    /// Until when that is waited for.
    turn_by: Instant,
}

impl Arriving {
    /// A body of which nothing was read yet.
    pub(crate) fn new(body: Body, limits: &Limits, deadline: Deadline, turns: Option<Turns>) -> Self {
        let (stall, stretch) = (limits.stall, limits.small);
        Self {
            body,
            first: None,
            stall,
            stretch,
            left: stall,
            missing: stretch,
            deadline,
            turns,
            is_due: false,
            turn_by: deadline.patience,
        }
    }

    /// Waits for the first piece, which takes no room yet.
    pub(crate) async fn begin(&mut self) -> Result<(), Trouble> {
        self.first = self.next().await?;
        Ok(())
    }

    /// What Content-Length says, from before the first piece was read; a chunked body does not say.
    fn declared(&self) -> Option<usize> {
        let rest = usize::try_from(self.body.size_hint().exact()?).unwrap_or(usize::MAX);
        Some(rest.saturating_add(self.first.as_ref().map_or(0, Bytes::len)))
    }

    /// The next piece; trailers are of no interest.
    async fn next(&mut self) -> Result<Option<Bytes>, Trouble> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if std::mem::take(&mut self.is_due)
            && !self.body.is_end_stream()
            && let Some(turns) = &self.turns
        {
            turns.pass(self.turn_by).await.ok_or(Trouble::NoRoom)?;
        }
        let begun = Instant::now();
        let until = self.deadline.end.min(begun + self.left);
        loop {
            match timeout_at(until, self.body.frame()).await.map_err(|_| Trouble::TooSlow)? {
                // An empty piece is no progress.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => {
                        // To read and decrypt more takes long enough for others to wait for it.
                        self.is_due = self.came(data.len(), begun.elapsed());
                        return Ok(Some(data));
                    }
                    Ok(_) | Err(_) => {}
                },
                Some(Err(error)) => return Err(Trouble::Broken(error)),
                None => return Ok(None),
            }
        }
    }

    /// Notes that some bytes came, and how long they were waited for. Whether that ends a stretch.
    fn came(&mut self, bytes: usize, waited: Duration) -> bool {
        if bytes < self.missing {
            self.missing -= bytes;
            self.left = self.left.saturating_sub(waited);
            return false;
        }
        (self.missing, self.left) = (self.stretch, self.stall);
        true
    }

    /// Whether nothing more will come.
    fn is_at_end(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    /// Reads and throws away what is left of a body of which `so_far` bytes were read, until that is `up_to`, or others
    /// have every turn. Whether it came to its end.
    async fn discard(&mut self, mut so_far: usize, up_to: usize) -> Result<bool, Trouble> {
        while so_far <= up_to {
            match self.next().await {
                Ok(Some(piece)) => so_far += piece.len(),
                Ok(None) => return Ok(true),
                Err(Trouble::NoRoom) => return Ok(false),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(false)
    }

    /// Reads and throws away a body that will not be decided, so that whoever sends it sees the answer rather
    /// than a connection reset while it is writing; but not for so long that it could not ask again.
    pub(crate) async fn discard_all(&mut self, limits: &Limits) -> bool {
        let Deadline { end, patience } = self.deadline;
        self.turn_by = patience + end.saturating_duration_since(patience) / 2;
        matches!(self.discard(0, limits.discarded).await, Ok(true))
    }

    /// Reads it.
    pub(crate) async fn receive(&mut self, budget: &Budget, limits: &Limits) -> Result<Received, Trouble> {
        let declared = self.declared();
        let keep = match declared {
            Some(length) if length > limits.body => limits.start,
            Some(_) | None => limits.body,
        };
        self.is_due |= declared.is_some_and(|length| length > limits.small);
        let most = declared.unwrap_or(keep).min(keep);
        // What is too large, or does not say how large it is, as an API server always does, takes nothing that others need.
        let share = budget.share(declared.unwrap_or(usize::MAX));
        let mut kept =
            Kept { bytes: Vec::new(), paid: 0, room: None, share, most, patience: self.deadline.patience };
        while let Some(piece) = self.next().await? {
            // The usual review is small and comes in one piece, which then is the body, without a copy.
            if kept.bytes.is_empty() && piece.len() <= keep && self.is_at_end() {
                kept.pay_for(piece.len()).await?;
                return kept.room.map(|room| Received::Whole(piece, room)).ok_or(Trouble::NoRoom);
            }
            let so_far = kept.bytes.len() + piece.len();
            if so_far > keep {
                let start = kept.start(&piece, limits.start);
                drop(piece);
                self.turn_by = self.deadline.end;
                let finished = self.discard(so_far, limits.discarded).await?;
                // The few bytes of the start may outlive their room: they are found a uid in, and gone.
                return Ok(Received::TooLarge { start, finished });
            }
            kept.push(&piece).await?;
        }
        kept.pay_for(0).await?;
        let Kept { bytes, room, .. } = kept;
        room.map(|room| Received::Whole(bytes.into(), room)).ok_or(Trouble::NoRoom)
    }
}

/// What is kept of a body, and the room for it.
struct Kept<'b> {
    bytes: Vec<u8>,
    /// How much there is room for.
    paid: usize,
    room: Option<Room>,
    share: &'b Share,
    /// More is never kept.
    most: usize,
    patience: Instant,
}

impl Kept<'_> {
    /// Sees to it that there is room for `bytes` all in all.
    async fn pay_for(&mut self, bytes: usize) -> Result<(), Trouble> {
        match &mut self.room {
            Some(_) if bytes <= self.paid => return Ok(()),
            Some(room) => self.share.grow(room, bytes, self.patience).await.ok_or(Trouble::NoRoom)?,
            None => {
                let room = self.share.take(bytes, 0, self.patience).await;
                self.room = Some(room.ok_or(Trouble::NoRoom)?);
            }
        }
        self.paid = bytes;
        Ok(())
    }

    /// Adds a piece. Room and memory are doubled as needed, up to what was declared.
    async fn push(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.paid {
            self.pay_for(self.paid.saturating_mul(2).min(self.most).max(needed)).await?;
        }
        if self.bytes.capacity() < self.paid {
            self.bytes.reserve_exact(self.paid - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// How the body begins, of which `piece` is too much.
    fn start(&mut self, piece: &[u8], length: usize) -> Bytes {
        let mut start = std::mem::take(&mut self.bytes);
        start.truncate(length);
        let missing = length - start.len();
        start.extend(piece.iter().take(missing));
        start.shrink_to_fit();
        start.into()
    }
}
