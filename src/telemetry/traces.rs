//! Spans of reviews for a collector, with the feature `otlp`; without it, the types have no values.
//!
//! The API server samples: only a review whose `traceparent` it marked as sampled has a span, as a child of the API
//! server's own.
//!
//! INVARIANT: no review waits for the collector, and none fails because of it.

#[cfg(feature = "otlp")]
mod collector;
#[cfg(not(feature = "otlp"))]
mod off;
#[cfg(feature = "otlp")]
mod queue;
#[cfg(feature = "otlp")]
mod sampled;
#[cfg(feature = "otlp")]
mod span;

#[cfg(feature = "otlp")]
pub use self::collector::Endpoint;
#[cfg(not(feature = "otlp"))]
pub(crate) use self::off::{Sampled, Span};
#[cfg(not(feature = "otlp"))]
pub use self::off::{Sending, Traces};
#[cfg(feature = "otlp")]
pub(crate) use self::queue::Span;
#[cfg(feature = "otlp")]
pub use self::queue::{Sending, Traces};
#[cfg(feature = "otlp")]
pub(crate) use self::sampled::Sampled;
