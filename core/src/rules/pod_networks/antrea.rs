//! Lists the annotations of Antrea on pods; its agent writes the one that is listed.
//!
//! Documented but not listed: keys that choose pools, addresses and egress.

use crate::judging::annotations::Controller;

pub(super) const ANTREA: Controller = Controller {
    prefixes: &["antrea.io"],
    source: "https://antrea.io/docs/main/docs/antrea-ipam/",
    ..Controller::EMPTY
};
