//! What the operator sees: figures on the ops port and log lines on stderr.
//!
//! The request path counts through handles that were resolved at the start, and hands log lines to a channel;
//! it must never wait for a lock of a registry or for a slow stderr.
//!
//! INVARIANT: label values come from enums, never from a request, so the number of series is fixed. Log lines
//! name requests by their uid and never hold an object.

mod logging;
mod metrics;

pub use self::logging::{LogFormat, LogGuard, init, log_panics};
pub use self::metrics::{BuildInfo, Family, Label, Metrics, Outcome, Refusal, Reload, Review};
