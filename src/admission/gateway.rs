//! What the rules read of the Gateway API, and of the Routes of OpenShift.

use super::record::{List, Text, record};
use super::workload::Metadata;

record! {
    /// An HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute, of any served version.
    pub struct Route<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: RouteSpec<'a> = "spec",
    }
}

record! {
    /// The spec of a route.
    pub struct RouteSpec<'a> {
        /// The hosts; none: those of the listeners it attaches to.
        hostnames: List<Text<'a>> = "hostnames",
    }
}

record! {
    /// A Gateway, or a ListenerSet.
    pub struct Gateway<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: GatewaySpec<'a> = "spec",
    }
}

record! {
    /// The spec of a Gateway, or of a ListenerSet.
    pub struct GatewaySpec<'a> {
        /// The class of a Gateway.
        gateway_class_name: Text<'a> = "gatewayClassName",
        /// Its listeners.
        listeners: List<Listener<'a>> = "listeners",
    }
}

record! {
    /// A listener.
    pub struct Listener<'a> {
        /// The host; empty: every host.
        hostname: Text<'a> = "hostname",
    }
}

record! {
    /// The Route of OpenShift.
    pub struct OpenShiftRoute<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: OpenShiftRouteSpec<'a> = "spec",
    }
}

record! {
    /// The spec of a Route of OpenShift.
    pub struct OpenShiftRouteSpec<'a> {
        /// The host; empty: the API server makes one of the Route's name.
        host: Text<'a> = "host",
    }
}
