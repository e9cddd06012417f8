//! What the rules read of Ingresses.

use serde::de::IgnoredAny;

use crate::json::{List, Text, record};
use crate::objects::metadata::Metadata;
use crate::objects::service::ServiceStatus;

/// What annotations that name a class are called, behind whatever prefix.
const ANNOTATION: &str = "ingress.class";

record! {
    /// An Ingress.
    pub struct Ingress<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: IngressSpec<'a> = "spec",
        /// The object's status.
        status: ServiceStatus<'a> = "status",
    }
}

record! {
    /// The spec of an Ingress.
    pub struct IngressSpec<'a> {
        /// The hosts and their paths.
        rules: List<IngressRule<'a>> = "rules",
        /// Which controller serves it; empty: whichever takes what has no class.
        ingress_class_name: Text<'a> = "ingressClassName",
        /// The certificates.
        tls: List<IngressTls<'a>> = "tls",
        /// Where requests for every other host go.
        default_backend: Option<IgnoredAny> = "defaultBackend",
    }
}

record! {
    /// A host of an Ingress.
    pub struct IngressRule<'a> {
        /// The host; empty: every host.
        host: Text<'a> = "host",
        /// Its paths.
        http: IngressHttp<'a> = "http",
    }
}

record! {
    /// The paths of a host.
    pub struct IngressHttp<'a> {
        /// The paths.
        paths: List<IngressPath<'a>> = "paths",
    }
}

record! {
    /// A path of an Ingress.
    pub struct IngressPath<'a> {
        /// The path; empty: all of them.
        path: Text<'a> = "path",
        /// What it leads to.
        backend: IngressBackend = "backend",
    }
}

record! {
    /// What a path leads to.
    pub struct IngressBackend {
        /// What is no Service.
        resource: Option<IgnoredAny> = "resource",
    }
}

record! {
    /// A certificate of an Ingress.
    pub struct IngressTls<'a> {
        /// The hosts it is for; empty: what the controller makes of it.
        hosts: List<Text<'a>> = "hosts",
        /// The Secret it is in.
        secret_name: Text<'a> = "secretName",
    }
}

/// Whether an annotation names a class.
pub(crate) fn names_class(key: &str) -> bool {
    key.strip_suffix(ANNOTATION).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('/'))
}
