//! Lists the annotations of Google's clusters on pods.
//!
//! Documented but not listed: networks, interfaces and addresses, and accounts of Google Cloud.

use crate::judging::annotations::AllowedValue::Controllers;
use crate::judging::annotations::Controller;

pub(super) const GOOGLE: Controller = Controller {
    prefixes: &["gke.io", "cloud.google.com", "googleapis.com"],
    keys: &[(Controllers, &["cluster_autoscaler_unhelpable_since", "cluster_autoscaler_unhelpable_until"])],
    source: "https://cloud.google.com/kubernetes-engine/docs/how-to/setup-multinetwork-support-for-pods",
    ..Controller::EMPTY
};
