//! Turns of what takes long, so that what does not has its turn in between.
//!
//! A thread that serves connections runs whatever is ready, one after the other. Were fifty handshakes ready, or the next
//! pieces of fifty large bodies, a review that comes then would wait for all of them.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

/// How many handshakes take their long step between two looks at everything else: less than two milliseconds.
const HANDSHAKES_AT_ONCE: usize = 8;

/// How many large bodies bring their next stretch between two looks: small reviews come first. Where they take all of a
/// thread, large ones get on more slowly for it.
const STRETCHES_AT_ONCE: usize = 1;

/// The turns of a thread.
#[derive(Clone, Debug)]
pub(crate) struct ThreadTurns {
    pub(crate) handshakes: Turns,
    /// Of large bodies, each for as many bytes as a small one has.
    pub(crate) stretches: Turns,
}

impl Default for ThreadTurns {
    fn default() -> Self {
        Self { handshakes: Turns::new(HANDSHAKES_AT_ONCE), stretches: Turns::new(STRETCHES_AT_ONCE) }
    }
}

/// Whose turn it is to do something on a thread that takes long: after a few such things, everything else that is
/// ready gets its turn.
///
/// INVARIANT: whoever has a turn waits for nothing but everything else, so nobody can hold one up.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// Does it when it is its turn.
    pub(crate) async fn take<T>(&self, long: impl FnOnce() -> T) -> T {
        // The semaphore is never closed; were it, nobody would have to wait.
        let turn = self.0.acquire().await;
        let done = long();
        yield_now().await;
        drop(turn);
        done
    }

    /// Waits until it is its turn to go on with something long; `None`: it was not until `patience` ended.
    pub(crate) async fn pass(&self, patience: Instant) -> Option<()> {
        let turn = timeout_at(patience, self.0.acquire()).await.ok()?;
        yield_now().await;
        drop(turn);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn between_two_long_things_others_get_their_turn() {
        let turns = Turns::new(1);
        let done = std::sync::Mutex::new(Vec::new());
        let long = async |name| turns.take(|| done.lock().unwrap().push(name)).await;
        let short = async {
            for _ in 0..8 {
                yield_now().await;
                done.lock().unwrap().push("short");
            }
        };
        tokio::join!(long("first"), long("second"), long("third"), short);
        let done = done.into_inner().unwrap();
        let long: Vec<_> = done.iter().filter(|name| **name != "short").collect();
        assert_eq!(long, [&"first", &"second", &"third"]);
        assert!(done.array_windows().all(|[one, next]| *one == "short" || *next == "short"), "{done:?}");
    }
}
