//! Lists the annotations of Kubernetes itself on pods whose words sound like more.

use crate::judging::annotations::AllowedValue::Word;
use crate::judging::annotations::Controller;

pub(super) const KUBERNETES: Controller = Controller {
    prefixes: &["kubernetes.io"],
    within: &["egress-bandwidth", "ingress-bandwidth"],
    keys: &[(Word, &["egress-bandwidth", "ingress-bandwidth"])],
    source: "https://kubernetes.io/docs/reference/labels-annotations-taints/",
    ..Controller::EMPTY
};
