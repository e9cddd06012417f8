//! Knows the annotations of Tailscale's operator, which opens a Service to a network of its own. None is listed.

use crate::judging::annotations::Controller;

pub(super) const TAILSCALE: Controller = Controller {
    prefixes: &["tailscale.com"],
    source: "https://tailscale.com/kb/1445/kubernetes-operator-customization",
    ..Controller::EMPTY
};
