//! `endpoints`: the addresses behind a tenant's Services are those of its pods.
//!
//! Whoever writes Endpoints or an EndpointSlice by hand has every client of the Service, an ingress controller or a
//! load balancer among them, connect to whatever address it likes: another tenant's pod, past its NetworkPolicies,
//! a node, the API server, a metadata service. The controllers of the cluster write what a Service's selector
//! finds, and nobody else needs to.
//!
//! Looked at is whether there are addresses, and whether they, and the labels by which Services and controllers find
//! them, are the same as before. Objects without addresses, which old clients elect their leaders with, do no harm.
//! That addresses stay behind when their pods are gone, since a Service lost its selector, is not seen here.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::Pairs;
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;
use crate::objects::service::Endpoints;

/// Who writes addresses, beside those whom the Settings name: by name, since a tenant may impersonate the ServiceAccounts of its own namespaces.
pub(crate) const CONTROLLERS: &[&str] = &[
    // Without --use-service-account-credentials.
    "system:kube-controller-manager",
    // Its own addresses, in `default`.
    "system:apiserver",
    "system:serviceaccount:kube-system:endpoint-controller",
    "system:serviceaccount:kube-system:endpointslice-controller",
    "system:serviceaccount:kube-system:endpointslicemirroring-controller",
];

/// Which Service an EndpointSlice belongs to, or which import of one, and which controller looks after it.
const BELONGS_TO: [&str; 3] = [
    "kubernetes.io/service-name",
    "multicluster.kubernetes.io/service-name",
    "endpointslice.kubernetes.io/managed-by",
];

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Object::Endpoints(object) = subject.object else { return };
    let user = &*subject.request.user.username;
    if CONTROLLERS.contains(&user)
        || subject.snapshot.controllers.endpoints.iter().any(|name| **name == *user)
    {
        return;
    }
    let Endpoints { metadata, subsets, endpoints, ports, address_type } = &**object;
    let field = match (has_any(*subsets), has_any(*endpoints)) {
        (true, _) => "subsets",
        (false, true) => "endpoints",
        (false, false) => return,
    };
    let message = "only the cluster's own controllers write the addresses behind a Service; give the Service a \
                   selector, and remove this object";
    let identity = fmt::from_fn(|f| {
        f.write_str(address_type)?;
        let labels = metadata.labels.map_or("{}", RawValue::get);
        match serde_json::from_str::<Pairs<'_>>(labels) {
            Ok(labels) => BELONGS_TO
                .into_iter()
                .try_for_each(|key| write!(f, " {key}={}", labels.get(key).unwrap_or_default()))?,
            // Labels that are none are only the same as themselves.
            Err(_) => write!(f, " {labels}")?,
        }
        let mut lists = [subsets, endpoints, ports].into_iter().flatten().filter(|list| has_any(Some(list)));
        lists.try_for_each(|list| write!(f, " {}", list.get()))
    });
    findings.add_whole(&field, &message, &identity);
}

fn has_any(list: Option<&RawValue>) -> bool {
    list.is_some_and(|list| list.get().trim() != "[]")
}
