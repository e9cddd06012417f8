//! Decodes AdmissionReviews v1 from the API server, and encodes the answers.
//!
//! The decoder reads the request in one pass into structs that borrow from the body, without an owned JSON tree. On
//! the wire the kind comes before the object, so the decoder decodes the object as that kind at once; in any other
//! order it keeps the object as raw JSON until it knows the kind. The old object stays raw: admission decodes it only
//! if the new one violates a rule, and for a pod that names a node it looks up only the node.
//!
//! INVARIANT: every answer to a body with a uid carries that uid.

mod answer;
pub mod compose;
mod head;
mod node;
mod request;
mod unchanged;

pub use self::answer::encode;
pub use self::head::{Head, find_head, find_uid};
pub(crate) use self::node::is_gated;
pub use self::node::node_of;
pub use self::request::{Asked, Operation, Request, Undecodable, User};
pub(crate) use self::unchanged::is_unchanged;
use thiserror::Error;

use self::request::RawRequest;
use crate::json::reader::{self, Refused};
use crate::json::{Escaped, InPlace, Text, borrowed, without_position};
use crate::objects::kinds::shape_of;
use crate::objects::object::FieldError;
use crate::work;

/// Reports that a body is not an AdmissionReview with a uid.
///
/// No answer can refer to it, so the server responds with HTTP 400.
#[derive(Debug, Error)]
#[error("the body is no AdmissionReview of admission.k8s.io/v1 with a uid: {problem}")]
pub struct NotAReview {
    /// The reason.
    pub problem: String,
}

/// Tells why a body got no verdict.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The body has no uid that an answer could carry.
    #[error(transparent)]
    NotAReview(#[from] NotAReview),
    /// The body is a review, but a field that a rule reads does not decode; the answer has code 422.
    #[error("{0}")]
    Undecodable(Undecodable),
}

/// Decodes a review.
pub fn decode(body: &[u8]) -> Result<Request<'_>, DecodeError> {
    let mut review = Review::default();
    match reader::from_slice(InPlace(&mut review), body) {
        Ok(true) => {
            check(&review.kind, &review.api_version, review.request.uid())?;
            review.request.decode().map_err(DecodeError::Undecodable)
        }
        // The body is invalid or `null`. The diagnosis is slower, but API servers rarely send such bodies, and its
        // cost is linear too, since a tenant can cause them at will.
        Ok(false) | Err(Refused) => Err(diagnose(body)),
    }
}

/// Runs a decision about a body within its budget, and returns whether that is exhausted.
pub(crate) fn within_budget<R>(body: &[u8], decide: impl FnOnce() -> R) -> (R, bool) {
    let (result, spent) = work::within(body.len(), decide);
    (result, spent.is_exhausted())
}

/// Returns the problem of a body that does not decode, with the uid if there is one.
fn diagnose(body: &[u8]) -> DecodeError {
    let FieldError { path, problem } = match str::from_utf8(body) {
        // What the lists of the first attempt took does not count, or the problem would be found elsewhere.
        Ok(text) => work::within(body.len(), || find_trouble(text)).0,
        Err(error) => FieldError { path: String::new(), problem: error.to_string() },
    };
    let Ok(review) = serde_json::from_slice::<UidReview<'_>>(body) else {
        return NotAReview { problem }.into();
    };
    if let Err(error) = check(&review.kind, &review.api_version, &review.request.uid) {
        return error.into();
    }
    // What does not decode hides nothing but itself: each field is read as if it were the only one.
    let asked = Box::new(head::find_asked(body));
    let shape = shape_of(&asked.group, &asked.kind);
    let problem = without_position(&problem);
    let path = path.strip_prefix("request.object.").unwrap_or(&path).to_owned();
    DecodeError::Undecodable(Undecodable { uid: review.request.uid.to_string(), shape, asked, path, problem })
}

/// Returns the path at which a text does not decode, and the problem.
fn find_trouble(text: &str) -> FieldError {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, Review<'_>>(&mut deserializer) {
        Err(error) => FieldError { path: error.path().to_string(), problem: error.into_inner().to_string() },
        // The review decodes, so the problem is in the text after it.
        Ok(_) => FieldError {
            path: String::new(),
            problem: deserializer.end().err().map_or_else(String::new, |error| error.to_string()),
        },
    }
}

/// Checks that an answer to the review is possible: its kind, its version and its uid.
fn check(kind: &str, api_version: &str, uid: &str) -> Result<(), NotAReview> {
    if kind != "AdmissionReview" || api_version != "admission.k8s.io/v1" {
        let problem = format!("it says kind `{}` and apiVersion `{}`", Escaped(kind), Escaped(api_version));
        return Err(NotAReview { problem });
    }
    if uid.is_empty() {
        return Err(NotAReview { problem: "request.uid is missing".to_owned() });
    }
    Ok(())
}

borrowed! {
    /// Holds a whole review.
    struct Review<'a> {
        /// `AdmissionReview`.
        kind: Text<'a> = "kind",
        /// `admission.k8s.io/v1`.
        api_version: Text<'a> = "apiVersion",
        /// The request.
        request: RawRequest<'a> = "request",
    }
}

borrowed! {
    /// Holds only the uid of a review.
    struct UidReview<'a> {
        /// `AdmissionReview`.
        kind: Text<'a> = "kind",
        /// `admission.k8s.io/v1`.
        api_version: Text<'a> = "apiVersion",
        /// The request.
        request: UidRequest<'a> = "request",
    }
}

borrowed! {
    /// Holds only the uid of a request.
    struct UidRequest<'a> {
        /// The uid.
        uid: Text<'a> = "uid",
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    const RECORDED: [&str; 6] = [
        include_str!("../../tests/fixtures/reviews/mutate-create-pods-own-affinity.json"),
        include_str!("../../tests/fixtures/reviews/mutate-update-pods-ephemeralcontainers-plain.json"),
        include_str!("../../tests/fixtures/reviews/validate-create-cronjobs-nightly.json"),
        include_str!("../../tests/fixtures/reviews/validate-create-certificates-foreign.json"),
        include_str!("../../tests/fixtures/reviews/validate-connect-pods-exec-plain.json"),
        include_str!("../../tests/fixtures/reviews/validate-update-pods-plain.json"),
    ];

    /// Returns a review as the reader decodes it, and as serde_json does.
    fn both(body: &[u8]) -> [Option<String>; 2] {
        let read = |review: Review<'_>| format!("{review:?}");
        [reader::from_slice(PhantomData, body).ok().map(read), serde_json::from_slice(body).ok().map(read)]
    }

    #[test]
    fn m9_recorded_reviews_and_their_beginnings_are_what_they_are_to_serde_json() {
        for recorded in RECORDED {
            let [ours, theirs] = both(recorded.as_bytes());
            assert!(ours.is_some() && ours == theirs, "{ours:?} {theirs:?}");
            for end in 0..recorded.trim_end().len() {
                assert_eq!(both(&recorded.as_bytes()[..end]), [None, None], "{end}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn m9_a_review_that_was_meddled_with_is_what_it_is_to_serde_json(
            recorded in select(&RECORDED[..]),
            places in prop::collection::vec((any::<Index>(), any::<Index>(), 0_usize..3), 1..4),
        ) {
            let mut body = recorded.as_bytes().to_vec();
            for (at, from, removed) in places {
                // The test inserts bytes of the review itself, so that many of the results are still JSON.
                let from = from.index(body.len());
                let taken: Vec<u8> = body.iter().skip(from).take(1 + removed).copied().collect();
                let at = at.index(body.len());
                let end = body.len().min(at + removed);
                body.splice(at..end, taken);
            }
            if str::from_utf8(&body).is_ok() {
                let [ours, theirs] = both(&body);
                prop_assert_eq!(ours, theirs);
            } else {
                prop_assert!(reader::from_slice(PhantomData::<Review<'_>>, &body).is_err());
            }
        }
    }
}
