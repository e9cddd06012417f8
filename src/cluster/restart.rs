//! Runs the tasks of a cluster, and starts those again that panic.
//!
//! A task that panicked is gone with all that it knew; another one begins as at the start of the program, with the
//! same channels. What a channel held last, others go on reading meanwhile. So a task must not end a channel with
//! itself: the closure that starts it keeps the ends.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::error;

use crate::telemetry::{Metrics, Task, constant_message};

/// The first and the longest pause before a task is started again.
///
/// A task that ran for longer than the longest one begins with the first again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Starts tasks, and starts them again.
#[derive(Clone, Debug)]
pub(super) struct Restarts {
    pub(super) metrics: Arc<Metrics>,
}

impl Restarts {
    /// Runs a task in the background, again after each panic, until it ends.
    pub(super) fn spawn<F: Future<Output: Send> + Send>(
        &self,
        task: Task,
        start: impl FnMut() -> F + Send + 'static,
    ) {
        self.spawn_and(task, start, || {});
    }

    /// [`Self::spawn`], where something is done as soon as the task has panicked: what it told is not kept up to date.
    pub(super) fn spawn_and<F: Future<Output: Send> + Send>(
        &self,
        task: Task,
        start: impl FnMut() -> F + Send + 'static,
        panicked: impl Fn() + Send + 'static,
    ) {
        let restarts = self.clone();
        tokio::spawn(async move {
            restarts.run(task, start, panicked).await;
        });
    }

    /// Runs a task, again after each panic, until it ends.
    pub(super) async fn run<F: Future>(
        &self,
        task: Task,
        mut start: impl FnMut() -> F,
        panicked: impl Fn(),
    ) -> F::Output {
        let mut pause = PAUSES.0;
        loop {
            let begun = Instant::now();
            let panic = match caught(&mut start).await {
                Ok(output) => return output,
                Err(panic) => panic,
            };
            panicked();
            if begun.elapsed() > PAUSES.1 {
                pause = PAUSES.0;
            }
            self.metrics.task_panics.inc(task);
            let (said, seconds) = (constant_message(&*panic), pause.as_secs());
            error!(task = task.as_str(), said, "a task panicked; it is started again in {seconds} s");
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// Starts a task and runs it to its end, or to its panic.
async fn caught<F: Future>(start: &mut impl FnMut() -> F) -> Result<F::Output, Box<dyn Any + Send>> {
    // Whatever the panic left half done is dropped with the task.
    let mut task = pin!(catch_unwind(AssertUnwindSafe(start))?);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::watch;

    use super::*;
    use crate::telemetry::logging;

    fn restarts() -> Restarts {
        Restarts { metrics: Arc::new(Metrics::new().unwrap()) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again_later_and_later_and_publishes_again() {
        let (lines, _guard) = logging();
        let restarts = restarts();
        let (sender, published) = watch::channel(0);
        let begun = Instant::now();
        let (starts, forgotten) = (AtomicU32::new(0), AtomicU32::new(0));
        let start = || {
            let (sender, starts) = (sender.clone(), &starts);
            async move {
                let start = starts.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::task::yield_now().await;
                assert!(start > 8, "a secret");
                sender.send_replace(start);
                begun.elapsed().as_secs()
            }
        };
        let forget = || {
            forgotten.fetch_add(1, Ordering::Relaxed);
        };
        let took = restarts.run(Task::Labels, start, forget).await;
        assert_eq!(took, 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60);
        assert_eq!((*published.borrow(), forgotten.into_inner()), (9, 8));
        assert!(published.has_changed().is_ok(), "the channel has not ended");
        assert_eq!(restarts.metrics.task_panics.get(Task::Labels), 8);
        assert_eq!(restarts.metrics.task_panics.get(Task::Leases), 0);
        let (lines, told) = (lines(), r#"task="labels" said="a secret""#);
        assert_eq!(lines.matches("a task panicked; it is started again in 60 s").count(), 2, "{lines}");
        assert_eq!(lines.matches(told).count(), 8, "{lines}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ran_for_long_is_started_again_soon() {
        let restarts = restarts();
        let (sender, mut started) = watch::channel(0);
        restarts.spawn(Task::Watch, move || {
            sender.send_modify(|count| *count += 1);
            let count = *sender.borrow();
            async move {
                if count > 3 {
                    sleep(PAUSES.1 * 2).await;
                }
                panic!("the task of object {count}");
            }
        });
        started.wait_for(|count| *count == 4).await.unwrap();
        let begun = Instant::now();
        started.wait_for(|count| *count == 5).await.unwrap();
        assert_eq!(begun.elapsed(), PAUSES.1 * 2 + PAUSES.0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_formatted_message_quotes_is_not_logged() {
        let (lines, _guard) = logging();
        let (restarts, count) = (restarts(), AtomicU32::new(0));
        let start = || {
            let name = count.fetch_add(1, Ordering::Relaxed).to_string();
            assert!(name != "0", "the object {name} is secret");
            async {}
        };
        restarts.run(Task::Snapshots, start, || {}).await;
        let lines = lines();
        assert!(lines.contains(r#"task="snapshots" said="(not logged)""#), "{lines}");
        assert!(!lines.contains("secret"), "{lines}");
    }
}
