//! Lists the annotations of Istio on pods, which configure the pod's own proxy.
//!
//! Documented but not listed: keys that choose which networks and addresses the proxy sees
//! (`includeOutboundIPRanges`), and templates that do not come with Istio.

use crate::judging::annotations::AllowedValue::{Any, Only, Ports};
use crate::judging::annotations::Controller;

pub(super) const ISTIO_TRAFFIC: Controller = Controller {
    prefixes: &["traffic.sidecar.istio.io"],
    keys: &[(
        Ports,
        &["excludeInboundPorts", "excludeOutboundPorts", "includeInboundPorts", "includeOutboundPorts"],
    )],
    source: "https://istio.io/latest/docs/reference/config/annotations/",
    ..Controller::EMPTY
};

/// The templates by which Istio's own injector changes pods.
const TEMPLATES: &[&str] = &["gateway", "grpc-agent", "grpc-simple", "sidecar"];

pub(super) const ISTIO: Controller = Controller {
    prefixes: &["istio.io"],
    keys: &[
        (Only(TEMPLATES), &["templates"]),
        (
            Any,
            &[
                "agentLogLevel",
                "applicationPorts",
                "componentLogLevel",
                "config",
                "controlPlaneAuthPolicy",
                "dataplane-mode",
                "enableCoreDump",
                "extraStatTags",
                "failureThreshold",
                "initialDelaySeconds",
                "inject",
                "interceptionMode",
                "logLevel",
                "nativeSidecar",
                "overrides",
                "periodSeconds",
                "port",
                "proxyCPU",
                "proxyCPULimit",
                "proxyImage",
                "proxyImageType",
                "proxyMemory",
                "proxyMemoryLimit",
                "redirection",
                "reroute-virtual-interfaces-off",
                "rev",
                "rewriteAppHTTPProbers",
                "statsCompression",
                "statsHistogramBuckets",
                "statsInclusionPrefixes",
                "statsInclusionRegexps",
                "statsInclusionSuffixes",
                "status",
                "templates-off",
                "userVolume",
                "userVolumeMount",
                "waypoint",
            ],
        ),
    ],
    source: "https://istio.io/latest/docs/reference/config/annotations/",
    ..Controller::EMPTY
};
