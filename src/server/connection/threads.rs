//! The threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on its thread from the handshake to its end: no task moves between threads, nothing that a
//! review touches is passed from one core to another, and a wake-up needs no lock. An API server keeps few
//! connections for long, so each new one goes to the thread that has the fewest: hashing, as the kernel does it
//! among listeners of one port, would leave threads idle.
//!
//! Everything else of the program runs elsewhere, so no watch, scrape or reload holds up a review.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::fair_queue::ThreadTurns;

/// How many tasks run before it is looked at what has arrived, from the kernel and from other threads: few, so that
/// what has need not wait for many handshakes.
const TASKS_BETWEEN_EVENTS: u32 = 8;

/// For how long a thread that decides large bodies waits for the next one. To start one again may fail, in a process
/// that has as many as it may have.
const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Lets this thread go behind those that serve connections where both want the same core: what it does takes
/// milliseconds, and reviews would wait for it.
pub fn step_back() {
    // Elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "a thread does not step back behind those that serve connections");
    }
}

/// How far threads step back: of a core that another one wants as well they have a tenth, enough for them not to starve.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Threads that serve connections. They end when this is dropped, and their connections with them.
#[derive(Debug)]
pub struct Workers {
    first: Worker,
    others: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// How many connections it has.
    open: Arc<AtomicUsize>,
    turns: ThreadTurns,
    /// Dropping it ends the thread.
    stop: oneshot::Sender<()>,
}

impl Workers {
    /// Starts as many threads.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let first = Worker::start(0, count)?;
        let others = (1..count.get()).map(|index| Worker::start(index, count)).collect::<io::Result<_>>()?;
        Ok(Self { first, others })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// Lets the thread with the fewest connections serve one.
    pub(crate) fn serve<C>(&self, connection: impl FnOnce(ThreadTurns) -> C)
    where
        C: Future<Output = ()> + Send + 'static,
    {
        let mut least = &self.first;
        for other in &self.others {
            if other.load() < least.load() {
                least = other;
            }
        }
        let one = One::of(&least.open);
        let connection = connection(least.turns.clone());
        least.runtime.spawn(async move {
            let _one = one;
            connection.await;
        });
    }
}

impl Worker {
    /// Whom a connection goes to: the least of these; last of all one that has ended, by a bug.
    fn load(&self) -> (bool, usize) {
        (self.stop.is_closed(), self.open.load(Ordering::Relaxed))
    }

    fn start(index: usize, count: NonZeroUsize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .event_interval(TASKS_BETWEEN_EVENTS)
            .global_queue_interval(TASKS_BETWEEN_EVENTS)
            // All large bodies may be those of one thread's connections.
            .max_blocking_threads(count.get())
            .thread_keep_alive(KEPT)
            .on_thread_start(step_back)
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (open, turns) = (Arc::default(), ThreadTurns::default());
        let worker = Self { runtime: runtime.handle().clone(), open, turns, stop };
        thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            // The other end says nothing, it is dropped.
            let _dropped = runtime.block_on(stopped);
            // Whoever ends the program does not wait for a body that is being decided.
            runtime.shutdown_background();
        })?;
        Ok(worker)
    }
}

/// One of many as long as it lives.
struct One(Arc<AtomicUsize>);

impl One {
    fn of(many: &Arc<AtomicUsize>) -> Self {
        many.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(many))
    }
}

impl Drop for One {
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
    async fn connections_go_where_the_fewest_are() {
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
    async fn what_takes_long_steps_back_behind_connections() {
        use rustix::process::getpriority_process;
        use tokio::task::spawn_blocking;
        let workers = Workers::start(NonZeroUsize::MIN).unwrap();
        let (tell, told) = oneshot::channel();
        workers.serve(|_| async {
            let own = getpriority_process(None).unwrap();
            let aside = spawn_blocking(|| getpriority_process(None).unwrap()).await.unwrap();
            tell.send((own, aside)).unwrap();
        });
        let (own, aside) = told.await.unwrap();
        // A process that has stepped back itself cannot go further than 19.
        assert_eq!(aside, (own + NICENESS).min(19));
    }

    #[tokio::test]
    async fn what_ended_makes_room() {
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
