//! Connections as an API server has them.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use crate::client::{Connection, Failure, Message, Said, Target};

/// The number of connections that Go keeps for later.
const KEPT: usize = 25;
/// For how long Go keeps a connection that nothing is sent on. After 120 s the server closes it.
const KEPT_FOR: Duration = Duration::from_secs(90);

/// The largest number that are being opened. Go has no bound, but an API server has at most 600 reviews under way, for
/// two endpoints.
const OPENING: usize = 300;

/// The connections of one API server, or of several.
pub(crate) struct Pools(Vec<Arc<Pool>>);

impl Pools {
    /// The number of pools of three API servers: each has one for each of the two endpoints.
    pub(crate) const THREE_API_SERVERS: usize = 6;

    /// So many of them, each with as many connections as are kept.
    pub(crate) async fn open(target: &Target, count: usize) -> Result<Self, Failure> {
        let mut pools = Vec::new();
        for _ in 0..count {
            pools.push(Pool::open(target).await?);
        }
        Ok(Self(pools))
    }

    pub(crate) fn any(&self) -> &Arc<Pool> {
        fastrand::choice(&self.0).unwrap_or_else(|| panic!("no pool at all"))
    }

    /// Why connections could not be opened that nobody waited for any more.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.0.iter().flat_map(|pool| mem::take(&mut pool.free().failures)).collect()
    }
}

/// Connections as Go has them.
///
/// The one that was used last comes first, more are opened as needed, and few are kept for later.
pub(crate) struct Pool {
    target: Target,
    free: Mutex<Free>,
    opening: Arc<Semaphore>,
}

#[derive(Default)]
struct Free {
    /// Each with when it was last used.
    kept: Vec<(Instant, Connection)>,
    /// Reviews that wait for one, the first first.
    waiting: VecDeque<oneshot::Sender<Connection>>,
    /// Of connections that nobody waited for any more.
    failures: Vec<Failure>,
}

impl Pool {
    /// With as many as are kept, as an API server has them from its last burst.
    async fn open(target: &Target) -> Result<Arc<Self>, Failure> {
        let mut free = Free::default();
        for _ in 0..KEPT {
            let connection = Connection::open(target).await?;
            free.kept.push((Instant::now(), connection));
        }
        let opening = Arc::new(Semaphore::new(OPENING));
        Ok(Arc::new(Self { target: target.clone(), free: Mutex::new(free), opening }))
    }

    pub(crate) async fn ask(self: &Arc<Self>, message: &Message) -> Result<Said, Failure> {
        let mut connection = self.connection().await?;
        let answer = connection.ask(message, self.target.allows_all).await;
        if connection.is_open {
            self.give_back(connection);
        }
        answer
    }

    /// One that is kept; if there is none, a new one, or one that another review is done with before that is open.
    async fn connection(self: &Arc<Self>) -> Result<Connection, Failure> {
        let mut given = {
            let mut free = self.free();
            match free.kept.pop() {
                Some((used, connection)) if used.elapsed() < KEPT_FOR => return Ok(connection),
                _ => {}
            }
            let (give, given) = oneshot::channel();
            free.waiting.push_back(give);
            given
        };
        let place = tokio::select! {
            place = Arc::clone(&self.opening).acquire_owned() => place,
            Ok(connection) = &mut given => return Ok(connection),
        };
        let pool = Arc::clone(self);
        let mut opening = Box::pin(async move {
            // It is never closed; were it, nobody would have to wait.
            let _place = place;
            Connection::open(&pool.target).await
        });
        tokio::select! {
            biased;
            Ok(connection) = &mut given => {
                let pool = Arc::clone(self);
                tokio::spawn(async move {
                    match opening.await {
                        Ok(connection) => pool.give_back(connection),
                        Err(failure) => pool.free().failures.push(failure),
                    }
                });
                Ok(connection)
            }
            opened = &mut opening => opened,
        }
    }

    /// Gives it to the review that has waited longest, or keeps it.
    fn give_back(&self, mut connection: Connection) {
        let mut free = self.free();
        while let Some(give) = free.waiting.pop_front() {
            match give.send(connection) {
                Ok(()) => return,
                // It has one by now.
                Err(refused) => connection = refused,
            }
        }
        if free.kept.len() < KEPT {
            free.kept.push((Instant::now(), connection));
        }
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
