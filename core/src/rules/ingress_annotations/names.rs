//! external-dns, which publishes names, and cert-manager, which has them certified. Their host-bearing annotations are
//! held to the tenant's domains wherever they stand.
//!
//! Not listed though documented: names in certificates that are no hosts (`ip-sans`, `uri-sans`, `email-sans`,
//! `subject-*`), and what copies a certificate's Secret elsewhere (`secret-template`). What external-dns says to a
//! provider about a record is about a name that is the tenant's own.

use super::table::Family;
use super::table::Takes::{ClusterIssuer, Hosts, IngressClass, Issuer, Object, Plain, Targets};

pub(super) const EXTERNAL_DNS: Family = Family {
    // The last is of its forerunner, which it can be told to read.
    prefixes: &["external-dns.alpha.kubernetes.io", "external-dns.kubernetes.io", "dns.alpha.kubernetes.io"],
    within: &[],
    keys: &[
        (
            Plain,
            &[
                "access",
                "alias",
                "aws-evaluate-target-health",
                "aws-failover",
                "aws-geolocation-continent-code",
                "aws-geolocation-country-code",
                "aws-geolocation-subdivision-code",
                "aws-health-check-id",
                "aws-multi-value-answer",
                "aws-region",
                "aws-weight",
                "cloudflare-proxied",
                "cloudflare-region-key",
                "controller",
                "endpoints-type",
                "exclude",
                "gateway-hostname-source",
                "ingress-hostname-source",
                "set-identifier",
                "ttl",
            ],
        ),
        (Hosts, &["cloudflare-custom-hostname", "external", "internal"]),
        (Targets, &["target"]),
        (Object, &["ingress"]),
    ],
};

/// Gardener's names and certificates.
pub(super) const GARDENER: Family = Family {
    prefixes: &["dns.gardener.cloud", "cert.gardener.cloud"],
    within: &[],
    keys: &[(Plain, &["class", "dnsnames-count", "purpose", "ttl"]), (Hosts, &["commonname", "dnsnames"])],
};

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
