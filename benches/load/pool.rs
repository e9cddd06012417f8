//! Connections as an API server has them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::client::{Connection, Failure, Message, Said, Target};

/// How many connections Go keeps for later. It opens as many as it needs.
const KEPT: usize = 25;
/// For how long Go keeps a connection that nothing is sent on. After 120 s the server closes it.
const KEPT_FOR: Duration = Duration::from_secs(90);

/// Connections as Go keeps them: as many as are needed, and few for later, of which the last one comes first.
pub(crate) struct Pool {
    target: Target,
    /// Each with when it was last used.
    kept: Mutex<Vec<(Instant, Connection)>>,
}

impl Pool {
    /// With as many as are kept, as an API server has them from its last burst.
    pub(crate) async fn open(target: &Target) -> Result<Arc<Self>, Failure> {
        let mut kept = Vec::new();
        for _ in 0..KEPT {
            let connection = Connection::open(target).await?;
            kept.push((Instant::now(), connection));
        }
        Ok(Arc::new(Self { target: target.clone(), kept: Mutex::new(kept) }))
    }

    pub(crate) async fn ask(&self, message: &Message) -> Result<Said, Failure> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match kept {
            Some((used, connection)) if used.elapsed() < KEPT_FOR => connection,
            _ => Connection::open(&self.target).await?,
        };
        let answer = connection.ask(message, self.target.allows_all).await;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.is_open && kept.len() < KEPT {
            kept.push((Instant::now(), connection));
        }
        answer
    }
}
