//! Keeps a log line that anybody can provoke from filling the log.

use std::sync::atomic::{AtomicU64, Ordering};
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

/// Something that happens often and is told often, but not without end: so many times a second, and then not before
/// the next one. Free of locks, since reviews come by.
#[derive(Debug)]
pub(super) struct Burst {
    begun: Instant,
    most: u32,
    /// The second since then, and how often it happened in it.
    state: AtomicU64,
}

impl Burst {
    pub(super) fn new(most: u32) -> Self {
        Self { begun: Instant::now(), most, state: AtomicU64::new(0) }
    }

    /// Notes that it happened. If it may be told: how often it was not, in the last second in which it happened.
    pub(super) fn happened(&self) -> Option<u64> {
        let now = self.begun.elapsed().as_secs() << 32;
        let count = |state: u64| state & u64::from(u32::MAX);
        let is_now = |state: u64| state - count(state) == now;
        let next = |state: u64| if is_now(state) { state.saturating_add(1) } else { now | 1 };
        let before = self.state.update(Ordering::Relaxed, Ordering::Relaxed, next);
        let most = u64::from(self.most);
        if !is_now(before) {
            Some(count(before).saturating_sub(most))
        } else if count(before) < most {
            Some(0)
        } else {
            None
        }
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

    #[tokio::test(start_paused = true)]
    async fn so_many_a_second_are_told_and_how_many_were_not() {
        let burst = Burst::new(2);
        let times = |count| (0..count).map(|_| burst.happened()).collect::<Vec<_>>();
        assert_eq!(times(5), [Some(0), Some(0), None, None, None]);
        advance(Duration::from_secs(1)).await;
        assert_eq!(times(3), [Some(3), Some(0), None]);
        advance(Duration::from_secs(60)).await;
        assert_eq!(times(1), [Some(1)]);
        advance(Duration::from_secs(1)).await;
        assert_eq!(times(1), [Some(0)]);
    }
}
