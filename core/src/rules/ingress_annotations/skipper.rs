//! Lists the annotations of Skipper, which configures its proxy by an API and not by text.
//!
//! Documented but not listed: keys that hold routes or filters (`zalando.org/skipper-predicate` and similar keys).

use crate::judging::annotations::AllowedValue::{Text, Word};
use crate::judging::annotations::Controller;

pub(super) const SKIPPER: Controller = Controller {
    prefixes: &["zalando.org"],
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
    source: "https://opensource.zalando.com/skipper/kubernetes/ingress-usage/",
    ..Controller::EMPTY
};
