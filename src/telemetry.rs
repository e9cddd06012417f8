//! Figures on the ops port, log lines on stderr, and spans for a collector.
//!
//! A request counts through handles that were created at the start, and sends log lines to a channel. It never waits
//! for the lock of a registry or for a slow stderr.
//!
//! INVARIANT: label values come from enums and, up to a limit, from names in the policies, never from a request. So the
//! number of series is bounded. Log lines say who asked for what, and never contain anything of an object but its name.

#[cfg(test)]
mod lines;
mod log_filter;
mod log_throttle;
mod logging;
mod metrics;
mod traces;

pub use self::log_filter::LogFilter;
pub(crate) use self::log_throttle::LogThrottle;
pub(crate) use self::logging::constant_message;
pub use self::logging::{LogFormat, LogGuard, init, log_panics};
#[cfg(test)]
pub(crate) use self::logging::{logged, logging};
pub(crate) use self::metrics::mode_name;
pub use self::metrics::{
    BuildInfo, COMMIT, CertificateFile, Dropped, ExemptionEnds, ExemptionUses, Family, Gauges, Label, Loads,
    Metrics, Outcome, ProcessFigures, Refusal, Reload, Review, Task, TenantViolations, VERSION, Watched,
};
#[cfg(feature = "otlp")]
pub use self::traces::Endpoint;
pub(crate) use self::traces::{Sampled, Span};
pub use self::traces::{Sending, Traces};
