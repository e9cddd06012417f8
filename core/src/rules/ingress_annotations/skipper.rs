//! Skipper. It programs its proxy by an API, and not by text.
//!
//! Not listed though documented: what is a route or a filter in itself (`zalando.org/skipper-predicate` and its like).

use super::table::Family;
use super::table::Takes::{Text, Word};

pub(super) const SKIPPER: Family = Family {
    prefixes: &["zalando.org"],
    within: &[],
    keys: &[
        (
            Word,
            &[
                "aws-load-balancer-http2",
                "aws-load-balancer-scheme",
                "aws-load-balancer-ssl-policy",
                "aws-load-balancer-type",
                "skipper-backend-protocol",
                "skipper-ingress-path-mode",
                "skipper-loadbalancer",
            ],
        ),
        (Text, &["backend-weights"]),
    ],
};
