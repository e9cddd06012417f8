//! The flag by which `partywall serve` sends spans to a collector.

use crate::telemetry::{Metrics, Sending, Traces};

/// The flag about traces, of builds with the feature `otlp`.
#[derive(Debug, clap::Args)]
pub(super) struct TraceArgs {
    /// Send a span of each review that the API server's trace samples, in OTLP over HTTP, to this URL, such as
    /// http://collector.tracing:4318/v1/traces. Absent: no traces.
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "URL", env = "PARTYWALL_TRACES_ENDPOINT")]
    traces_endpoint: Option<crate::telemetry::Endpoint>,
}

impl TraceArgs {
    /// Starts to send spans, if there is an address for them.
    #[cfg(feature = "otlp")]
    pub(super) fn start(self, metrics: &Metrics) -> anyhow::Result<(Option<Traces>, Option<Sending>)> {
        let Some(endpoint) = self.traces_endpoint else { return Ok((None, None)) };
        let (traces, sending) = Traces::send_to(endpoint, metrics)?;
        Ok((Some(traces), Some(sending)))
    }

    /// Sends nothing.
    #[cfg(not(feature = "otlp"))]
    pub(super) fn start(self, _: &Metrics) -> anyhow::Result<(Option<Traces>, Option<Sending>)> {
        Ok((None, None))
    }
}
