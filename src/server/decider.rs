//! Turns the bytes of a body into the bytes of an answer, and counts and logs the verdict.
//!
//! This module uses no HTTP types, and never waits. `decision_log` writes the lines about a verdict.
//!
//! INVARIANT: every review that has a uid gets an answer with that uid, even if the code that decides panics.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use partywall_core::api::Enforcement;
use partywall_core::review::{Asked, Head};
use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Undecidable, Verdict};
use partywall_core::{Answer, Entry, enforcement, review};
use tokio::time::Instant;

use super::decision_log::{self, DecisionThrottles};
use super::unknown;
use crate::policies::{self, Known, Learned, Reader};
use crate::telemetry::{Metrics, Span};

/// Holds what decisions report to: the metrics, and the throttles of their log lines.
#[derive(Clone, Copy, Debug)]
pub struct Observers<'s> {
    metrics: &'s Metrics,
    throttles: &'s DecisionThrottles,
    /// Takes the span of this review, if its caller wants one.
    span: Option<Span<'s>>,
}

impl<'s> Observers<'s> {
    pub(super) fn new(metrics: &'s Metrics, throttles: &'s DecisionThrottles) -> Self {
        Self { metrics, throttles, span: None }
    }

    /// Adds the span of a review.
    pub(super) fn with_span(self, span: Option<Span<'s>>) -> Self {
        Self { span, ..self }
    }
}

/// Decides about bodies of requests.
///
/// The server is generic over the decider, so that calls need no dynamic dispatch. A running server decides by its
/// policies; benchmarks and tests measure the server with deciders of their own.
pub trait Decider: Send + Sync + 'static {
    /// Returns whether a review that arrives now would be decided.
    fn is_ready(&self) -> bool;

    /// Decides about a body; `None` while there is nothing to decide by.
    fn reply(&self, entry: Entry, body: &[u8], observers: Observers<'_>) -> Option<Reply>;

    /// Decides about a body for the last time: the reply is never [`Reply::Unknown`].
    fn reply_at_last(&self, entry: Entry, body: &[u8], observers: Observers<'_>) -> Option<Reply> {
        self.reply(entry, body, observers)
    }

    /// Returns what tells when to decide anew about what was unknown; `None` if nothing ever is.
    fn learned(&self) -> Option<&Learned> {
        None
    }

    /// Returns the value at which a request is judged that cannot be decided.
    fn enforcement(&self, _: &Asked<'_>) -> Enforcement {
        Enforcement::Deny
    }
}

/// Decides by the policies in the store.
impl Decider for Reader {
    fn is_ready(&self) -> bool {
        self.load().is_some()
    }

    fn reply(&self, entry: Entry, body: &[u8], observers: Observers<'_>) -> Option<Reply> {
        if entry == Entry::ValidatePolicies {
            return Some(self.own_object(body, observers, |answer| {
                if policies::may_change(&answer.verdict) { None } else { Some(answer) }
            }));
        }
        let learned = Self::learned(self);
        self.load().as_ref().map(|snapshot| {
            decide(entry, body, snapshot, observers, |answer| {
                let is_unknown = |learned: &Learned| unknown::is_unknown(entry, &answer, snapshot, learned);
                if learned.is_some_and(is_unknown) { None } else { Some(answer) }
            })
        })
    }

    fn reply_at_last(&self, entry: Entry, body: &[u8], observers: Observers<'_>) -> Option<Reply> {
        if entry == Entry::ValidatePolicies {
            return Some(self.own_object(body, observers, |answer| Some(answer)));
        }
        let learned = Self::learned(self);
        self.load().as_ref().map(|snapshot| {
            decide(entry, body, snapshot, observers, |answer| {
                Some(match learned {
                    Some(learned) => unknown::told(answer, learned),
                    None => answer,
                })
            })
        })
    }

    fn learned(&self) -> Option<&Learned> {
        Self::learned(self)
    }

    fn enforcement(&self, asked: &Asked<'_>) -> Enforcement {
        self.load().as_ref().map_or(Enforcement::Deny, |snapshot| enforcement(asked, snapshot))
    }
}

impl Reader {
    /// Decides about an object of partywall, before there is a snapshot too, since such objects are what it is made of.
    fn own_object(
        &self,
        body: &[u8],
        observers: Observers<'_>,
        known: impl for<'a> FnOnce(Answer<'a>) -> Option<Answer<'a>>,
    ) -> Reply {
        // A probe is no object of anybody's, so nothing is logged or counted of it.
        if let Some(Answer { uid, verdict, .. }) = policies::answer_to_probe(body) {
            return Reply::LastReview(review::encode(&uid, &verdict));
        }
        let review = || {
            let declared = self.declared();
            let objects = match (declared.as_deref(), Self::learned(self)) {
                (Some(declared), _) => Known::Objects(declared),
                (None, Some(_)) => Known::NotYet,
                (None, None) => Known::Files,
            };
            policies::review(body, objects).map(known)
        };
        decide_by(Entry::ValidatePolicies, body, observers, |_| Enforcement::Deny, review)
    }
}

/// The reply to a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// HTTP 200 and a review.
    Review(Vec<u8>),
    /// HTTP 200 and a review, after which the connection takes no other.
    LastReview(Vec<u8>),
    /// HTTP 400 and the reason.
    NotAReview(String),
    /// None yet: what the decider learns in a moment may change it.
    Unknown,
}

/// Decides about a body, and counts and logs the verdict, unless `known` drops it.
fn decide(
    entry: Entry,
    body: &[u8],
    snapshot: &Snapshot,
    observers: Observers<'_>,
    known: impl for<'a> FnOnce(Answer<'a>) -> Option<Answer<'a>>,
) -> Reply {
    let value = |asked: &Asked<'_>| enforcement(asked, snapshot);
    decide_by(entry, body, observers, value, || {
        let answer = partywall_core::answer(entry, body, snapshot);
        answer.map(known)
    })
}

/// Decides about a body by a function, and counts and logs the verdict; without one the reply is unknown.
fn decide_by<'b, E: Display>(
    entry: Entry,
    body: &'b [u8],
    observers: Observers<'_>,
    enforcement: impl Fn(&Asked<'_>) -> Enforcement,
    answer: impl FnOnce() -> Result<Option<Answer<'b>>, E>,
) -> Reply {
    let begun = Instant::now();
    let reply = deny_on_panic(entry, body, observers, enforcement, || match answer() {
        Ok(Some(answer)) => answered(entry, &answer, observers),
        Ok(None) => Reply::Unknown,
        Err(error) => Reply::NotAReview(error.to_string()),
    });
    observers.metrics.review_duration.observe(begun.elapsed().as_secs_f64());
    reply
}

/// Runs `decide`, and denies the review if that panics.
///
/// A bug must neither allow the review nor end its connection.
fn deny_on_panic(
    entry: Entry,
    body: &[u8],
    observers: Observers<'_>,
    enforcement: impl Fn(&Asked<'_>) -> Enforcement,
    decide: impl FnOnce() -> Reply,
) -> Reply {
    // The snapshot is immutable and the metrics are atomics, so an unwinding leaves nothing half-done.
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| bug(entry, body, observers, enforcement))
}

/// Denies a body whose decision panicked.
pub(super) fn bug(
    entry: Entry,
    body: &[u8],
    observers: Observers<'_>,
    enforcement: impl Fn(&Asked<'_>) -> Enforcement,
) -> Reply {
    observers.metrics.panics.inc();
    let message = "partywall met a bug of its own while deciding, so it denies; its log says where";
    undecidable(entry, body, (Undecidable::Bug, message.to_owned()), observers, enforcement)
}

/// Denies a body that is over the limit; `start` is what was kept of it.
pub(super) fn too_large(
    entry: Entry,
    start: &[u8],
    limit: usize,
    observers: Observers<'_>,
    enforcement: impl Fn(&Asked<'_>) -> Enforcement,
) -> Reply {
    let message = format!(
        "the review is larger than {} MiB, so it cannot be judged; shorten the object's annotations, \
         environment variables or managed fields",
        limit >> 20
    );
    undecidable(entry, start, (Undecidable::TooLarge, message), observers, enforcement)
}

/// Allows a review that nobody judged, at an entry without which the API server would go on anyway.
///
/// `start` is what was read of the body; without a uid in it there is no review to answer.
pub(super) fn unjudged(entry: Entry, start: &[u8], why: &str, observers: Observers<'_>) -> Option<Reply> {
    let Head { uid, asked } = review::find_head(start).filter(|_| entry.goes_on_without_answer())?;
    Some(answered(entry, &Answer { uid: uid.into(), asked, verdict: Verdict::unjudged(why) }, observers))
}

/// Denies a review that cannot be decided, or reports that the start of its body has no uid to answer.
fn undecidable(
    entry: Entry,
    start: &[u8],
    (why, message): (Undecidable, String),
    observers: Observers<'_>,
    enforcement: impl Fn(&Asked<'_>) -> Enforcement,
) -> Reply {
    match review::find_head(start) {
        Some(Head { uid, asked }) => {
            let denied = Verdict::undecidable(why, message);
            let verdict = denied.under(enforcement(&asked));
            let verdict = if entry.goes_on_without_answer() { verdict.going_on() } else { verdict };
            answered(entry, &Answer { uid: uid.into(), asked, verdict }, observers)
        }
        None => Reply::NotAReview(format!("{message}; the body has no uid that an answer could carry")),
    }
}

/// Encodes, counts and logs an answer.
fn answered(entry: Entry, answer: &Answer<'_>, observers: Observers<'_>) -> Reply {
    let reply = Reply::Review(review::encode(&answer.uid, &answer.verdict));
    observers.metrics.count(entry, &answer.verdict);
    decision_log::log(entry, answer, observers.throttles);
    if let Some(span) = observers.span {
        span.end(entry, answer);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Outcome, Review};

    const REVIEW: &[u8] =
        br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","object":{}}}"#;

    /// Runs a decision, and returns the reply to it.
    fn reply(entry: Entry, body: &[u8], metrics: &Metrics, decide: impl FnOnce() -> Reply) -> Reply {
        let throttles = DecisionThrottles::new(1);
        let observers = Observers::new(metrics, &throttles);
        deny_on_panic(entry, body, observers, |_| Enforcement::Deny, decide)
    }

    #[test]
    fn l14_a_panic_is_a_denial_with_the_uid_and_is_counted() {
        let metrics = Metrics::new().unwrap();
        let reply = reply(Entry::Validate, REVIEW, &metrics, || panic!("a bug"));
        let Reply::Review(bytes) = reply else { panic!("{reply:?}") };
        let review: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(review["response"]["uid"], "u-1");
        assert_eq!(review["response"]["allowed"], false);
        assert_eq!(review["response"]["status"]["code"], 500);
        assert_eq!(metrics.panics.get(), 1);
        assert_eq!(metrics.reviews.get(Review(Entry::Validate, Outcome::Undecidable)), 1);
    }

    #[test]
    fn where_nothing_is_denied_a_panic_denies_nothing_either() {
        let metrics = Metrics::new().unwrap();
        let throttles = DecisionThrottles::new(1);
        let observers = Observers::new(&metrics, &throttles);
        let bug = || panic!("a bug");
        let reply = deny_on_panic(Entry::Validate, REVIEW, observers, |_| Enforcement::Audit, bug);
        let Reply::Review(bytes) = reply else { panic!("{reply:?}") };
        let review: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(review["response"]["allowed"], true);
        assert_eq!(metrics.panics.get(), 1);
        assert_eq!(metrics.reviews.get(Review(Entry::Validate, Outcome::Unjudged)), 1);
    }

    #[test]
    fn o2_an_exhausted_decision_has_a_line_and_a_count_also_where_it_goes_on() {
        let metrics = Metrics::new().unwrap();
        let throttles = DecisionThrottles::new(1);
        let observers = Observers::new(&metrics, &throttles);
        let asked = || Asked { user: "jane".into(), name: "web".into(), ..Asked::default() };
        let exhausted = Verdict::undecidable(Undecidable::Exhausted, "too much work");
        let verdict = Verdict { is_exhausted: true, ..exhausted.going_on() };
        let unchanged = Verdict { is_exhausted: true, ..Verdict::allow() };
        // A flood of violations takes no line from it.
        while throttles.violations.event().is_some() {}
        let lines = crate::telemetry::logged(|| {
            answered(
                Entry::ValidateTemplates,
                &Answer { uid: "u-1".into(), asked: asked(), verdict },
                observers,
            );
        });
        assert!(lines.contains("WARN") && lines.contains("this is a bug"), "{lines}");
        assert!(lines.contains(r#"user="jane" name="web" allowed=true"#), "{lines}");
        answered(
            Entry::Validate,
            &Answer { uid: "u-2".into(), asked: asked(), verdict: unchanged },
            observers,
        );
        assert_eq!(metrics.exhausted.get(), 2);
    }

    #[test]
    fn a_panic_over_a_body_without_uid_is_a_bad_request() {
        let metrics = Metrics::new().unwrap();
        let reply = reply(Entry::Validate, b"{}", &metrics, || panic!("a bug"));
        assert!(matches!(reply, Reply::NotAReview(_)), "{reply:?}");
        assert_eq!(metrics.panics.get(), 1);
    }

    #[test]
    fn without_a_panic_the_reply_stands() {
        let metrics = Metrics::new().unwrap();
        let as_it_is = || Reply::Review(b"as it is".to_vec());
        assert_eq!(reply(Entry::Mutate, REVIEW, &metrics, as_it_is), as_it_is());
        assert_eq!(metrics.panics.get(), 0);
    }
}
