//! Declares the fields that rules read of Ingresses.

use serde::de::IgnoredAny;

use crate::json::{List, Text, borrowed};
use crate::objects::metadata::Metadata;
use crate::objects::service::ServiceStatus;

/// Names the annotation for a class, which controllers use with different prefixes.
const ANNOTATION: &str = "ingress.class";

borrowed! {
    /// Holds an Ingress.
    pub struct Ingress<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: IngressSpec<'a> = "spec",
        /// The object's status.
        status: ServiceStatus<'a> = "status",
    }
}

borrowed! {
    /// Holds the spec of an Ingress.
    pub struct IngressSpec<'a> {
        /// The hosts and their paths.
        rules: List<IngressRule<'a>> = "rules",
        /// The class; empty means that a default controller may serve the Ingress.
        ingress_class_name: Text<'a> = "ingressClassName",
        /// The certificates.
        tls: List<IngressTls<'a>> = "tls",
        /// The backend for requests that match no rule.
        default_backend: Option<IgnoredAny> = "defaultBackend",
    }
}

borrowed! {
    /// Holds a rule of an Ingress.
    pub struct IngressRule<'a> {
        /// The host; empty means every host.
        host: Text<'a> = "host",
        /// The paths of the host.
        http: IngressHttp<'a> = "http",
    }
}

borrowed! {
    /// Holds the paths of a rule.
    pub struct IngressHttp<'a> {
        /// The paths.
        paths: List<IngressPath<'a>> = "paths",
    }
}

borrowed! {
    /// Holds a path of an Ingress.
    pub struct IngressPath<'a> {
        /// The path; empty means all paths.
        path: Text<'a> = "path",
        /// The backend.
        backend: IngressBackend = "backend",
    }
}

borrowed! {
    /// Holds the backend of a path.
    pub struct IngressBackend {
        /// A resource that is not a Service.
        resource: Option<IgnoredAny> = "resource",
    }
}

borrowed! {
    /// Holds a certificate of an Ingress.
    pub struct IngressTls<'a> {
        /// The hosts; if empty, the controller decides.
        hosts: List<Text<'a>> = "hosts",
        /// The Secret that contains the certificate.
        secret_name: Text<'a> = "secretName",
    }
}

/// Returns whether an annotation names a class.
pub(crate) fn names_class(key: &str) -> bool {
    key.strip_suffix(ANNOTATION).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('/'))
}
