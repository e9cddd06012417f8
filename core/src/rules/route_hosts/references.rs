//! What routes, Gateways and ListenerSets refer to.

use std::fmt;

use super::Judge;
use crate::json::Cut;
use crate::judging::Listed;
use crate::objects::gateway_api::{Backend, Reference};
use crate::objects::kinds::Kind;

/// The group that a parent is in where none is written.
const DEFAULT_GROUP: &str = "gateway.networking.k8s.io";

/// What a parent is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ParentKind {
    /// A Gateway, or a set of listeners for one.
    Gateway,
    /// A Service of which a service mesh takes the traffic.
    Service,
    /// Nobody here knows what it takes.
    Unknown,
}

/// A reference to a parent, from an object in a namespace.
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

    /// The namespace it is in.
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
            (group, "Gateway" | "ListenerSet" | "XListenerSet") if Kind::is_in_gateway_api(group) => {
                ParentKind::Gateway
            }
            _ => ParentKind::Unknown,
        }
    }
}

/// By value: another listener, or all of them instead of one, is another parent. In the alternate form what it is, for
/// a message.
impl fmt::Display for Parent<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "kind `{}` of group `{}`", Cut(self.kind_name()), Cut(self.group()));
        }
        let Reference { name, section_name, port, .. } = self.reference;
        let (group, kind, namespace) = (self.group(), self.kind_name(), self.namespace);
        write!(f, "{group}/{kind} {namespace}/{name} {section_name}:{port}")
    }
}

/// What receives requests.
#[derive(Clone, Copy)]
struct Target<'r> {
    group: &'r str,
    kind: &'r str,
    namespace: &'r str,
    name: &'r str,
}

/// Kinds of backends that stand for the tenant's own pods: their objects name nothing outside of their namespace.
/// Others may stand for any host (`Hostname` of Istio) or for the gateway itself (`TraefikService`).
const BACKENDS: [(&str, &str); 4] = [
    ("", "Service"),
    ("multicluster.x-k8s.io", "ServiceImport"),
    ("inference.networking.k8s.io", "InferencePool"),
    ("inference.networking.x-k8s.io", "InferencePool"),
];

impl Judge<'_, '_> {
    /// A parent is something of which it is known what it takes, and the tenant may attach to it.
    pub(super) fn parent(&mut self, field: &dyn fmt::Display, parent: Parent<'_, '_>) {
        let Parent { reference: Reference { name, .. }, namespace } = parent;
        let identity = format_args!("parent {parent}");
        match parent.kind() {
            ParentKind::Unknown => {
                let message = format_args!(
                    "what {parent:#} takes is not known here; name a Gateway, a ListenerSet, or a Service of group `\"\"`"
                );
                self.claims.findings.add_whole(field, &message, &identity);
            }
            // Routes and listeners in front of what is the tenant's are its own business.
            _ if self.own.has(namespace) => {}
            ParentKind::Service => {
                let message = format_args!(
                    "would take the requests for Service `{}/{}`, which is not the tenant's; name a Service of its \
                     own",
                    Cut(namespace),
                    Cut(name)
                );
                self.claims.findings.add_whole(field, &message, &identity);
            }
            ParentKind::Gateway => {
                let Some(gateways) = self.tenant.gateways.as_deref() else { return };
                let is_it = |listed: &str| listed.split_once('/') == Some((namespace, &**name));
                if !gateways.iter().any(|listed| is_it(listed)) {
                    let message = format_args!(
                        "`{}/{}` is no Gateway that the tenant may attach to; use {}, or one of its own",
                        Cut(namespace),
                        Cut(name),
                        Listed(gateways)
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

    /// What a filter sends requests to.
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
                "where kind `{}` of group `{}` sends requests is not known here; name a Service of the tenant's",
                Cut(kind),
                Cut(group)
            );
            self.claims.findings.add_whole(field, &message, &identity);
        } else if !self.is_near(namespace, name) {
            let message = format_args!(
                "sends requests to `{}`, which is not the tenant's; name one of its own",
                located(namespace, name)
            );
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// A certificate, or the certificates of authorities.
    pub(super) fn certificate(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        if !self.is_near(namespace, name) {
            let message = format_args!(
                "`{}` is not the tenant's; name one in a namespace of its own",
                located(namespace, name)
            );
            let group = group.as_deref().unwrap_or_default();
            let identity = format_args!("certificate {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// An object of the same namespace that says more of what a filter does.
    pub(super) fn extension(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        if !self.is_near(namespace, name) {
            let group = group.as_deref().unwrap_or_default();
            let message = format_args!("`{}` is no object of this namespace; name one", Cut(name));
            let identity = format_args!("extension {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// What a policy is about.
    pub(super) fn policy_target(&mut self, field: &dyn fmt::Display, reference: &Reference<'_>) {
        let Reference { group, kind, namespace, name, .. } = reference;
        if !self.is_near(namespace, name) {
            let group = group.as_deref().unwrap_or_default();
            let message = format_args!(
                "is about `{}`, which is not the tenant's; name what is its own",
                located(namespace, name)
            );
            let identity = format_args!("target {group}/{kind} {namespace}/{name}");
            self.claims.findings.add_whole(field, &message, &identity);
        }
    }

    /// Whether a reference is to something of the tenant's; without a namespace it is to the object's own. The API
    /// server lets names through that no object has, and some controllers read another namespace or provider out
    /// of these: `tenants-y/web`, `auth@file`.
    fn is_near(&self, namespace: &str, name: &str) -> bool {
        let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (namespace.is_empty() || self.own.has(namespace)) && name.bytes().all(is_in_name)
    }
}

/// Where something is, as far as a reference says.
fn located(namespace: &str, name: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| match namespace {
        "" => write!(f, "{}", Cut(name)),
        namespace => write!(f, "{}/{}", Cut(namespace), Cut(name)),
    })
}
