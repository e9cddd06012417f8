//! Judges the references of routes, Gateways and ListenerSets.

use std::fmt;

use super::RouteCheck;
use crate::json::Escaped;
use crate::judging::OneOf;
use crate::objects::gateway_api::{Backend, Reference};
use crate::objects::kinds::Shape;

/// The group of a parent that names none.
const DEFAULT_GROUP: &str = "gateway.networking.k8s.io";

/// Classifies a parent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ParentKind {
    /// A Gateway, or a set of listeners for one.
    Gateway,
    /// A Service whose traffic a service mesh routes.
    Service,
    /// A parent whose traffic is not known here.
    Unknown,
}

/// Holds a reference to a parent, and the parent's namespace.
#[derive(Clone, Copy)]
pub(super) struct Parent<'r, 'a> {
    reference: &'r Reference<'a>,
    namespace: &'r str,
}

impl<'r, 'a> Parent<'r, 'a> {
    pub(super) fn of(reference: &'r Reference<'a>, namespace: &'r str) -> Self {
        let named = &*reference.namespace;
        Self { reference, namespace: if named.is_empty() { namespace } else { named } }
    }

    /// Returns the namespace of the parent.
    pub(super) const fn namespace(&self) -> &'r str {
        self.namespace
    }

    fn group(&self) -> &'r str {
        self.reference.group.as_deref().unwrap_or(DEFAULT_GROUP)
    }

    fn kind_name(&self) -> &'r str {
        let kind = &*self.reference.kind;
        if kind.is_empty() { "Gateway" } else { kind }
    }

    pub(super) fn kind(&self) -> ParentKind {
        match (self.group(), self.kind_name()) {
            ("", "Service") => ParentKind::Service,
            (group, "Gateway" | "ListenerSet" | "XListenerSet") if Shape::is_in_gateway_api(group) => {
                ParentKind::Gateway
            }
            _ => ParentKind::Unknown,
        }
    }
}

/// Formats a parent by value: another listener, or all listeners instead of one, is another parent.
///
/// The alternate form names its kind and group, for a message.
impl fmt::Display for Parent<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "kind `{}` of group `{}`", Escaped(self.kind_name()), Escaped(self.group()));
        }
        let Reference { name, section_name, port, .. } = self.reference;
        let (group, kind, namespace) = (self.group(), self.kind_name(), self.namespace);
        write!(f, "{group}/{kind} {namespace}/{name} {section_name}:{port}")
    }
}

/// Names the object that receives requests.
#[derive(Clone, Copy)]
struct Target<'r> {
    group: &'r str,
    kind: &'r str,
    namespace: &'r str,
    name: &'r str,
}

/// Kinds of backends that stand for the tenant's own pods.
///
/// Their objects name nothing outside their namespace. Other kinds may stand for any host (`Hostname` of Istio) or for
/// the gateway itself (`TraefikService`).
const BACKENDS: [(&str, &str); 4] = [
    ("", "Service"),
    ("multicluster.x-k8s.io", "ServiceImport"),
    ("inference.networking.k8s.io", "InferencePool"),
    ("inference.networking.x-k8s.io", "InferencePool"),
];

impl RouteCheck<'_, '_> {
    /// Judges a parent: its traffic must be known here, and the tenant must be allowed to attach to it.
    pub(super) fn parent(&mut self, field: &dyn fmt::Display, parent: Parent<'_, '_>) {
        let Parent { reference: Reference { name, .. }, namespace } = parent;
        let identity = format_args!("parent {parent}");
        match parent.kind() {
            ParentKind::Unknown => {
                let message = format_args!(
                    "parents of {parent:#} are not known here; name a Gateway, a ListenerSet, or a Service of group \
                     `\"\"`"
                );
                self.claims.findings.add_whole(field, &message, &identity);
            }
            // A tenant may attach anything to what is its own.
            _ if self.own.has(namespace) => {}
            ParentKind::Service => {
                let message = format_args!(
                    "would receive the requests for Service `{}/{}`, which is not in a namespace of the tenant; name \
                     a Service in one of its namespaces",
                    Escaped(namespace),
                    Escaped(name)
                );
                self.claims.findings.add_whole(field, &message, &identity);
            }
            ParentKind::Gateway => {
                let Some(gateways) = &self.tenant.gateways else { return };
                let is_it = |listed: &str| listed.split_once('/') == Some((namespace, &**name));
                if !gateways.iter().any(|listed| is_it(listed)) {
                    let message = format_args!(
                        "`{}/{}` is not in the tenant's `gateways`; use {}, or a Gateway of the tenant",
                        Escaped(namespace),
                        Escaped(name),
                        OneOf(gateways)
                    );
                    self.claims.findings.add_whole(field, &message, &identity);
                }
            }
        }
    }

    pub(super) fn backend(&mut self, field: &dyn fmt::Display, backend: &Backend<'_>) {
        let Backend { group, kind, namespace, name, .. } = backend;
        self.target(field, Target { group, kind, namespace, name });
    }

    /// Judges the target to which a filter sends requests.
    pub(super) fn sent_to(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        let group = group.as_deref().unwrap_or_default();
        self.target(field, Target { group, kind, namespace, name });
    }

    fn target(&mut self, field: &dyn fmt::Display, target: Target<'_>) {
        let Target { group, kind, namespace, name } = target;
        let kind = if kind.is_empty() { "Service" } else { kind };
        let identity = format_args!("backend {group}/{kind} {namespace}/{name}");
        if !BACKENDS.contains(&(group, kind)) {
            let message = format_args!(
                "the hosts behind kind `{}` of group `{}` are not known here; name a Service of the tenant",
                Escaped(kind),
                Escaped(group)
            );
            self.claims.findings.add_whole(field, &message, &identity);
        } else if !self.is_near(namespace, name) {
            let message = format_args!(
                "sends requests to `{}`, which is not in a namespace of the tenant; name a Service in \
                 one of its namespaces",
                located(namespace, name)
            );
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// Judges a reference to a certificate, or to the certificates of a CA.
    pub(super) fn certificate(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        if !self.is_near(namespace, name) {
            let message = format_args!(
                "`{}` is not in a namespace of the tenant; name a Secret in one of its namespaces",
                located(namespace, name)
            );
            let group = group.as_deref().unwrap_or_default();
            let identity = format_args!("certificate {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// Judges an object of the same namespace that extends a filter.
    pub(super) fn extension(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        if !self.is_near(namespace, name) {
            let group = group.as_deref().unwrap_or_default();
            let message = format_args!(
                "`{}` is not an object of this namespace; name one of this namespace",
                Escaped(name)
            );
            let identity = format_args!("extension {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// Judges the target of a policy.
    pub(super) fn policy_target(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        if !self.is_near(namespace, name) {
            let group = group.as_deref().unwrap_or_default();
            let message = format_args!(
                "applies to `{}`, which is not in a namespace of the tenant; name an object in one of its \
                 namespaces",
                located(namespace, name)
            );
            let identity = format_args!("target {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// Returns whether a reference is to an object of the tenant's.
    ///
    /// A reference without a namespace is to the object's own. The API server accepts names that no object can have,
    /// and some controllers read another namespace or provider from these: `tenants-y/web`, `auth@file`.
    fn is_near(&self, namespace: &str, name: &str) -> bool {
        let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (namespace.is_empty() || self.own.has(namespace)) && name.bytes().all(is_in_name)
    }
}

/// Formats the location of an object, as far as a reference gives it.
fn located(namespace: &str, name: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| match namespace {
        "" => write!(f, "{}", Escaped(name)),
        namespace => write!(f, "{}/{}", Escaped(namespace), Escaped(name)),
    })
}
