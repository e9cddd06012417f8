//! The span of a review, and the message in which spans are sent.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode,
};
use partywall_core::api::Mode;
use partywall_core::verdict::{Denial, Undecidable};
use partywall_core::{Answer, Entry};

use super::sampled::Sampled;
use crate::telemetry::{Outcome, VERSION};

/// The longest text of a request that a span repeats.
const LONGEST: usize = 253;

/// The flags of a span that is sampled and has its parent in another process.
const FLAGS: u32 = 0x301;

/// A review that was answered, as far as its span tells: nothing of the object but its kind.
#[derive(Debug)]
pub(super) struct Reviewed {
    sampled: Sampled,
    id: [u8; 8],
    ended: SystemTime,
    endpoint: &'static str,
    verdict: &'static str,
    /// The rules that deny, by their ids.
    denied_by: Vec<&'static str>,
    /// Whether a bug denies, or the decision exhausted its budget.
    is_bug: bool,
    uid: String,
    kind: String,
}

impl Reviewed {
    pub(super) fn new(
        sampled: Sampled,
        id: [u8; 8],
        ended: SystemTime,
        entry: Entry,
        Answer { uid, asked, verdict }: &Answer<'_>,
    ) -> Self {
        let denying = verdict.totals.iter().filter(|total| total.mode == Mode::Deny);
        let outcome = Outcome::of(verdict);
        Self {
            sampled,
            id,
            ended,
            endpoint: entry.path(),
            verdict: outcome.as_str(),
            denied_by: denying.map(|total| total.rule.as_str()).collect(),
            is_bug: verdict.is_exhausted
                || matches!(
                    verdict.denial,
                    Some(Denial::Undecidable(Undecidable::Bug | Undecidable::Exhausted, _))
                ),
            uid: start(uid),
            kind: start(&asked.kind),
        }
    }
}

/// Returns a text, or its start if it is longer than those of honest requests.
fn start(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Returns the message that sends spans.
pub(super) fn message(reviewed: Vec<Reviewed>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope {
        name: "partywall".to_owned(),
        version: VERSION.to_owned(),
        ..Default::default()
    };
    let spans = reviewed.into_iter().map(span).collect();
    let attributes = vec![text("service.name", "partywall"), text("service.version", VERSION)];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes, ..Default::default() }),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..Default::default() }],
            ..Default::default()
        }],
    }
}

fn span(reviewed: Reviewed) -> Span {
    let Reviewed { sampled, id, ended, endpoint, verdict, denied_by, is_bug, uid, kind } = reviewed;
    let mut attributes = vec![
        text("partywall.endpoint", endpoint),
        text("partywall.verdict", verdict),
        text("partywall.uid", uid),
        text("partywall.kind", kind),
    ];
    if !denied_by.is_empty() {
        let values = denied_by.into_iter().map(|rule| any(Value::StringValue(rule.to_owned()))).collect();
        attributes.push(attribute("partywall.denied_by", Value::ArrayValue(ArrayValue { values })));
    }
    Span {
        trace_id: sampled.trace.to_vec(),
        span_id: id.to_vec(),
        parent_span_id: sampled.parent.to_vec(),
        flags: FLAGS,
        name: "review".to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanoseconds(sampled.begun),
        end_time_unix_nano: nanoseconds(ended.max(sampled.begun)),
        attributes,
        status: is_bug.then(|| Status { code: StatusCode::Error.into(), ..Default::default() }),
        ..Default::default()
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..Default::default() }
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}
