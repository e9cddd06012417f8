//! Lists the annotations of Consul on Services. They register a Service under any name in a catalogue that all
//! tenants read.

use crate::judging::annotations::AllowedValue::Only;
use crate::judging::annotations::Controller;

pub(super) const CONSUL: Controller = Controller {
    prefixes: &["consul.hashicorp.com"],
    keys: &[
        (Only(&["false"]), &["connect-inject", "service-sync", "transparent-proxy"]),
        (Only(&["true"]), &["service-ignore"]),
    ],
    source: "https://developer.hashicorp.com/consul/docs/reference/k8s/annotation-label",
    ..Controller::EMPTY
};
