//! What is asked of the API server about the webhook configurations.

use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use kube::core::params::GetParams;
use partywall_core::Phase;
use serde_json::{Value, json};
use thiserror::Error;

use super::decision::Write;
use super::live::{Live, set};
use crate::cluster::installation::{CONFIGURATIONS, REGISTRATION_MANAGER};
use crate::cluster::send::{self, send};

/// The reason why a request failed.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sent(#[from] send::Failure),
    #[error("an object cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// Returns what the API server said when it refused the request.
    pub(super) fn refusal(&self) -> Option<&kube::core::Status> {
        match self {
            Self::Sent(send::Failure::Failed(kube::Error::Api(status))) => Some(status),
            Self::Sent(_) | Self::Json(_) => None,
        }
    }

    /// Returns the status code with which the API server refused the request.
    pub(super) fn code(&self) -> Option<u16> {
        self.refusal().map(|status| status.code)
    }
}

/// Reads a configuration.
pub(super) async fn read(client: &Client, phase: Phase) -> Result<Option<Live>, Failure> {
    get(client, Request::new(path(phase)).get(CONFIGURATIONS, &GetParams::default())).await
}

/// Reads the resource version of a configuration, and nothing of what may be large in it.
pub(super) async fn read_version(client: &Client, phase: Phase) -> Result<Option<String>, Failure> {
    let request = Request::new(path(phase)).get_metadata(CONFIGURATIONS, &GetParams::default());
    Ok(get(client, request).await?.map(|live| live.version().to_owned()))
}

async fn get(client: &Client, request: send::Request) -> Result<Option<Live>, Failure> {
    match send(client, request).await {
        Ok(object) => Ok(Some(Live(object))),
        Err(failure) if failure.code() == Some(404) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Applies or replaces a configuration, and returns what became of it. If it has changed since it was read, the API
/// server answers 409; where none was read, one that somebody made since is written over.
pub(super) async fn write(client: &Client, write: &Write) -> Result<Live, Failure> {
    let resource = Request::new(path(write.phase));
    let request = match &write.replacement {
        None => {
            let params = PatchParams::apply(REGISTRATION_MANAGER).force();
            let mut meant = write.meant.clone();
            if let (Some(metadata), Some(version)) = (meant.get_mut("metadata"), &write.version) {
                set(metadata, "resourceVersion", json!(version));
            }
            resource.patch(CONFIGURATIONS, &params, &Patch::Apply(&meant))
        }
        Some(object) => {
            let params =
                PostParams { field_manager: Some(REGISTRATION_MANAGER.to_owned()), ..PostParams::default() };
            resource.replace(CONFIGURATIONS, &params, serde_json::to_vec(object)?)
        }
    };
    Ok(Live(send(client, request).await?))
}

/// Creates an Exemption in dry run, so that nothing is stored whatever the answer is.
pub(super) async fn try_exemption(client: &Client, exemption: &Value) -> Result<Value, Failure> {
    let params = PostParams { dry_run: true, field_manager: Some(REGISTRATION_MANAGER.to_owned()) };
    let resource = Request::new("/apis/partywall.dev/v1alpha1/exemptions");
    Ok(send(client, resource.create(&params, serde_json::to_vec(exemption)?)).await?)
}

const fn path(phase: Phase) -> &'static str {
    match phase {
        Phase::Mutate => "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        Phase::Validate => "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    }
}
