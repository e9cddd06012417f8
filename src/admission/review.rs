//! The wire format, both ways: an AdmissionReview v1 in, an AdmissionReview v1 out.
//!
//! The request is decoded in one pass into borrowed, narrow structs; there is no owned JSON tree. Its kind comes
//! before its object on the wire, so the object is decoded as that kind when it is met; should the order be
//! another, it is kept as raw JSON until the kind is known. The old object stays raw: it is only decoded when
//! the new one violates something.
//!
//! INVARIANT: whatever has a uid is answered with that uid.

mod answer;
mod kind;
mod request;
mod uid;

pub use self::answer::encode;
pub use self::kind::Kind;
pub use self::request::{Object, Operation, Request, User, decode_as, is_without_spec};
pub use self::uid::find_uid;
use thiserror::Error;

use self::request::Undecided;
use super::record::{Cut, Text, record};

/// Why a body got no verdict.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// HTTP 400: there is nothing to answer to.
    #[error("the body is no AdmissionReview of admission.k8s.io/v1 with a uid: {0}")]
    NotAReview(String),
    /// Denied with code 422: the review is one, but what a rule reads of it is not what it should be.
    #[error("{0}")]
    Undecodable(Undecodable),
}

/// A review whose uid is known and whose object does not decode.
#[derive(Debug, Error)]
#[error("`{path}` does not decode: {problem}")]
pub struct Undecodable {
    /// The uid to answer with.
    pub uid: String,
    /// The request's namespace, as far as it could be read.
    pub namespace: String,
    /// The path in the review.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Decodes a review.
pub fn decode(body: &[u8]) -> Result<Request<'_>, DecodeError> {
    match serde_json::from_slice::<Review<'_>>(body) {
        Ok(review) => {
            check(&review.kind, &review.api_version, review.request.uid())?;
            review.request.decide().map_err(DecodeError::Undecodable)
        }
        // Whatever is wrong, find out what can still be said about it; this happens once in a blue moon.
        Err(error) => Err(diagnose(body, &error)),
    }
}

/// What is wrong with a body that does not decode, with the uid if it has one.
fn diagnose(body: &[u8], error: &serde_json::Error) -> DecodeError {
    let Ok(review) = serde_json::from_slice::<UidReview<'_>>(body) else {
        return DecodeError::NotAReview(error.to_string());
    };
    if let Err(error) = check(&review.kind, &review.api_version, &review.request.uid) {
        return error;
    }
    let namespace = serde_json::from_slice::<NamespaceReview<'_>>(body)
        .map(|review| review.request.namespace.to_string())
        .unwrap_or_default();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let (path, problem) = match serde_path_to_error::deserialize::<_, Review<'_>>(&mut deserializer) {
        // Only bytes after the review can have been the trouble.
        Ok(_) => (String::new(), without_position(&error.to_string())),
        Err(error) => (error.path().to_string(), without_position(&error.into_inner().to_string())),
    };
    let path = path.strip_prefix("request.object.").unwrap_or(&path).to_owned();
    DecodeError::Undecodable(Undecodable { uid: review.request.uid.to_string(), namespace, path, problem })
}

/// Whether the outside of a review is one that can be answered.
fn check(kind: &str, api_version: &str, uid: &str) -> Result<(), DecodeError> {
    if kind != "AdmissionReview" || api_version != "admission.k8s.io/v1" {
        return Err(DecodeError::NotAReview(format!(
            "it says kind `{}` and apiVersion `{}`",
            Cut(kind),
            Cut(api_version)
        )));
    }
    if uid.is_empty() {
        return Err(DecodeError::NotAReview("request.uid is missing".to_owned()));
    }
    Ok(())
}

/// serde_json's messages end in a line and column, which mean nothing to whoever reads a denial.
pub(super) fn without_position(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    Cut(message.get(..end).unwrap_or(message)).to_string()
}

record! {
    /// A whole review.
    struct Review<'a> {
        /// `AdmissionReview`.
        kind: Text<'a> = "kind",
        /// `admission.k8s.io/v1`.
        api_version: Text<'a> = "apiVersion",
        /// What is asked.
        request: Undecided<'a> = "request",
    }
}

record! {
    /// A review of which only the uid is read.
    struct UidReview<'a> {
        /// `AdmissionReview`.
        kind: Text<'a> = "kind",
        /// `admission.k8s.io/v1`.
        api_version: Text<'a> = "apiVersion",
        /// What is asked.
        request: UidRequest<'a> = "request",
    }
}

record! {
    /// A request of which only the uid is read.
    struct UidRequest<'a> {
        /// The uid.
        uid: Text<'a> = "uid",
    }
}

record! {
    /// A review of which only the namespace is read.
    struct NamespaceReview<'a> {
        /// What is asked.
        request: NamespaceRequest<'a> = "request",
    }
}

record! {
    /// A request of which only the namespace is read.
    struct NamespaceRequest<'a> {
        /// The namespace.
        namespace: Text<'a> = "namespace",
    }
}
