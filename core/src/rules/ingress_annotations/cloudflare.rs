//! Knows the annotations of controllers of Cloudflare's tunnels and names. None is listed.

use crate::judging::annotations::Controller;

pub(super) const CLOUDFLARE: Controller = Controller {
    prefixes: &[
        "cloudflare.com",
        "cloudflare-tunnel-ingress-controller.strrl.dev",
        "cfargotunnel.com",
        "cloudflare-operator.io",
    ],
    source: "https://github.com/STRRL/cloudflare-tunnel-ingress-controller",
    ..Controller::EMPTY
};
