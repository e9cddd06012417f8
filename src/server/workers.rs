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

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How many tasks run before the kernel is asked what has arrived: few, so that what has need not wait for many
/// handshakes.
const TASKS_BETWEEN_EVENTS: u32 = 8;

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
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Workers {
    /// Starts as many threads.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        let first = Worker::start(0)?;
        let others = (1..count.get()).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { first, others })
    }

    /// Lets the thread with the fewest connections do this.
    pub(super) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let least = self.others.iter().fold(&self.first, |least, other| {
            if other.open.load(Ordering::Relaxed) < least.open.load(Ordering::Relaxed) {
                other
            } else {
                least
            }
        });
        let one = One::of(&least.open);
        least.runtime.spawn(async move {
            let _one = one;
            connection.await;
        });
    }
}

impl Worker {
    fn start(index: usize) -> io::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().event_interval(TASKS_BETWEEN_EVENTS).build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = Self { runtime: runtime.handle().clone(), open: Arc::default(), _stop: stop };
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
            workers.spawn(async move {
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

    #[tokio::test]
    async fn what_ended_makes_room() {
        let workers = Workers::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let (end, ended) = oneshot::channel::<()>();
        workers.spawn(async { ended.await.unwrap() });
        assert_eq!(workers.first.open.load(Ordering::Relaxed), 1);
        end.send(()).unwrap();
        while workers.first.open.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    }
}
