//! `endpoints`: only controllers write the addresses behind a tenant's Services.
//!
//! A user who writes Endpoints or an EndpointSlice by hand makes every client of the Service, including ingress
//! controllers and load balancers, connect to any address: another tenant's pod, past its NetworkPolicies, a node, the
//! API server, a metadata service. The cluster's controllers write the addresses of the pods that a Service selects, so
//! tenants don't need to. The Settings list further controllers that may. A controller also writes the addresses in a
//! ServiceImport, which stands for a Service of several clusters.
//!
//! A Tenant may list ranges of addresses (`endpoints.addresses`) that its users write by hand: of servers outside the
//! cluster, or of its own pods, as databases do that elect their leader in Endpoints. Every address must then be in
//! these ranges. The rule cannot see which pod has an address, and tenants write `targetRef` and `nodeName` as they
//! please.
//!
//! A pod's own addresses are in its status, from which controllers copy them. Only kubelets and components outside
//! tenants may write them there.
//!
//! On an update, the rule denies changes of the addresses, and of the labels by which Services and controllers find
//! them. It allows objects without addresses, which old clients use for leader election. The rule does not see
//! addresses that stay behind when a Service has lost its selector and the pods are gone.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::{Escaped, List, Pairs, Text, borrowed};
use crate::judging::trusted_users::is_outside_tenants;
use crate::judging::{Findings, OneOf, OwnNamespaces, Subject};
use crate::objects::object::Object;
use crate::objects::pod::PodStatusFields;
use crate::objects::service::Endpoints;
use crate::objects::unstructured::Unstructured;
use crate::tenancy::HandWrittenEndpoints;

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

borrowed! {
    /// Holds a subset of Endpoints.
    struct Subset<'a> {
        /// The addresses of pods that are ready.
        addresses: List<SubsetAddress<'a>> = "addresses",
        /// The addresses of the others, which some proxies use too.
        not_ready: List<SubsetAddress<'a>> = "notReadyAddresses",
    }
}

borrowed! {
    /// Holds an address of Endpoints.
    struct SubsetAddress<'a> {
        /// The address.
        ip: Text<'a> = "ip",
        /// The object that has the address, as its writer says.
        target: Target<'a> = "targetRef",
    }
}

borrowed! {
    /// Holds an endpoint of an EndpointSlice.
    struct SliceEndpoint<'a> {
        /// The addresses.
        addresses: List<Text<'a>> = "addresses",
        /// The object that has them, as its writer says.
        target: Target<'a> = "targetRef",
    }
}

borrowed! {
    /// Holds a reference to the object that has an address.
    struct Target<'a> {
        /// The namespace of the object.
        namespace: Text<'a> = "namespace",
    }
}

borrowed! {
    /// Holds an address of a pod or of its node.
    struct PodAddress<'a> {
        /// The address.
        ip: Text<'a> = "ip",
    }
}

/// Tells why a tenant's user may not write addresses.
enum Problem<'p> {
    /// The Tenant lists no ranges.
    NoRanges,
    /// The user is not one of these.
    Writer(&'p [Box<str>]),
    /// An address is in no range.
    Address(String),
    /// An address is said to be that of an object in this namespace.
    Target(String),
    Unreadable,
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
    if let Object::PodStatus(pod) = subject.object {
        pod_addresses(subject, &pod.status, findings);
        return;
    }
    let Object::Endpoints(object) = subject.object else { return };
    let Endpoints { metadata, subsets, endpoints, ports, address_type } = &**object;
    let field = match (has_any(*subsets), has_any(*endpoints)) {
        (true, _) => "subsets",
        (false, true) => "endpoints",
        (false, false) => return,
    };
    let grant = subject.tenant().and_then(|tenant| tenant.endpoints.as_ref());
    let problem = match grant {
        None => Problem::NoRanges,
        Some(grant) => match problem(subject, grant, object) {
            Some(problem) => problem,
            None => return,
        },
    };
    let message = fmt::from_fn(|f| explain(&problem, user, f));
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

/// Returns the problem of addresses where a Tenant lists ranges of them.
fn problem<'p>(
    subject: &Subject<'_, '_>,
    grant: &'p HandWrittenEndpoints,
    object: &Endpoints<'_>,
) -> Option<Problem<'p>> {
    if let Some(writers) = grant.writers.as_ref()
        && !writers.contains(&subject.request.user.username)
    {
        return Some(Problem::Writer(writers));
    }
    let own = OwnNamespaces::of(subject);
    let one = |address: &str, target: &Target<'_>| {
        if !grant.addresses.contain(address) {
            return Some(Problem::Address(address.to_owned()));
        }
        let namespace = &*target.namespace;
        (!namespace.is_empty() && !own.has(namespace)).then(|| Problem::Target(namespace.to_owned()))
    };
    let Ok(subsets) = read::<Subset<'_>>(object.subsets) else { return Some(Problem::Unreadable) };
    let Ok(endpoints) = read::<SliceEndpoint<'_>>(object.endpoints) else { return Some(Problem::Unreadable) };
    let addresses = subsets.iter().flat_map(|subset| subset.addresses.iter().chain(&*subset.not_ready));
    let mut of_subsets = addresses.filter_map(|SubsetAddress { ip, target }| one(ip, target));
    let mut of_slice = endpoints.iter().flat_map(|SliceEndpoint { addresses, target }| {
        addresses.iter().filter_map(|address| one(address, target))
    });
    of_subsets.next().or_else(|| of_slice.next())
}

fn read<'a, T: serde::Deserialize<'a> + Default>(
    list: Option<&'a RawValue>,
) -> Result<List<T>, serde_json::Error> {
    list.map_or_else(|| Ok(List::default()), |list| serde_json::from_str(list.get()))
}

fn explain(problem: &Problem<'_>, user: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const SELECTOR: &str =
        "give the Service a selector and remove this object, or ask the platform team to list";
    match problem {
        Problem::NoRanges => write!(
            f,
            "only controllers may write the addresses behind a Service; {SELECTOR} the addresses in the tenant's \
             `endpoints`, or the controller in the Settings (`controllers.endpoints`)"
        ),
        Problem::Writer(writers) => write!(
            f,
            "`{}` is not in the tenant's `endpoints.writers`; write addresses as {}, or ask the platform team to list \
             it there, or, if it is a controller of the platform, in the Settings (`controllers.endpoints`)",
            Escaped(user),
            OneOf(writers)
        ),
        Problem::Address(address) => write!(
            f,
            "`{}` is not in the tenant's `endpoints.addresses`; {SELECTOR} the address there",
            Escaped(address)
        ),
        Problem::Target(namespace) => write!(
            f,
            "says that an address is that of an object in `{}`, which is not a namespace of the tenant; leave out \
             `targetRef`",
            Escaped(namespace)
        ),
        Problem::Unreadable => f.write_str("the addresses cannot be read; correct this field"),
    }
}

/// Judges the addresses in the status of a pod, which controllers copy into the EndpointSlices of its Services.
fn pod_addresses(subject: &Subject<'_, '_>, status: &PodStatusFields<'_>, findings: &mut Findings<'_>) {
    let user = &subject.request.user;
    if is_outside_tenants(user, subject.snapshot) || user.groups.contains("system:nodes") {
        return;
    }
    for (field, address) in [("podIP", &status.pod_ip), ("hostIP", &status.host_ip)] {
        pod_address(&format_args!("status.{field}"), (field, address), findings);
    }
    for (field, lists, raw) in [("podIP", "podIPs", status.pod_ips), ("hostIP", "hostIPs", status.host_ips)] {
        match read::<PodAddress<'_>>(raw.filter(|raw| raw.get() != "null")) {
            Ok(addresses) => {
                for (index, PodAddress { ip }) in addresses.iter().enumerate() {
                    pod_address(&format_args!("status.{lists}[{index}].ip"), (field, ip), findings);
                }
            }
            Err(_) => {
                let message = "the addresses cannot be read; correct this field";
                let text = raw.map_or("", RawValue::get);
                findings.add_whole(
                    &format_args!("status.{lists}"),
                    &message,
                    &format_args!("{field} {text}"),
                );
            }
        }
    }
}

/// Judges one address of a pod; both fields of the pod's addresses say the same, and so have one identity.
fn pod_address(field: &dyn fmt::Display, (kind, address): (&str, &str), findings: &mut Findings<'_>) {
    if address.is_empty() {
        return;
    }
    let message = format_args!(
        "Services would send requests to `{}`, and only the kubelet of its node may write a pod's addresses; leave \
         this field as it is",
        Escaped(address)
    );
    findings.add_whole(field, &message, &format_args!("{kind} {address}"));
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
