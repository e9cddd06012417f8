//! Lists the annotations of Istio on Services, Ingresses, Gateways and routes.
//!
//! Documented but not listed: identities of other ServiceAccounts (`alpha.istio.io/kubernetes-serviceaccounts`).

use crate::judging::annotations::AllowedValue::{Only, Word};
use crate::judging::annotations::Controller;

pub(super) const ISTIO: Controller = Controller {
    prefixes: &["istio.io"],
    keys: &[
        (
            Word,
            &[
                "canonical-name",
                "export-to",
                "ingress-use-waypoint",
                "rev",
                "traffic-distribution",
                "use-waypoint",
            ],
        ),
        (Only(&[".", "~", "*"]), &["exportTo"]),
        (Only(&["ClusterIP"]), &["service-type"]),
    ],
    source: "https://istio.io/latest/docs/reference/config/annotations/",
    ..Controller::EMPTY
};
