//! Figures on the ops port and log lines on stderr.
//!
//! A request counts through handles that were created at the start, and sends log lines to a channel. It never waits
//! for the lock of a registry or for a slow stderr.
//!
//! INVARIANT: label values come from enums, never from a request, so the number of series is fixed. Log lines name
//! requests by their uid and never contain an object.

mod log_throttle;
mod logging;
mod metrics;

pub(crate) use self::log_throttle::LogThrottle;
pub use self::logging::{LogFormat, LogGuard, init, log_panics};
pub use self::metrics::{BuildInfo, Dropped, Family, Label, Metrics, Outcome, Refusal, Reload, Review};
