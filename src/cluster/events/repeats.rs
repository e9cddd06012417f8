//! Decides which events are written, and which are counted.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::event::{Event, Regarding};

/// How long the API server keeps an event, unless it is configured otherwise.
const KEPT: Duration = Duration::from_secs(3_600);
/// The time between two writes of a count.
const SELDOM: Duration = Duration::from_secs(300);
/// How many different events are remembered.
const REMEMBERED: usize = 1_024;
/// How many events are created at once, and the time in which one more may be.
const BURST: u32 = 50;
const REFILL: Duration = Duration::from_secs(6);

/// What is to be done about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// It is new.
    Create,
    /// The event of this name has happened so often.
    Count(String, u32),
    /// It is counted later.
    Nothing,
    /// There are too many.
    LeaveOut,
}

/// The events that were written.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    known: BTreeMap<Key, Known>,
    /// How many of [`BURST`] are used, and when that was.
    used: u32,
    refilled: Option<Instant>,
}

type Key = (Regarding, String, String);

#[derive(Debug)]
struct Known {
    /// Its name; empty before it is created.
    name: String,
    count: u32,
    created: Instant,
    told: Instant,
}

impl Repeats {
    /// Returns what is to be done about an event that happens now.
    pub(super) fn take(&mut self, event: &Event, now: Instant) -> Todo {
        self.known.retain(|_, known| now.saturating_duration_since(known.created) < KEPT);
        if let Some(known) = self.known.get_mut(&key(event)) {
            known.count = known.count.saturating_add(1);
            if known.name.is_empty() || now.saturating_duration_since(known.told) < SELDOM {
                return Todo::Nothing;
            }
            known.told = now;
            return Todo::Count(known.name.clone(), known.count);
        }
        if !self.is_within_bounds(now) {
            return Todo::LeaveOut;
        }
        let known = Known { name: String::new(), count: 1, created: now, told: now };
        self.known.insert(key(event), known);
        Todo::Create
    }

    /// Notes the name of an event that was created.
    pub(super) fn note(&mut self, event: &Event, name: &str) {
        if let Some(known) = self.known.get_mut(&key(event)) {
            name.clone_into(&mut known.name);
        }
    }

    /// Forgets an event that was not written.
    pub(super) fn forget(&mut self, event: &Event) {
        self.known.remove(&key(event));
    }

    fn is_within_bounds(&mut self, now: Instant) -> bool {
        let refilled = *self.refilled.get_or_insert(now);
        let more = now.saturating_duration_since(refilled).as_secs() / REFILL.as_secs();
        let more = u32::try_from(more).unwrap_or(u32::MAX).min(BURST);
        if more > 0 {
            self.used = self.used.saturating_sub(more);
            self.refilled = Some(now);
        }
        let is_within = self.used < BURST && self.known.len() < REMEMBERED;
        if is_within {
            self.used += 1;
        }
        is_within
    }
}

fn key(event: &Event) -> Key {
    (event.regarding.clone(), event.reason.clone(), event.note.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Event {
        Event::example(&number.to_string())
    }

    #[test]
    fn an_event_is_created_once_an_hour_and_its_count_written_seldom() {
        let begin = Instant::now();
        let mut repeats = Repeats::default();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        assert_eq!(repeats.take(&event(1), at(0)), Todo::Create);
        assert_eq!(repeats.take(&event(1), at(400)), Todo::Nothing, "it has no name yet");
        repeats.note(&event(1), "x");
        assert_eq!(repeats.take(&event(1), at(400)), Todo::Count("x".to_owned(), 3));
        assert_eq!(repeats.take(&event(1), at(401)), Todo::Nothing);
        assert_eq!(repeats.take(&event(1), at(700)), Todo::Count("x".to_owned(), 5));
        assert_eq!(repeats.take(&event(1), at(3_600)), Todo::Create);
        repeats.forget(&event(1));
        assert_eq!(repeats.take(&event(1), at(3_601)), Todo::Create);
    }

    #[test]
    fn events_are_bounded_in_time_and_memory() {
        let begin = Instant::now();
        let mut repeats = Repeats::default();
        let mut created = |second: u64| {
            let now = begin + Duration::from_secs(second);
            let all = (0..10_000).map(|number| event(usize::try_from(second).unwrap() * 10_000 + number));
            all.filter(|event| repeats.take(event, now) == Todo::Create).count()
        };
        assert_eq!(created(0), 50);
        assert_eq!(created(5), 0);
        assert_eq!(created(6), 1);
        assert_eq!(created(66), 10);
        let most: usize = (1..12).map(|step| created(66 + step * 300)).sum();
        assert_eq!(most, 550);
        assert!(repeats.known.len() <= REMEMBERED);
    }
}
