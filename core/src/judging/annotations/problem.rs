//! Describes the problems of annotations.

use std::fmt;

use crate::json::Escaped;
use crate::judging::OneOf;

/// Names the problem of an annotation; the rule adds how to correct it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Problem<'p> {
    Unknown,
    /// The same, of a key that a pod's network, mesh or cloud reads.
    UnknownOfPods,
    /// A container runtime, or a plugin of it, may read the key.
    Runtime,
    /// The key of an unknown domain speaks of what tenants share.
    Words,
    Characters(&'p str),
    /// The value does not have this form.
    Form(&'p str, &'static str),
    NoneOf(&'p str, &'static [&'static str]),
    Number(&'p str, u32),
    Variable(&'p str),
    Regex(&'p str),
    Object(&'p str),
    /// The same, where the controller wants a namespace before the name; the second text is the right one.
    ObjectOf(&'p str, &'p str),
    Network(&'p str),
    Namespace(&'p str),
    Url(&'p str),
    LoginUrl(&'p str),
    LoginProvider,
    KeptAlive,
    Address(&'p str),
    Target(&'p str),
    Group(&'p str, &'p str),
    Actions,
    Logs,
    Provided(&'p str),
    Issuer(&'p str, &'p [Box<str>]),
    IssuerKind(&'p str),
    Class(&'p str, &'p [Box<str>]),
    Reserved,
}

impl Problem<'_> {
    /// Returns whether the value would change or stop a controller's configuration, or take another's Secret into it.
    pub(crate) const fn is_injection(&self) -> bool {
        match self {
            Self::Characters(_)
            | Self::Form(..)
            | Self::NoneOf(..)
            | Self::Number(..)
            | Self::Variable(_)
            | Self::Regex(_)
            | Self::KeptAlive
            | Self::Object(_)
            | Self::ObjectOf(..) => true,
            Self::Unknown
            | Self::UnknownOfPods
            | Self::Runtime
            | Self::Words
            | Self::Network(_)
            | Self::Namespace(_)
            | Self::Url(_)
            | Self::LoginUrl(_)
            | Self::LoginProvider
            | Self::Address(_)
            | Self::Target(_)
            | Self::Group(..)
            | Self::Actions
            | Self::Logs
            | Self::Provided(_)
            | Self::Issuer(..)
            | Self::IssuerKind(_)
            | Self::Class(..)
            | Self::Reserved => false,
        }
    }
}

/// Writes the problem and the beginning of the advice, which the rule completes.
impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("this annotation is not known to be harmless to other tenants;"),
            Self::Characters(value) => write!(
                f,
                "`{}` has characters that could change the controller's configuration; leave them out,",
                Escaped(value)
            ),
            Self::UnknownOfPods => f.write_str(
                "this annotation may choose a network, an address, a route or an identity that is not the tenant's;",
            ),
            Self::Runtime => f.write_str(
                "by this annotation a container runtime may give the pod devices, folders or settings of its node;",
            ),
            Self::Words => f.write_str(
                "this annotation is not known here, and its key speaks of hosts, addresses, networks, certificates or \
                 the like, which tenants share; if no controller reads it, the platform team can list its domain in \
                 the Settings (`annotationDomains`);",
            ),
            Self::Form(value, form) => write!(
                f,
                "`{}` could stop the controller from loading its configuration; write {form},",
                Escaped(value)
            ),
            Self::NoneOf(value, words) => write!(
                f,
                "`{}` could stop the controller from loading its configuration; use {},",
                Escaped(value),
                OneOf(words)
            ),
            Self::Number(value, most) => write!(
                f,
                "`{}` could stop the controller from loading its configuration; write a number up to {most},",
                Escaped(value)
            ),
            Self::Variable(value) => write!(
                f,
                "`{}` has a `$` before a name that is no variable of every nginx, which could stop the controller from \
                 loading its configuration; use variables such as `$host`, `$request_uri` or `$1`,",
                Escaped(value)
            ),
            Self::Regex(value) => write!(
                f,
                "`{}` may be no regular expression to the controller, which could stop it from loading its \
                 configuration; close each group and class, escape literal signs with `\\`, leave out named groups and \
                 back references,",
                Escaped(value)
            ),
            Self::ObjectOf(value, namespace) => write!(
                f,
                "`{}` is not in a namespace of the tenant; write {},",
                Escaped(value),
                object_in(namespace, value)
            ),
            Self::Network(value) => write!(
                f,
                "`{}` asks for networks that may not be the tenant's, or for addresses in them; name only networks in \
                 namespaces of the tenant,",
                Escaped(value)
            ),
            Self::Object(value) => {
                write!(f, "`{}` is not in a namespace of the tenant; write only the object's name,", Escaped(value))
            }
            Self::Namespace(value) => write!(f, "`{}` is not a namespace of the tenant;", Escaped(value)),
            Self::Url(value) => write!(
                f,
                "`{}` is not a URL of the tenant, and the controller would connect to it past all NetworkPolicies; \
                 write `https://` with `$host`, a host in the tenant's domains, or its own Service \
                 (`name.namespace.svc.cluster.local`),",
                Escaped(value)
            ),
            Self::LoginUrl(value) => write!(
                f,
                "`{}` is not a URL of the tenant or of a login host, and the controller would connect to it past all \
                 NetworkPolicies; write `https://` with `$host`, a host in the tenant's domains, or its own Service \
                 (`name.namespace.svc.cluster.local`), ask the platform team to list the host in the Settings \
                 (`loginHosts`),",
                Escaped(value)
            ),
            Self::LoginProvider => f.write_str(
                "each URL of the identity provider must lead to a host in the tenant's domains or to a login host of \
                 the Settings (`loginHosts`), and the Secret be named alone; correct the JSON, with its keys spelt as \
                 in the controller's documentation,",
            ),
            Self::KeptAlive => f.write_str(
                "to keep connections, nginx must find the host of `auth-url` when it loads its configuration, and \
                 otherwise loads none of it; write `0`, begin `auth-url` with `https://$host`, ask the platform team \
                 to list its host in the Settings (`loginHosts`),",
            ),
            Self::Address(value) => {
                write!(f, "`{}` is not in the tenant's `services.loadBalancerIPs`;", Escaped(value))
            }
            Self::Target(value) => write!(
                f,
                "`{}` is neither a host in the tenant's domains nor an address in its `services.loadBalancerIPs` or \
                 `services.externalIPs`;",
                Escaped(value)
            ),
            Self::Group(value, tenant) => write!(
                f,
                "group `{}` shares a load balancer with other tenants' Ingresses; name it `{tenant}`, begin its name \
                 with `{tenant}-`,",
                Escaped(value)
            ),
            Self::Actions => f.write_str(
                "this action does not redirect, send a fixed response, or forward only to Services; correct the JSON, \
                 with its keys spelt as in the controller's documentation,",
            ),
            Self::Logs => f.write_str("only the platform team may set where a load balancer writes its logs;"),
            Self::Provided(value) => write!(
                f,
                "`{}` may name an object in a namespace that is not the tenant's; write \
                 `namespace-name@kubernetescrd` so that it fits only namespaces of the tenant,",
                Escaped(value)
            ),
            Self::Issuer(value, listed) => {
                write!(f, "`{}` is not in the tenant's `certificateIssuers`; use ", Escaped(value))?;
                if !listed.is_empty() {
                    write!(f, "{}, or ", OneOf(listed))?;
                }
                f.write_str("an Issuer in this namespace,")
            }
            Self::IssuerKind(value) => write!(
                f,
                "the kind of issuer `{}` is not known here; use an Issuer in this namespace, a ClusterIssuer in the \
                 tenant's `certificateIssuers`,",
                Escaped(value)
            ),
            Self::Class(value, listed) => {
                write!(f, "`{}` is not in the tenant's `ingressClasses`; use {},", Escaped(value), OneOf(listed))
            }
            Self::Reserved => f.write_str("only the cluster's controllers may write this annotation;"),
        }
    }
}

/// Formats what to write for an object of `namespace`, with the name of the object that `value` names.
fn object_in(namespace: &str, value: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| match value.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() && name.len() <= 253 && name.bytes().all(is_of_name) => {
            write!(f, "`{}/{name}`", Escaped(namespace))
        }
        _ => write!(f, "`{}/` and the object's name", Escaped(namespace)),
    })
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}
