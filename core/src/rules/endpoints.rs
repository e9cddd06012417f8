//! `endpoints`: only controllers write the addresses behind a tenant's Services.
//!
//! A user who writes Endpoints or an EndpointSlice by hand makes every client of the Service, including ingress
//! controllers and load balancers, connect to any address: another tenant's pod, past its NetworkPolicies, a node, the
//! API server, a metadata service. The cluster's controllers write the addresses of the pods that a Service selects, so
//! tenants don't need to. The Settings list further controllers that may. A controller also writes the addresses in a
//! ServiceImport, which stands for a Service of several clusters.
//!
//! On an update, the rule denies changes of the addresses, and of the labels by which Services and controllers find
//! them. It allows objects without addresses, which old clients use for leader election. The rule does not see
//! addresses that stay behind when a Service has lost its selector and the pods are gone.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::{Pairs, borrowed};
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;
use crate::objects::service::Endpoints;
use crate::objects::unstructured::Unstructured;

/// Users that may write addresses, besides those that the Settings list.
///
/// The list has full names, because a tenant may impersonate the ServiceAccounts of its own namespaces.
pub(crate) const CONTROLLERS: &[&str] = &[
    // The name of every controller without --use-service-account-credentials.
    "system:kube-controller-manager",
    // The API server writes its own addresses, in `default`.
    "system:apiserver",
    "system:serviceaccount:kube-system:endpoint-controller",
    "system:serviceaccount:kube-system:endpointslice-controller",
    "system:serviceaccount:kube-system:endpointslicemirroring-controller",
];

/// Labels that assign an EndpointSlice to a Service, a ServiceImport, or a controller.
const BELONGS_TO: [&str; 3] = [
    "kubernetes.io/service-name",
    "multicluster.kubernetes.io/service-name",
    "endpointslice.kubernetes.io/managed-by",
];

/// The group of the Services of several clusters.
const IMPORTS: &str = "multicluster.x-k8s.io";

borrowed! {
    /// Holds the spec of a ServiceImport.
    struct ImportSpec<'a> {
        /// The addresses of the Service, not decoded.
        ips: Option<&'a RawValue> = "ips",
    }
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let user = &*subject.request.user.username;
    if CONTROLLERS.contains(&user) || subject.snapshot.controllers.endpoints.contains(user) {
        return;
    }
    if let Object::Unstructured(object) = subject.object
        && &*subject.request.group == IMPORTS
    {
        service_import(object, findings);
        return;
    }
    let Object::Endpoints(object) = subject.object else { return };
    let Endpoints { metadata, subsets, endpoints, ports, address_type } = &**object;
    let field = match (has_any(*subsets), has_any(*endpoints)) {
        (true, _) => "subsets",
        (false, true) => "endpoints",
        (false, false) => return,
    };
    let message = "only controllers may write the addresses behind a Service; give the Service a selector and remove \
                   this object, or ask the platform team to list the controller in the Settings \
                   (`controllers.endpoints`)";
    let identity = fmt::from_fn(|f| {
        f.write_str(address_type)?;
        let labels = metadata.labels.map_or("{}", RawValue::get);
        match serde_json::from_str::<Pairs<'_>>(labels) {
            Ok(labels) => BELONGS_TO
                .into_iter()
                .try_for_each(|key| write!(f, " {key}={}", labels.get(key).unwrap_or_default()))?,
            // Labels that do not parse are equal only to the same text.
            Err(_) => write!(f, " {labels}")?,
        }
        let mut lists = [subsets, endpoints, ports].into_iter().flatten().filter(|list| has_any(Some(list)));
        lists.try_for_each(|list| write!(f, " {}", list.get()))
    });
    findings.add_whole(&field, &message, &identity);
}

/// Judges a ServiceImport: proxies connect to its addresses, as to those behind a Service.
fn service_import(object: &Unstructured<'_>, findings: &mut Findings<'_>) {
    let Some(raw) = object.get("spec") else { return };
    let has_addresses = match serde_json::from_str::<Option<ImportSpec<'_>>>(raw.get()) {
        Ok(spec) => spec.is_some_and(|spec| has_any(spec.ips)),
        // What cannot be read may have addresses.
        Err(_) => true,
    };
    if has_addresses {
        let message = "only controllers may write the addresses of a Service of several clusters; remove `ips`, or ask \
                       the platform team to list the controller in the Settings (`controllers.endpoints`)";
        findings.add_whole(&"spec.ips", &message, &raw.get());
    }
}

fn has_any(list: Option<&RawValue>) -> bool {
    list.is_some_and(|list| list.get().trim() != "[]")
}
