//! Describes the problems of annotations.

use std::fmt;

use crate::json::Escaped;
use crate::judging::OneOf;

/// Names the problem of an annotation; the rule adds how to correct it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Problem<'p> {
    Unknown,
    Characters(&'p str),
    Object(&'p str),
    Namespace(&'p str),
    Url(&'p str),
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
