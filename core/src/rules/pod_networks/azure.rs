//! Lists the annotations of Azure on pods.
//!
//! Documented but not listed: identities and networks.

use crate::judging::annotations::AllowedValue::{Parts, Word};
use crate::judging::annotations::Controller;

pub(super) const AZURE_IDENTITY: Controller = Controller {
    prefixes: &["azure.workload.identity"],
    keys: &[
        (Word, &["inject-proxy-sidecar", "proxy-sidecar-port", "service-account-token-expiration"]),
        (Parts, &["skip-containers"]),
    ],
    source: "https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html",
    ..Controller::EMPTY
};

pub(super) const AZURE: Controller = Controller {
    prefixes: &["azure.com", "aadpodidentity.k8s.io", "aadpodidbinding"],
    source: "https://azure.github.io/aad-pod-identity/",
    ..Controller::EMPTY
};
