//! The suite's only way to wait: look again and again, up to a limit.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);

/// How long what the control plane does in a moment may take on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// How long what happens at a full minute may take.
pub(crate) const IN_TWO_MINUTES: Duration = Duration::from_secs(120);

/// What `look` finds, once it finds it; until then it says what it sees instead.
///
/// # Panics
///
/// If it does not come to it `within` that time; names `what` was expected and what was seen last.
#[track_caller]
pub(crate) fn eventually<T, S: Display>(
    within: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<T, S>,
) -> T {
    let end = Instant::now() + within;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if Instant::now() >= end => panic!("not within {within:?}: {what}; seen last: {seen}"),
            Err(_) => thread::sleep(EVERY),
        }
    }
}
