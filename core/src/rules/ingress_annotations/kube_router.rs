//! Knows the annotations of kube-router on Services, which announce addresses to routers, and change how nodes route.
//! None but those that narrow is listed.

use crate::judging::annotations::AllowedValue::Only;
use crate::judging::annotations::Controller;

pub(super) const KUBE_ROUTER: Controller = Controller {
    prefixes: &["kube-router.io"],
    keys: &[
        (
            Only(&["false"]),
            &[
                "service.advertise.clusterip",
                "service.advertise.externalip",
                "service.advertise.loadbalancerip",
                "service.dsr",
                "service.hairpin",
            ],
        ),
        (Only(&["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq"]), &["service.scheduler"]),
        (Only(&["true"]), &["service.local"]),
    ],
    source: "https://www.kube-router.io/docs/user-guide/",
    ..Controller::EMPTY
};
