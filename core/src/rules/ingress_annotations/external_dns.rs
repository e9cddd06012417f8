//! Lists the annotations of external-dns; the tenant must own their hosts on every kind.
//!
//! The other keys pass settings of a record to the DNS provider, for a name that the tenant owns.

use crate::judging::annotations::AllowedValue::{Hosts, Object, Plain, Targets};
use crate::judging::annotations::Controller;

pub(super) const EXTERNAL_DNS: Controller = Controller {
    prefixes: &["external-dns.alpha.kubernetes.io", "external-dns.kubernetes.io", "dns.alpha.kubernetes.io"],
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
    is_read_of_all_kinds: true,
    source: "https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/",
    ..Controller::EMPTY
};
