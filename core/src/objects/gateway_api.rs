//! What the rules read of the Gateway API, and of the Routes of OpenShift.
//!
//! The API's own limits are below those of the lists here, which keep a hostile object from filling the memory, and
//! from claiming more hosts in more places than can be looked at.

use crate::json::{List, Pairs, Text, record};
use crate::objects::metadata::Metadata;
use crate::objects::scheduling::LabelSelector;

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
        /// What it attaches to.
        parent_refs: List<Reference<'a>, 100> = "parentRefs",
        /// Whether it also attaches to the Gateways that are the cluster's default: `All` or `None`.
        use_default_gateways: Text<'a> = "useDefaultGateways",
        /// The hosts; none: those of the listeners it attaches to.
        hostnames: List<Text<'a>, 100> = "hostnames",
        /// Where requests go.
        rules: List<RouteRule<'a>, 100> = "rules",
    }
}

record! {
    /// Where some requests go.
    pub struct RouteRule<'a> {
        /// What happens to them.
        filters: List<Filter<'a>, 100> = "filters",
        /// Where they go.
        backend_refs: List<Backend<'a>, 100> = "backendRefs",
    }
}

record! {
    /// Where requests go, and what happens to those that go there.
    pub struct Backend<'a> {
        /// The group; absent: core.
        group: Text<'a> = "group",
        /// The kind; absent: Service.
        kind: Text<'a> = "kind",
        /// The namespace; absent: the route's own.
        namespace: Text<'a> = "namespace",
        /// The name.
        name: Text<'a> = "name",
        /// What happens to them.
        filters: List<Filter<'a>, 100> = "filters",
    }
}

record! {
    /// What happens to requests on their way.
    pub struct Filter<'a> {
        /// What it does.
        type_: Text<'a> = "type",
        /// Where copies of the requests go.
        request_mirror: Option<Box<Sent<'a>>> = "requestMirror",
        /// Whom the gateway asks whether a request may pass.
        external_auth: Option<Box<Sent<'a>>> = "externalAuth",
        /// An object that says more, in the same namespace.
        extension_ref: Option<Box<Reference<'a>>> = "extensionRef",
    }
}

record! {
    /// A filter that sends something somewhere else.
    pub struct Sent<'a> {
        /// Where it goes.
        backend_ref: Reference<'a> = "backendRef",
    }
}

record! {
    /// A reference to an object that may be in another namespace.
    pub struct Reference<'a> {
        /// The group; what its absence means depends on what refers.
        group: Option<Text<'a>> = "group",
        /// The kind; what its absence means depends on what refers.
        kind: Text<'a> = "kind",
        /// The namespace; absent: that of the object that refers.
        namespace: Text<'a> = "namespace",
        /// The name.
        name: Text<'a> = "name",
        /// The listener of a parent; absent: all of them.
        section_name: Text<'a> = "sectionName",
        /// The port of a parent; 0: all of them.
        port: i64 = "port",
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
    /// The spec of a Gateway, or of a ListenerSet. Who may attach a ListenerSet is not read: it is held to its own.
    pub struct GatewaySpec<'a> {
        /// The class of a Gateway.
        gateway_class_name: Text<'a> = "gatewayClassName",
        /// The Gateway that the listeners of a ListenerSet are for.
        parent_ref: Option<Reference<'a>> = "parentRef",
        /// Its listeners.
        listeners: List<Listener<'a>, 1_000> = "listeners",
        /// The addresses it asks for.
        addresses: List<Address<'a>, 1_000> = "addresses",
        /// What the objects are like that the controller makes of it.
        infrastructure: Infrastructure<'a> = "infrastructure",
        /// How it speaks TLS on all its listeners.
        tls: GatewayTls<'a> = "tls",
        /// How it speaks TLS to backends, as it was written in experiments.
        backend_tls: BackendTls<'a> = "backendTLS",
        /// Whose routes attach to it that name no Gateway: `All` or `None`.
        default_scope: Text<'a> = "defaultScope",
    }
}

record! {
    /// A listener.
    pub struct Listener<'a> {
        /// The host; empty: every host.
        hostname: Text<'a> = "hostname",
        /// The port.
        port: i64 = "port",
        /// The protocol.
        protocol: Text<'a> = "protocol",
        /// How it speaks TLS.
        tls: ListenerTls<'a> = "tls",
        /// Which routes may attach to it.
        allowed_routes: AllowedRoutes<'a> = "allowedRoutes",
    }
}

record! {
    /// How a listener speaks TLS.
    pub struct ListenerTls<'a> {
        /// Its certificates.
        certificate_refs: List<Reference<'a>, 100> = "certificateRefs",
        /// Whose certificates it takes of clients, as it was written in experiments.
        frontend_validation: Validation<'a> = "frontendValidation",
    }
}

record! {
    /// Which routes may attach.
    pub struct AllowedRoutes<'a> {
        /// By their namespaces.
        namespaces: RouteNamespaces<'a> = "namespaces",
    }
}

record! {
    /// The namespaces of routes that may attach.
    pub struct RouteNamespaces<'a> {
        /// `Same` (when absent), `All`, `Selector` or `None`.
        from: Text<'a> = "from",
        /// The namespaces, for `Selector`.
        selector: Option<LabelSelector<'a>> = "selector",
    }
}

record! {
    /// An address that a Gateway asks for.
    pub struct Address<'a> {
        /// What it is; absent: IPAddress.
        type_: Text<'a> = "type",
        /// The address; absent: any of this type.
        value: Text<'a> = "value",
    }
}

record! {
    /// What the objects are like that a controller makes of a Gateway.
    pub struct Infrastructure<'a> {
        /// Their labels.
        labels: Pairs<'a> = "labels",
        /// Their annotations.
        annotations: Pairs<'a> = "annotations",
        /// An object that says more of them.
        parameters_ref: Option<Reference<'a>> = "parametersRef",
    }
}

record! {
    /// How a Gateway speaks TLS on all its listeners.
    pub struct GatewayTls<'a> {
        /// To backends.
        backend: BackendTls<'a> = "backend",
        /// To clients.
        frontend: FrontendTls<'a> = "frontend",
    }
}

record! {
    /// How a Gateway speaks TLS to backends.
    pub struct BackendTls<'a> {
        /// The certificate it shows them.
        client_certificate_ref: Option<Reference<'a>> = "clientCertificateRef",
    }
}

record! {
    /// How a Gateway speaks TLS to clients.
    pub struct FrontendTls<'a> {
        /// On ports of which nothing else is said.
        default: PortTls<'a> = "default",
        /// On some ports.
        per_port: List<PortFrontend<'a>, 1_000> = "perPort",
    }
}

record! {
    /// How a Gateway speaks TLS to clients on a port.
    pub struct PortFrontend<'a> {
        /// So.
        tls: PortTls<'a> = "tls",
    }
}

record! {
    /// How it speaks TLS to clients.
    pub struct PortTls<'a> {
        /// Whose certificates it takes of them.
        validation: Validation<'a> = "validation",
    }
}

record! {
    /// Whose certificates are taken.
    pub struct Validation<'a> {
        /// The authorities.
        ca_certificate_refs: List<Reference<'a>, 100> = "caCertificateRefs",
    }
}

record! {
    /// The spec of a policy, as far as it says what it is about.
    pub struct PolicySpec<'a> {
        /// What it is about, in versions that are older than the list.
        target_ref: Option<Reference<'a>> = "targetRef",
        /// What it is about.
        target_refs: List<Reference<'a>, 1_000> = "targetRefs",
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
        /// What stands before each router's own domain, where there is no host.
        subdomain: Text<'a> = "subdomain",
        /// `None` (when absent), or `Subdomain`: all hosts beside `host` too.
        wildcard_policy: Text<'a> = "wildcardPolicy",
    }
}
