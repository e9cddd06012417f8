//! Keeps log lines that any caller can provoke from filling the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Lets through a limited number of log lines in an interval, and counts the others.
///
/// It takes no lock, since reviews pass here. An interval begins with the first event after the last interval.
#[derive(Debug)]
pub(crate) struct LogThrottle {
    created: Instant,
    lines: u32,
    interval_seconds: u64,
    /// The second after `created` in which the interval began, and in the low 32 bits its events.
    state: AtomicU64,
}

impl LogThrottle {
    /// Lets through so many lines in each interval of whole seconds.
    pub(crate) fn new(lines: u32, interval: Duration) -> Self {
        let interval_seconds = interval.as_secs();
        Self { created: Instant::now(), lines, interval_seconds, state: AtomicU64::new(0) }
    }

    /// Lets through one line in ten seconds.
    pub(crate) fn one_in_ten_seconds() -> Self {
        Self::new(1, Duration::from_secs(10))
    }

    /// Counts an event; returns how many before it were left out of the log, or `None` if this one is, too.
    pub(crate) fn event(&self) -> Option<u64> {
        let now = self.created.elapsed().as_secs();
        let events = |state: u64| state & u64::from(u32::MAX);
        let is_running = |state: u64| now.saturating_sub(state >> 32) < self.interval_seconds;
        let next = |state: u64| if is_running(state) { state.saturating_add(1) } else { now << 32 | 1 };
        let before = self.state.update(Ordering::Relaxed, Ordering::Relaxed, next);
        let lines = u64::from(self.lines);
        if !is_running(before) {
            Some(events(before).saturating_sub(lines))
        } else if events(before) < lines {
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
    async fn the_first_is_logged_at_once_and_the_next_ones_together() {
        let throttle = LogThrottle::one_in_ten_seconds();
        let since_last_line = || throttle.event().map(|left_out| left_out + 1);
        assert_eq!(since_last_line(), Some(1));
        assert_eq!((since_last_line(), since_last_line()), (None, None));
        advance(Duration::from_secs(10)).await;
        assert_eq!(since_last_line(), Some(3));
        assert_eq!(since_last_line(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_a_second_are_logged_and_how_many_were_not() {
        let throttle = LogThrottle::new(2, Duration::from_secs(1));
        let times = |count| (0..count).map(|_| throttle.event()).collect::<Vec<_>>();
        assert_eq!(times(5), [Some(0), Some(0), None, None, None]);
        advance(Duration::from_secs(1)).await;
        assert_eq!(times(3), [Some(3), Some(0), None]);
        advance(Duration::from_secs(60)).await;
        assert_eq!(times(1), [Some(1)]);
        advance(Duration::from_secs(1)).await;
        assert_eq!(times(1), [Some(0)]);
    }
}
