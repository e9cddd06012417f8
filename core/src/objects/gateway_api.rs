//! Declares the fields that rules read of the Gateway API and of OpenShift's Routes.
//!
//! The lists here have higher limits than the API. They keep a hostile object from filling the memory, and from
//! claiming more hosts than the rules can check.

use serde_json::value::RawValue;

use crate::json::{List, Pairs, Text, borrowed};
use crate::objects::metadata::Metadata;
use crate::objects::scheduling::LabelSelector;

borrowed! {
    /// Holds an HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute, of any served version.
    pub struct Route<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: RouteSpec<'a> = "spec",
    }
}

borrowed! {
    /// Holds the spec of a route.
    pub struct RouteSpec<'a> {
        /// The parents that the route attaches to.
        parent_refs: List<Reference<'a>, 100> = "parentRefs",
        /// `All` if the route also attaches to the cluster's default Gateways, else `None`.
        use_default_gateways: Text<'a> = "useDefaultGateways",
        /// The hosts; without any, the listeners' hosts apply.
        hostnames: List<Text<'a>, 100> = "hostnames",
        /// The rules that route requests.
        rules: List<RouteRule<'a>, 100> = "rules",
    }
}

borrowed! {
    /// Holds a rule of a route.
    pub struct RouteRule<'a> {
        /// The conditions on the requests.
        matches: List<RouteMatch<'a>, 1_000> = "matches",
        /// The filters that apply to the requests.
        filters: List<Filter<'a>, 100> = "filters",
        /// The backends that receive the requests.
        backend_refs: List<Backend<'a>, 100> = "backendRefs",
    }
}

borrowed! {
    /// Holds the conditions of one match.
    pub struct RouteMatch<'a> {
        /// The path of an HTTPRoute.
        path: ValueMatch<'a> = "path",
        /// The headers.
        headers: List<ValueMatch<'a>, 1_000> = "headers",
        /// The parameters of the query.
        query_params: List<ValueMatch<'a>, 1_000> = "queryParams",
        /// The method: a word in an HTTPRoute, a [`GrpcMethod`] in a GRPCRoute.
        method: Option<&'a RawValue> = "method",
    }
}

borrowed! {
    /// Holds the condition on one value.
    pub struct ValueMatch<'a> {
        /// The type: `RegularExpression`, or another in which the value stands for itself.
        type_: Text<'a> = "type",
        /// The name of the header or parameter.
        name: Text<'a> = "name",
        /// The value.
        value: Text<'a> = "value",
    }
}

borrowed! {
    /// Holds the condition on the method of a GRPCRoute.
    pub(crate) struct GrpcMethod<'a> {
        /// The type: `RegularExpression`, or `Exact`.
        type_: Text<'a> = "type",
        /// The service.
        service: Text<'a> = "service",
        /// The method.
        method: Text<'a> = "method",
    }
}

borrowed! {
    /// Holds a filter that changes headers.
    pub struct HeaderFilter<'a> {
        /// The headers to overwrite.
        set: List<ValueMatch<'a>, 1_000> = "set",
        /// The headers to add.
        add: List<ValueMatch<'a>, 1_000> = "add",
        /// The headers to remove.
        remove: List<Text<'a>, 1_000> = "remove",
    }
}

borrowed! {
    /// Holds a filter that redirects requests or rewrites their URLs.
    pub struct UrlFilter<'a> {
        /// The path.
        path: NewPath<'a> = "path",
    }
}

borrowed! {
    /// Holds the path that a filter writes.
    pub struct NewPath<'a> {
        /// The new path.
        full: Text<'a> = "replaceFullPath",
        /// The new prefix, in place of the matched one.
        prefix: Text<'a> = "replacePrefixMatch",
    }
}

borrowed! {
    /// Holds a backend and the filters for it.
    pub struct Backend<'a> {
        /// The group; if absent, core.
        group: Text<'a> = "group",
        /// The kind; if absent, Service.
        kind: Text<'a> = "kind",
        /// The namespace; if absent, the route's own.
        namespace: Text<'a> = "namespace",
        /// The name.
        name: Text<'a> = "name",
        /// The filters that apply to the requests.
        filters: List<Filter<'a>, 100> = "filters",
    }
}

borrowed! {
    /// Holds a filter that applies to requests.
    pub struct Filter<'a> {
        /// The type of the filter.
        type_: Text<'a> = "type",
        /// The changes of the requests' headers.
        request_headers: Option<Box<HeaderFilter<'a>>> = "requestHeaderModifier",
        /// The changes of the responses' headers.
        response_headers: Option<Box<HeaderFilter<'a>>> = "responseHeaderModifier",
        /// The redirect.
        redirect: Option<Box<UrlFilter<'a>>> = "requestRedirect",
        /// The rewritten URL.
        rewrite: Option<Box<UrlFilter<'a>>> = "urlRewrite",
        /// The backend that receives copies of the requests.
        request_mirror: Option<Box<Sent<'a>>> = "requestMirror",
        /// The backend that authorizes requests.
        external_auth: Option<Box<Sent<'a>>> = "externalAuth",
        /// An object of an extension, in the same namespace.
        extension_ref: Option<Box<Reference<'a>>> = "extensionRef",
    }
}

borrowed! {
    /// Holds a filter that sends requests to a backend.
    pub struct Sent<'a> {
        /// The backend.
        backend_ref: Reference<'a> = "backendRef",
    }
}

borrowed! {
    /// Refers to an object that may be in another namespace.
    pub struct Reference<'a> {
        /// The group; the referring field defines its default.
        group: Option<Text<'a>> = "group",
        /// The kind; the referring field defines its default.
        kind: Text<'a> = "kind",
        /// The namespace; if absent, that of the referring object.
        namespace: Text<'a> = "namespace",
        /// The name.
        name: Text<'a> = "name",
        /// The listener of a parent; if absent, all listeners.
        section_name: Text<'a> = "sectionName",
        /// The port of a parent; 0 means all ports.
        port: i64 = "port",
    }
}

borrowed! {
    /// Holds a Gateway or a ListenerSet.
    pub struct Gateway<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: GatewaySpec<'a> = "spec",
        /// The object's status.
        status: GatewayStatus<'a> = "status",
    }
}

borrowed! {
    /// Holds the status of a Gateway.
    pub struct GatewayStatus<'a> {
        /// The addresses, which DNS names are published for.
        addresses: List<Address<'a>, 1_000> = "addresses",
    }
}

borrowed! {
    /// Holds the spec of a Gateway or a ListenerSet.
    ///
    /// The field that says which ListenerSets may attach is not read: the rules judge each ListenerSet by itself.
    pub struct GatewaySpec<'a> {
        /// The class of a Gateway.
        gateway_class_name: Text<'a> = "gatewayClassName",
        /// The Gateway to which a ListenerSet adds its listeners.
        parent_ref: Option<Reference<'a>> = "parentRef",
        /// The listeners.
        listeners: List<Listener<'a>, 1_000> = "listeners",
        /// The requested addresses.
        addresses: List<Address<'a>, 1_000> = "addresses",
        /// The settings of the objects that the controller creates for the Gateway.
        infrastructure: Infrastructure<'a> = "infrastructure",
        /// The TLS settings of all listeners.
        tls: GatewayTls<'a> = "tls",
        /// The TLS settings towards backends, in the experimental form.
        backend_tls: BackendTls<'a> = "backendTLS",
        /// `All` if routes that name no Gateway attach to this one, else `None`.
        default_scope: Text<'a> = "defaultScope",
    }
}

borrowed! {
    /// Holds a listener.
    pub struct Listener<'a> {
        /// The host; empty means every host.
        hostname: Text<'a> = "hostname",
        /// The port.
        port: i64 = "port",
        /// The protocol.
        protocol: Text<'a> = "protocol",
        /// The TLS settings.
        tls: ListenerTls<'a> = "tls",
        /// The routes that may attach.
        allowed_routes: AllowedRoutes<'a> = "allowedRoutes",
    }
}

borrowed! {
    /// Holds the TLS settings of a listener.
    pub struct ListenerTls<'a> {
        /// The certificates.
        certificate_refs: List<Reference<'a>, 100> = "certificateRefs",
        /// Settings that only the implementation knows.
        options: Pairs<'a> = "options",
        /// The validation of client certificates, in the experimental form.
        frontend_validation: Validation<'a> = "frontendValidation",
    }
}

borrowed! {
    /// Selects the routes that may attach.
    pub struct AllowedRoutes<'a> {
        /// The namespaces of the routes.
        namespaces: RouteNamespaces<'a> = "namespaces",
    }
}

borrowed! {
    /// Selects the namespaces of routes that may attach.
    pub struct RouteNamespaces<'a> {
        /// `Same` (the default), `All`, `Selector` or `None`.
        from: Text<'a> = "from",
        /// The selector of namespaces, for `Selector`.
        selector: Option<LabelSelector<'a>> = "selector",
    }
}

borrowed! {
    /// Holds an address that a Gateway requests.
    pub struct Address<'a> {
        /// The type; if absent, IPAddress.
        type_: Text<'a> = "type",
        /// The address; if absent, any of this type.
        value: Text<'a> = "value",
    }
}

borrowed! {
    /// Holds the settings of the objects that a controller creates for a Gateway.
    pub struct Infrastructure<'a> {
        /// The labels of these objects.
        labels: Pairs<'a> = "labels",
        /// The annotations of these objects.
        annotations: Pairs<'a> = "annotations",
        /// An object with further parameters.
        parameters_ref: Option<Reference<'a>> = "parametersRef",
    }
}

borrowed! {
    /// Holds the TLS settings of all listeners of a Gateway.
    pub struct GatewayTls<'a> {
        /// The settings towards backends.
        backend: BackendTls<'a> = "backend",
        /// The settings towards clients.
        frontend: FrontendTls<'a> = "frontend",
    }
}

borrowed! {
    /// Holds the TLS settings of a Gateway towards backends.
    pub struct BackendTls<'a> {
        /// The client certificate for connections to backends.
        client_certificate_ref: Option<Reference<'a>> = "clientCertificateRef",
    }
}

borrowed! {
    /// Holds the TLS settings of a Gateway towards clients.
    pub struct FrontendTls<'a> {
        /// The settings for ports without their own.
        default: PortTls<'a> = "default",
        /// The settings for single ports.
        per_port: List<PortFrontend<'a>, 1_000> = "perPort",
    }
}

borrowed! {
    /// Holds the TLS settings of one port towards clients.
    pub struct PortFrontend<'a> {
        /// The settings.
        tls: PortTls<'a> = "tls",
    }
}

borrowed! {
    /// Holds TLS settings towards clients.
    pub struct PortTls<'a> {
        /// The validation of client certificates.
        validation: Validation<'a> = "validation",
    }
}

borrowed! {
    /// Holds the validation of client certificates.
    pub struct Validation<'a> {
        /// The certificate authorities.
        ca_certificate_refs: List<Reference<'a>, 100> = "caCertificateRefs",
    }
}

borrowed! {
    /// Holds the targets in the spec of a policy.
    pub(crate) struct PolicySpec<'a> {
        /// The target, in versions older than the list.
        target_ref: Option<Reference<'a>> = "targetRef",
        /// The targets.
        target_refs: List<Reference<'a>, 1_000> = "targetRefs",
    }
}

borrowed! {
    /// Holds an OpenShift Route.
    pub struct OpenShiftRoute<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: OpenShiftRouteSpec<'a> = "spec",
        /// The route's status.
        status: OpenShiftRouteStatus<'a> = "status",
    }
}

borrowed! {
    /// Holds the spec of an OpenShift Route.
    pub struct OpenShiftRouteSpec<'a> {
        /// The host; empty means one that the API server derives from the Route's name.
        host: Text<'a> = "host",
        /// The prefix of each router's own domain, if there is no host.
        subdomain: Text<'a> = "subdomain",
        /// `None` (the default), or `Subdomain`, which claims all sibling hosts of `host` too.
        wildcard_policy: Text<'a> = "wildcardPolicy",
        /// The path; empty means all paths.
        path: Text<'a> = "path",
        /// The headers that the router changes.
        http_headers: RouteHeaders<'a> = "httpHeaders",
    }
}

borrowed! {
    /// Holds the headers that a router changes.
    pub struct RouteHeaders<'a> {
        /// The changes.
        actions: RouteHeaderActions<'a> = "actions",
    }
}

borrowed! {
    /// Holds the changes of headers in both directions.
    pub struct RouteHeaderActions<'a> {
        /// The changes in requests.
        request: List<RouteHeader<'a>, 1_000> = "request",
        /// The changes in responses.
        response: List<RouteHeader<'a>, 1_000> = "response",
    }
}

borrowed! {
    /// Holds the change of one header.
    pub struct RouteHeader<'a> {
        /// The name.
        name: Text<'a> = "name",
        /// The change.
        action: RouteHeaderAction<'a> = "action",
    }
}

borrowed! {
    /// Holds what a router does with a header.
    pub struct RouteHeaderAction<'a> {
        /// The new value.
        set: RouteHeaderValue<'a> = "set",
    }
}

borrowed! {
    /// Holds the value of a header.
    pub struct RouteHeaderValue<'a> {
        /// The value.
        value: Text<'a> = "value",
    }
}

borrowed! {
    /// Holds the status of an OpenShift Route.
    pub struct OpenShiftRouteStatus<'a> {
        /// The hosts and addresses that each router serves.
        ingress: List<RouteIngress<'a>, 1_000> = "ingress",
    }
}

borrowed! {
    /// Holds the hosts under which a router serves a Route.
    pub struct RouteIngress<'a> {
        /// The host.
        host: Text<'a> = "host",
        /// The name of the router, which DNS names are published for.
        router_canonical_hostname: Text<'a> = "routerCanonicalHostname",
    }
}
