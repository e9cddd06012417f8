//! Fair queues for steps that keep a thread busy, so that requests are served in between.
//!
//! A thread that serves connections runs every task that is ready, one after the other. If fifty handshakes were ready,
//! or the next chunks of fifty large bodies, a review that arrives then would wait for all of them.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

/// How many handshakes a thread computes before it runs its other tasks: at most two milliseconds.
const HANDSHAKES_AT_ONCE: usize = 8;

/// How many large bodies read a chunk before the thread runs its other tasks.
///
/// Small reviews come first; if these fill the thread, large bodies become slower.
const CHUNKS_AT_ONCE: usize = 1;

/// The queues of a thread.
#[derive(Clone, Debug)]
pub(crate) struct ThreadQueues {
    pub(crate) handshakes: FairQueue,
    /// For the chunks of large bodies, each as many bytes as a small body may have.
    pub(crate) chunks: FairQueue,
}

impl Default for ThreadQueues {
    fn default() -> Self {
        Self { handshakes: FairQueue::new(HANDSHAKES_AT_ONCE), chunks: FairQueue::new(CHUNKS_AT_ONCE) }
    }
}

/// Runs the long steps of a thread a few at a time, and all other tasks that are ready after each few.
///
/// INVARIANT: a step in progress waits for nothing but those other tasks, so no peer can block the queue.
#[derive(Clone, Debug)]
pub(crate) struct FairQueue(Arc<Semaphore>);

impl FairQueue {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// Queues, and runs `step`.
    pub(crate) async fn run<T>(&self, step: impl FnOnce() -> T) -> T {
        // The semaphore is never closed; if it were, no step would have to wait.
        let permit = self.0.acquire().await;
        let done = step();
        yield_now().await;
        drop(permit);
        done
    }

    /// Queues until a long step may begin; `None` if that was not until `give_up_at`.
    pub(crate) async fn pass(&self, give_up_at: Instant) -> Option<()> {
        let permit = timeout_at(give_up_at, self.0.acquire()).await.ok()?;
        yield_now().await;
        drop(permit);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_tasks_run_between_two_long_steps() {
        let queue = FairQueue::new(1);
        let done = std::sync::Mutex::new(Vec::new());
        let long = async |name| queue.run(|| done.lock().unwrap().push(name)).await;
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
