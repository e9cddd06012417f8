//! `endpoints`: the addresses behind a tenant's Services are those of its pods.
//!
//! Whoever writes Endpoints or an EndpointSlice by hand has every client of the Service, an ingress controller or a
//! load balancer among them, connect to whatever address it likes: another tenant's pod, past its NetworkPolicies,
//! a node, the API server, a metadata service. The controllers of the cluster write what a Service's selector
//! finds, and nobody else needs to.
//!
//! Looked at is whether there are addresses, and whether they are the same as before; a slice also belongs to the
//! Service that its label names. Objects without addresses, which old clients elect their leaders with, do no harm.

use std::fmt;

use serde_json::value::RawValue;

use super::{Findings, Subject};
use crate::admission::network::Endpoints;
use crate::admission::record::Pairs;
use crate::admission::review::Object;

/// Who writes addresses: by name, since a tenant may impersonate the ServiceAccounts of its own namespaces.
pub(crate) const CONTROLLERS: &[&str] = &[
    // Without --use-service-account-credentials.
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:endpoint-controller",
    "system:serviceaccount:kube-system:endpointslice-controller",
    "system:serviceaccount:kube-system:endpointslicemirroring-controller",
];

/// Which Service an EndpointSlice belongs to.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Object::Endpoints(object) = subject.object else { return };
    if CONTROLLERS.contains(&&*subject.request.user.username) {
        return;
    }
    let Endpoints { metadata, subsets, endpoints, ports, address_type } = &**object;
    let labels = metadata.labels.map(|labels| serde_json::from_str::<Pairs<'_>>(labels.get()));
    let service = match &labels {
        None => "",
        Some(Ok(labels)) => labels.get(SERVICE_NAME).unwrap_or_default(),
        // Labels that are none may name any Service.
        Some(Err(_)) => "*",
    };
    let field = match (has_any(*subsets), has_any(*endpoints)) {
        (true, _) => "subsets",
        // A slice of no Service is behind none.
        (false, true) if !service.is_empty() => "endpoints",
        (false, _) => return,
    };
    let message = "only the cluster's own controllers write the addresses behind a Service; give the Service a \
                   selector, and remove this object";
    let identity = fmt::from_fn(|f| {
        write!(f, "{address_type} {service}")?;
        [subsets, endpoints, ports].into_iter().flatten().try_for_each(|list| write!(f, " {}", list.get()))
    });
    findings.add_whole(&field, &message, &identity);
}

fn has_any(list: Option<&RawValue>) -> bool {
    list.is_some_and(|list| list.get().trim() != "[]")
}
