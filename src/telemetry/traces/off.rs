//! The build without the feature `otlp`: no value of these types exists, so no code for them is left on the request
//! path.

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::http::HeaderMap;
use partywall_core::{Answer, Entry};

/// Sends no spans.
#[derive(Clone, Debug)]
pub enum Traces {}

/// Would be a review whose caller wants a span.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sampled {}

/// Would be the span of a review under way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Span<'t> {
    #[expect(dead_code, reason = "it has no value")]
    Never(Infallible, PhantomData<&'t Traces>),
}

/// Would be the task that sends spans.
#[derive(Debug)]
pub enum Sending {}

impl Traces {
    pub(crate) fn sampled(&self, _: &HeaderMap) -> Option<Sampled> {
        match *self {}
    }

    pub(crate) fn span(&self, sampled: Sampled) -> Span<'_> {
        match sampled {}
    }
}

impl Span<'_> {
    pub(crate) fn end(self, _: Entry, _: &Answer<'_>) {
        match self {
            Self::Never(never, _) => match never {},
        }
    }
}

impl Sending {
    /// Ends the task.
    pub async fn finish(self) {
        match self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_stored_for_spans_that_are_never_sent() {
        assert_eq!(size_of::<Option<Traces>>(), 0);
        assert_eq!(size_of::<Option<Sampled>>(), 0);
        assert_eq!(size_of::<Option<Span<'_>>>(), 0);
    }
}
