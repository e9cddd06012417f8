//! Knows the annotations of Equinix Metal's controller: they name addresses, networks and BGP peers. None is listed.

use crate::judging::annotations::Controller;

pub(super) const EQUINIX: Controller = Controller {
    prefixes: &["metal.equinix.com"],
    source: "https://github.com/kubernetes-sigs/cloud-provider-equinix-metal",
    ..Controller::EMPTY
};
