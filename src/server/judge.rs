//! From the bytes of a body to the bytes of an answer, and what is counted and logged of it.
//!
//! No HTTP here, and nothing to wait for.
//!
//! INVARIANT: whatever has a uid gets a review with that uid, also when the code that decides has a bug.

use std::panic::{AssertUnwindSafe, catch_unwind};

use partywall_core::tenancy::Snapshot;
use partywall_core::verdict::{Denial, Verdict};
use partywall_core::{Answer, Phase, review};
use tokio::time::Instant;
use tracing::{debug, info};

use super::log_limits::Burst;
use crate::policies::Reader;
use crate::telemetry::Metrics;

/// Where it is told what was decided.
#[derive(Clone, Copy)]
pub(super) struct Told<'s> {
    pub(super) metrics: &'s Metrics,
    /// Limits the lines of the log that denials are.
    pub(super) denials: &'s Burst,
}

/// What decides about bodies.
#[derive(Clone, Debug)]
pub enum Judge {
    /// The policies that hold.
    Policies(Reader),
    /// Something that partywall is measured against, behind the same listener, TLS and HTTP: what it makes of a body
    /// is the answer.
    Instead(fn(Phase, &[u8]) -> Vec<u8>),
}

impl Judge {
    /// Whether a review sent now would be decided.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Policies(snapshots) => snapshots.load().is_some(),
            Self::Instead(_) => true,
        }
    }

    /// What a body gets; nothing if there are no policies yet.
    pub(super) fn reply(&self, phase: Phase, body: &[u8], told: Told<'_>) -> Option<Reply> {
        match self {
            Self::Policies(snapshots) => {
                snapshots.load().as_ref().map(|snapshot| settle(phase, body, snapshot, told))
            }
            Self::Instead(answer) => Some(Reply::Review(answer(phase, body))),
        }
    }
}

/// What a body gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// HTTP 200 and a review.
    Review(Vec<u8>),
    /// HTTP 400 and why.
    NotAReview(String),
}

/// Decides a body, and counts and logs what it got.
fn settle(phase: Phase, body: &[u8], snapshot: &Snapshot, told: Told<'_>) -> Reply {
    let begun = Instant::now();
    let reply = guarded(phase, body, told, || match partywall_core::answer(phase, body, snapshot) {
        Ok(answer) => answered(phase, &answer, told),
        Err(problem) => Reply::NotAReview(problem),
    });
    told.metrics.review_duration.observe(begun.elapsed().as_secs_f64());
    reply
}

/// Runs `decide`; if that panics, the review is denied. A panic is a bug, but not one that may open the wall,
/// nor one that may break the connection of other reviews.
fn guarded(phase: Phase, body: &[u8], told: Told<'_>, decide: impl FnOnce() -> Reply) -> Reply {
    // The snapshot is immutable and the metrics are atomics: nothing is left half-done behind an unwinding.
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| bug(phase, body, told))
}

/// Denies a body over which something panicked.
pub(super) fn bug(phase: Phase, body: &[u8], told: Told<'_>) -> Reply {
    told.metrics.panics.inc();
    let message = "partywall met a bug of its own while deciding, so it denies; its log says where";
    undecidable(phase, body, 500, message.to_owned(), told)
}

/// Denies a body that is over the limit.
pub(super) fn too_large(phase: Phase, start: &[u8], limit: usize, told: Told<'_>) -> Reply {
    let message = format!(
        "the review is larger than {} MiB, so it cannot be judged; shorten the object's annotations, \
         environment or managed fields",
        limit >> 20
    );
    undecidable(phase, start, 413, message, told)
}

/// Denies what cannot be decided, if a uid is found to answer to.
fn undecidable(phase: Phase, start: &[u8], code: u16, message: String, told: Told<'_>) -> Reply {
    match review::find_uid(start) {
        Some(uid) => {
            answered(phase, &Answer { uid: uid.into(), verdict: Verdict::undecidable(code, message) }, told)
        }
        None => Reply::NotAReview(format!("{message}; it has no uid that could be answered to")),
    }
}

/// Encodes, counts and logs an answer.
fn answered(phase: Phase, answer: &Answer<'_>, told: Told<'_>) -> Reply {
    let reply = Reply::Review(review::encode(&answer.uid, &answer.verdict));
    told.metrics.count(phase, &answer.verdict);
    log(phase, answer, told.denials);
    reply
}

/// One line for a denial: whose, and by which rules, but never what was in the object.
fn log(phase: Phase, Answer { uid, verdict }: &Answer<'_>, denials: &Burst) {
    let uid = &**uid;
    let endpoint = match phase {
        Phase::Mutate => "mutate",
        Phase::Validate => "validate",
    };
    // Anybody can have many denied: they are counted, but not all of them are told.
    let left_out = match &verdict.denial {
        Some(_) => match denials.happened() {
            Some(left_out) => (left_out > 0).then_some(left_out),
            None => return,
        },
        None => None,
    };
    match &verdict.denial {
        Some(Denial::Forbidden) => {
            let mut rules: Vec<_> =
                verdict.violations.iter().map(|violation| violation.rule.as_str()).collect();
            rules.dedup();
            let field = verdict.violations.first().map_or("", |violation| violation.field.as_str());
            let violations = verdict.violations.len() + verdict.more();
            let rules = rules.join(",");
            info!(uid, endpoint, whose = verdict.whose, rules, violations, field, left_out, "denied");
        }
        Some(Denial::Undecidable(code, message)) => {
            // What follows a colon may quote a value of the object.
            let why = message.split(": ").next();
            info!(uid, endpoint, code, why, left_out, "denied, for it cannot be decided");
        }
        None if !verdict.exempted.is_empty() => {
            debug!(uid, endpoint, exemptions = verdict.exempted.join(","), "allowed by exemption");
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Outcome, Review};

    const REVIEW: &[u8] =
        br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","object":{}}}"#;

    #[test]
    fn l14_a_panic_is_a_denial_with_the_uid_and_is_counted() {
        let metrics = Metrics::new().unwrap();
        let reply =
            guarded(Phase::Validate, REVIEW, Told { metrics: &metrics, denials: &Burst::new(1) }, || {
                panic!("a bug")
            });
        let Reply::Review(bytes) = reply else { panic!("{reply:?}") };
        let review: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(review["response"]["uid"], "u-1");
        assert_eq!(review["response"]["allowed"], false);
        assert_eq!(review["response"]["status"]["code"], 500);
        assert_eq!(metrics.panics.get(), 1);
        assert_eq!(metrics.reviews.get(Review(Phase::Validate, Outcome::Undecidable)), 1);
    }

    #[test]
    fn a_panic_over_a_body_without_uid_is_a_bad_request() {
        let metrics = Metrics::new().unwrap();
        let reply =
            guarded(Phase::Validate, b"{}", Told { metrics: &metrics, denials: &Burst::new(1) }, || {
                panic!("a bug")
            });
        assert!(matches!(reply, Reply::NotAReview(_)), "{reply:?}");
        assert_eq!(metrics.panics.get(), 1);
    }

    #[test]
    fn without_a_panic_the_reply_stands() {
        let metrics = Metrics::new().unwrap();
        let reply = || Reply::Review(b"as it is".to_vec());
        assert_eq!(
            guarded(Phase::Mutate, REVIEW, Told { metrics: &metrics, denials: &Burst::new(1) }, reply),
            reply()
        );
        assert_eq!(metrics.panics.get(), 0);
    }
}
