//! Lists the annotations of AWS on pods.
//!
//! Documented but not listed: networks, security groups and addresses, and roles of other projects' agents (kube2iam,
//! kiam).

use crate::judging::annotations::AllowedValue::{Controllers, Word};
use crate::judging::annotations::Controller;

pub(super) const AWS: Controller = Controller {
    prefixes: &["amazonaws.com", "k8s.aws"],
    keys: &[
        (Word, &["skip-containers", "sts-regional-endpoints", "token-expiration"]),
        (Controllers, &["PrivateIPv4Address", "pod-eni", "pod-ips"]),
    ],
    source: "https://github.com/aws/amazon-eks-pod-identity-webhook",
    ..Controller::EMPTY
};

pub(super) const KIAM: Controller = Controller {
    prefixes: &["iam.amazonaws.com"],
    source: "https://github.com/jtblin/kube2iam",
    ..Controller::EMPTY
};
