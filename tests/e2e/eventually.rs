//! The suite's only way to wait: check again and again, up to a time limit.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);

/// The time limit for what the control plane does in a moment, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// The time limit for what happens at a full minute.
pub(crate) const IN_TWO_MINUTES: Duration = Duration::from_secs(120);

/// Calls `look` until it succeeds, and returns its result. Its error describes the present state.
///
/// # Panics
///
/// If it does not succeed `within` that time. The message names `what` was expected and the last state.
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
