//! Judges the routes of the Gateway API.

use std::fmt;

use super::RouteCheck;
use super::references::{Parent, ParentKind};
use crate::json::Escaped;
use crate::objects::gateway_api::{Filter, RouteSpec};

/// Names where a claim is made: the same claim in another place is another claim.
enum Attachment<'r, 'a> {
    At(Parent<'r, 'a>),
    /// The Gateways that are the cluster's default.
    Default,
    Nowhere,
}

impl fmt::Display for Attachment<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(parent) => parent.fmt(f),
            Self::Default => f.write_str("default Gateways"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

/// Filters that are known to reach only the tenant's own hosts and backends.
const FILTERS: [&str; 9] = [
    "CORS",
    "DirectResponse",
    "ExtensionRef",
    "ExternalAuth",
    "RequestHeaderModifier",
    "RequestMirror",
    "RequestRedirect",
    "ResponseHeaderModifier",
    "URLRewrite",
];

impl<'j> RouteCheck<'j, '_> {
    /// Judges an HTTPRoute, GRPCRoute or TLSRoute.
    pub(super) fn route(&mut self, spec: &RouteSpec<'_>) {
        self.attachments(spec);
        let place = self.place(spec);
        for (index, host) in spec.hostnames.iter().enumerate() {
            let field = format_args!("spec.hostnames[{index}]");
            self.claims.host_and_below(&field, &format_args!("hostname {place}"), host);
        }
        if spec.hostnames.is_empty() && !self.is_in_mesh(spec) {
            let problem = "without hostnames the route claims every host of its listeners";
            self.claims.report(&"spec.hostnames", &problem, &format_args!("no hostnames {place}"));
        }
        self.rules(spec);
    }

    /// Judges a TCPRoute or UDPRoute, which may be for connections to the tenant's own Services.
    pub(super) fn port_route(&mut self, spec: &RouteSpec<'_>) {
        if !self.is_in_mesh(spec) {
            let message = "a route without hosts receives every connection to a port; use an HTTPRoute, GRPCRoute or \
                           TLSRoute with hostnames, or a Service of the tenant as the only parent";
            let place = self.place(spec);
            self.claims.findings.add_whole(&"spec", &message, &format_args!("a port {place}"));
        }
        self.attachments(spec);
        self.rules(spec);
    }

    /// Returns whether a route makes its claims in a new place, in words for their identities.
    ///
    /// Every claim is made in every place. So a claim is an old one if the old route made it, in whatever place, and if
    /// all places are the old route's.
    fn place(&mut self, spec: &RouteSpec<'_>) -> &'static str {
        let places = self.places(spec);
        // All are asked about, because the old route's are recorded on the way.
        let findings = &mut self.claims.findings;
        let new = places.iter().filter(|place| findings.is_new(&format_args!("claims at {place}"))).count();
        if new > 0 { "in a new place" } else { "in the same places" }
    }

    /// Returns the places where a route makes its claims, without the tenant's own Services.
    ///
    /// For an old route, nowhere is one of them: a route that leaves a place claims nothing new.
    fn places<'r, 'a>(&self, spec: &'r RouteSpec<'a>) -> Vec<Attachment<'r, 'a>>
    where
        'j: 'r,
    {
        let parents = spec.parent_refs.iter().map(|reference| Parent::of(reference, self.namespace));
        let mut places: Vec<_> =
            parents.filter(|parent| !self.is_own_service(*parent)).map(Attachment::At).collect();
        if is_default(spec) {
            places.push(Attachment::Default);
        }
        if places.is_empty() || self.claims.findings.is_old_object() {
            places.push(Attachment::Nowhere);
        }
        places
    }

    /// Returns whether all parents are the tenant's own Services, as in a service mesh.
    fn is_in_mesh(&self, spec: &RouteSpec<'_>) -> bool {
        let mut parents = spec.parent_refs.iter().map(|reference| Parent::of(reference, self.namespace));
        !spec.parent_refs.is_empty() && !is_default(spec) && parents.all(|parent| self.is_own_service(parent))
    }

    fn is_own_service(&self, parent: Parent<'_, '_>) -> bool {
        parent.kind() == ParentKind::Service && self.own.has(parent.namespace())
    }

    fn attachments(&mut self, spec: &RouteSpec<'_>) {
        for (index, reference) in spec.parent_refs.iter().enumerate() {
            let parent = Parent::of(reference, self.namespace);
            self.parent(&format_args!("spec.parentRefs[{index}]"), parent);
        }
        if self.tenant.gateways.is_some() && is_default(spec) {
            let message =
                "attaches to Gateways that it does not name; remove it, and list Gateways in `parentRefs`";
            self.claims.findings.add_whole(&"spec.useDefaultGateways", &message, &"default Gateways");
        }
    }

    fn rules(&mut self, spec: &RouteSpec<'_>) {
        for (index, rule) in spec.rules.iter().enumerate() {
            let path = format_args!("spec.rules[{index}]");
            self.filters(&path, &rule.filters);
            for (place, backend) in rule.backend_refs.iter().enumerate() {
                let path = format_args!("{path}.backendRefs[{place}]");
                self.backend(&path, backend);
                self.filters(&path, &backend.filters);
            }
        }
    }

    fn filters(&mut self, path: &dyn fmt::Display, filters: &[Filter<'_>]) {
        for (index, filter) in filters.iter().enumerate() {
            let path = format_args!("{path}.filters[{index}]");
            let type_ = &*filter.type_;
            if !FILTERS.contains(&type_) {
                let message =
                    format_args!("the effect of filter `{}` is not known here; remove it", Escaped(type_));
                self.claims.findings.add_whole(&path, &message, &format_args!("filter {type_}"));
            }
            if let Some(reference) = &filter.extension_ref {
                self.extension(&format_args!("{path}.extensionRef"), reference);
            }
            let sent = [("requestMirror", &filter.request_mirror), ("externalAuth", &filter.external_auth)];
            for (field, sent) in sent.iter().filter_map(|(field, sent)| Some((field, sent.as_ref()?))) {
                self.sent_to(&format_args!("{path}.{field}.backendRef"), &sent.backend_ref);
            }
        }
    }
}

/// Returns whether a route attaches to the Gateways that are the cluster's default.
fn is_default(spec: &RouteSpec<'_>) -> bool {
    !matches!(&*spec.use_default_gateways, "" | "None")
}
