//! external-dns, which publishes names. Its hosts are held to the tenant's domains wherever they stand.
//!
//! What it says to a provider about a record is about a name that is the tenant's own.

use super::table::Family;
use super::table::Takes::{Hosts, Object, Plain, Targets};

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
