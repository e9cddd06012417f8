//! Lists the annotations of Consul on pods.
//!
//! Documented but not listed: keys that register a pod as a service of any name, and that route to others.

use crate::judging::annotations::AllowedValue::Word;
use crate::judging::annotations::Controller;

pub(super) const CONSUL: Controller = Controller {
    prefixes: &["consul.hashicorp.com"],
    keys: &[(
        Word,
        &[
            "connect-inject",
            "connect-inject-status",
            "connect-service-port",
            "enable-metrics",
            "enable-metrics-merging",
            "prometheus-scrape-path",
            "prometheus-scrape-port",
            "service-ignore",
            "service-metrics-path",
            "service-metrics-port",
            "sidecar-proxy-cpu-limit",
            "sidecar-proxy-cpu-request",
            "sidecar-proxy-memory-limit",
            "sidecar-proxy-memory-request",
            "transparent-proxy",
            "transparent-proxy-overwrite-probes",
        ],
    )],
    source: "https://developer.hashicorp.com/consul/docs/reference/k8s/annotation-label",
    ..Controller::EMPTY
};
