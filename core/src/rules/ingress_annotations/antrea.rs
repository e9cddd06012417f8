//! Knows the annotations of Antrea on Services: they choose pools of addresses, and open ports of nodes. None is
//! listed.

use crate::judging::annotations::Controller;

pub(super) const ANTREA: Controller = Controller {
    prefixes: &["antrea.io"],
    source: "https://antrea.io/docs/main/docs/service-loadbalancer/",
    ..Controller::EMPTY
};
