//! Sends a request to the API server, and gives up on it in time.

use std::time::Duration;

use kube::Client;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::timeout;

use super::failure::code;

/// How long a request may take.
const ANSWER: Duration = Duration::from_secs(10);

/// A request, or the reason why it could not be written.
pub(super) type Request = Result<axum::http::Request<Vec<u8>>, kube::core::request::Error>;

/// The reason why a request had no effect.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("no answer in time")]
    Silent,
    #[error("{}", message(_0))]
    Failed(#[from] kube::Error),
    #[error(transparent)]
    Request(#[from] kube::core::request::Error),
}

impl Failure {
    /// Returns whether the API server did not answer, so that it may have done what it was asked.
    pub(super) const fn is_silence(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Failed(error) => !matches!(error, kube::Error::Api(_)),
            Self::Request(_) => false,
        }
    }

    /// Returns the status code with which the API server refused the request.
    pub(super) fn code(&self) -> Option<u16> {
        let Self::Failed(error) = self else { return None };
        code(error)
    }
}

/// Sends a request, and decodes the answer.
pub(super) async fn send<T: DeserializeOwned>(client: &Client, request: Request) -> Result<T, Failure> {
    Ok(timeout(ANSWER, client.request::<T>(request?)).await.map_err(|_| Failure::Silent)??)
}

/// Returns what the API server says of an error, in one line.
fn message(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error
        && !status.message.is_empty()
    {
        return status.message.clone();
    }
    error.to_string()
}
