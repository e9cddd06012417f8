//! The threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on its thread from the handshake to its end: no task moves between threads, no data of a review
//! moves between cores, and a wake-up needs no lock. An API server keeps few connections for a long time, so each new
//! one goes to the thread that has the fewest. The kernel's hashing among listeners of one port would leave threads
//! idle.
//!
//! All other work of the program runs elsewhere, so no watch, scrape or reload delays a review.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::fair_queue::ThreadQueues;

/// How many tasks run before the runtime polls for events.
///
/// They are few, so that new data and tasks of other threads don't wait for many handshakes.
const TASKS_BETWEEN_EVENTS: u32 = 8;

/// How long an idle thread that decides large bodies is kept.
///
/// To start a new one may fail, in a process that has reached its limit of threads.
const BLOCKING_THREAD_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Lowers the priority of this thread below the threads that serve connections.
///
/// Its work takes milliseconds, and reviews on the same core would wait for it.
pub fn lower_priority() {
    // On other systems this would lower the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the priority of a thread cannot be lowered below those that serve connections");
    }
}

/// The niceness of such threads: beside a busy thread they get a tenth of the core.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The threads that serve connections; dropping this ends them and their connections.
#[derive(Debug)]
pub struct Workers {
    first: Worker,
    others: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// How many connections are open.
    open: Arc<AtomicUsize>,
    queues: ThreadQueues,
    /// Dropping it ends the thread.
    stop: oneshot::Sender<()>,
}

impl Workers {
    /// Starts `count` threads.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let first = Worker::start(0, count)?;
        let others = (1..count.get()).map(|index| Worker::start(index, count)).collect::<io::Result<_>>()?;
        Ok(Self { first, others })
    }

    /// Returns the number of threads.
    pub(crate) fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// Serves a connection on the thread with the fewest.
    pub(crate) fn serve<C>(&self, connection: impl FnOnce(ThreadQueues) -> C)
    where
        C: Future<Output = ()> + Send + 'static,
    {
        let mut least = &self.first;
        for other in &self.others {
            if other.load() < least.load() {
                least = other;
            }
        }
        let open = OpenConnection::among(&least.open);
        let connection = connection(least.queues.clone());
        least.runtime.spawn(async move {
            let _open = open;
            connection.await;
        });
    }
}

impl Worker {
    /// Returns the order in which threads get connections; one that has ended, by a bug, is last.
    fn load(&self) -> (bool, usize) {
        (self.stop.is_closed(), self.open.load(Ordering::Relaxed))
    }

    fn start(index: usize, count: NonZeroUsize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .event_interval(TASKS_BETWEEN_EVENTS)
            .global_queue_interval(TASKS_BETWEEN_EVENTS)
            // All large bodies may belong to connections of one thread.
            .max_blocking_threads(count.get())
            .thread_keep_alive(BLOCKING_THREAD_KEPT)
            .on_thread_start(lower_priority)
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (open, queues) = (Arc::default(), ThreadQueues::default());
        let worker = Self { runtime: runtime.handle().clone(), open, queues, stop };
        thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            // The sender is only dropped, never used.
            let _dropped = runtime.block_on(stopped);
            // The end of the program doesn't wait for a large body that is being decided.
            runtime.shutdown_background();
        })?;
        Ok(worker)
    }
}

/// Counts a connection of a thread until it is dropped.
struct OpenConnection(Arc<AtomicUsize>);

impl OpenConnection {
    fn among(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

    use tokio::sync::mpsc;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn a_connection_goes_to_the_thread_with_the_fewest() {
        let workers = Workers::start(NonZeroUsize::new(3).unwrap()).unwrap();
        let (tell, mut told) = mpsc::unbounded_channel::<(usize, ThreadId)>();
        let mut ends = Vec::new();
        let mut open = |number| {
            let (end, ended) = oneshot::channel::<()>();
            ends.push(Some(end));
            let tell = tell.clone();
            workers.serve(|_| async move {
                tell.send((number, thread::current().id())).unwrap();
                let _ended = ended.await;
            });
        };
        let mut threads = Vec::new();
        for number in 0..6 {
            open(number);
            threads.push(told.recv().await.unwrap().1);
        }
        for thread in &threads {
            assert_eq!(threads.iter().filter(|other| *other == thread).count(), 2, "{threads:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn long_work_has_a_lower_priority_than_connections() {
        use rustix::process::getpriority_process;
        use tokio::task::spawn_blocking;
        let workers = Workers::start(NonZeroUsize::MIN).unwrap();
        let (tell, told) = oneshot::channel();
        workers.serve(|_| async {
            let own = getpriority_process(None).unwrap();
            let blocking = spawn_blocking(|| getpriority_process(None).unwrap()).await.unwrap();
            tell.send((own, blocking)).unwrap();
        });
        let (own, blocking) = told.await.unwrap();
        // 19 is the lowest priority, which this process may have itself.
        assert_eq!(blocking, (own + NICENESS).min(19));
    }

    #[tokio::test]
    async fn a_closed_connection_is_not_counted() {
        let workers = Workers::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let (end, ended) = oneshot::channel::<()>();
        workers.serve(|_| async { ended.await.unwrap() });
        assert_eq!(workers.first.open.load(Ordering::Relaxed), 1);
        end.send(()).unwrap();
        while workers.first.open.load(Ordering::Relaxed) > 0 {
            yield_now().await;
        }
    }
}
