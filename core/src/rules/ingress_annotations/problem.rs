//! Describes the problems of annotations.

use std::fmt;

use crate::json::Cut;
use crate::judging::Listed;

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

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str(
                "this annotation of a controller's is not known to do no harm to others",
            ),
            Self::Characters(value) => write!(
                f,
                "`{}` has characters that this annotation does not need, and by which a value reaches into a \
                 controller's configuration; leave them out",
                Cut(value)
            ),
            Self::Object(value) => {
                write!(f, "`{}` is nothing in a namespace of the tenant; write the name alone", Cut(value))
            }
            Self::Namespace(value) => write!(f, "`{}` is no namespace of the tenant", Cut(value)),
            Self::Url(value) => write!(
                f,
                "`{}` is no URL of the tenant's, and the controller would ask it past all NetworkPolicies; write \
                 `https://`, and `$host`, a host of its domains, or a Service of its own, \
                 `name.namespace.svc.cluster.local`",
                Cut(value)
            ),
            Self::Address(value) => write!(
                f,
                "`{}` is no address that the tenant's load balancers may have (`services.loadBalancerIPs`)",
                Cut(value)
            ),
            Self::Target(value) => write!(
                f,
                "`{}` is neither a host of the tenant's domains nor an address of its own \
                 (`services.loadBalancerIPs`, `services.externalIPs`)",
                Cut(value)
            ),
            Self::Group(value, tenant) => write!(
                f,
                "group `{}` shares one load balancer with Ingresses of others; name it `{tenant}`, or `{tenant}-` \
                 and more",
                Cut(value)
            ),
            Self::Actions => f.write_str(
                "this action is not one that redirects, answers, or forwards to Services alone; correct the JSON, and \
                 write its keys as the controller documents them",
            ),
            Self::Logs => f.write_str("where a load balancer writes its logs is the platform team's to say"),
            Self::Provided(value) => write!(
                f,
                "`{}` is not certain to be in a namespace of the tenant; write `namespace-name@kubernetescrd`, so \
                 that it reads as no other tenant's",
                Cut(value)
            ),
            Self::Issuer(value, listed) => {
                write!(f, "`{}` is no issuer of the tenant's; use {}", Cut(value), Listed(listed))?;
                f.write_str(", or an Issuer of its own")
            }
            Self::IssuerKind(value) => write!(
                f,
                "`{}` is of a kind that is not known to be in the tenant's namespaces; use a ClusterIssuer of its \
                 list, or an Issuer of its own",
                Cut(value)
            ),
            Self::Class(value, listed) => {
                write!(f, "`{}` is no ingress class of the tenant; use {}", Cut(value), Listed(listed))
            }
            Self::Reserved => f.write_str("only the cluster's controllers write this"),
        }
    }
}
