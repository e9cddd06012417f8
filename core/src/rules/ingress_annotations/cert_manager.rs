//! cert-manager, which has names certified. Its hosts are held to the tenant's domains wherever they stand.
//!
//! Not listed though documented: names in certificates that are no hosts (`ip-sans`, `uri-sans`, `email-sans`,
//! `subject-*`), and what copies a certificate's Secret elsewhere (`secret-template`).

use super::table::Family;
use super::table::Takes::{ClusterIssuer, IngressClass, Issuer, Plain};

pub(super) const CERT_MANAGER: Family = Family {
    prefixes: &["cert-manager.io", "acme.cert-manager.io", "certmanager.k8s.io", "venafi.cert-manager.io"],
    within: &[],
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
};
