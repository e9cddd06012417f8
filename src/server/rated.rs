//! Keeps a log line that anybody can provoke from filling the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long there is silence after a line.
const SILENCE: Duration = Duration::from_secs(10);

/// Something that happens often and is told seldom.
#[derive(Debug, Default)]
pub(super) struct Rated(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    untold: u64,
}

impl Rated {
    /// Notes that it happened. If it is time for a line: how often it has happened since the last one.
    pub(super) fn happened(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.untold += 1;
        if state.told.is_some_and(|told| now < told + SILENCE) {
            return None;
        }
        state.told = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_at_once_and_the_next_ones_together() {
        let rated = Rated::default();
        assert_eq!(rated.happened(), Some(1));
        assert_eq!((rated.happened(), rated.happened()), (None, None));
        advance(SILENCE).await;
        assert_eq!(rated.happened(), Some(3));
        assert_eq!(rated.happened(), None);
    }
}
