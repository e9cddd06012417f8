//! Lists the annotations of cert-manager; the tenant must own their hosts on every kind.
//!
//! Documented but not listed: names in certificates other than hosts (`ip-sans`, `uri-sans`, `email-sans`,
//! `subject-*`), and the key that copies a certificate's Secret elsewhere (`secret-template`).

use crate::judging::annotations::AllowedValue::{ClusterIssuer, IngressClass, Issuer, Plain};
use crate::judging::annotations::Controller;

pub(super) const CERT_MANAGER: Controller = Controller {
    prefixes: &["cert-manager.io", "acme.cert-manager.io", "certmanager.k8s.io", "venafi.cert-manager.io"],
    keys: &[
        (
            Plain,
            &[
                "acme-challenge-type",
                "acme-http01-edit-in-place",
                "duration",
                "http01-edit-in-place",
                "issue-temporary-certificate",
                "issuer-group",
                "issuer-kind",
                "private-key-algorithm",
                "private-key-encoding",
                "private-key-rotation-policy",
                "private-key-size",
                "renew-before",
                "renew-before-percentage",
                "revision-history-limit",
                "usages",
            ],
        ),
        (ClusterIssuer, &["cluster-issuer"]),
        (Issuer, &["issuer", "issuer-name"]),
        (IngressClass, &["http01-ingress-class", "http01-ingress-ingressclassname"]),
    ],
    source: "https://cert-manager.io/docs/reference/annotations/",
    ..Controller::EMPTY
};
