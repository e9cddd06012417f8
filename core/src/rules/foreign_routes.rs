//! `foreign-routes`: routes of other APIs need a setting that locates their hosts.
//!
//! Ingress controllers and service meshes have kinds of their own that claim hosts in their own syntax, or that
//! configure a proxy that tenants share. The rule denies these kinds for all APIs that
//! `core/src/objects/foreign_apis.rs` lists, except harmless kinds and those that the Settings list with the paths of
//! their hosts (`foreignRoutes`). A host at such a path must be in the tenant's domains or be the DNS name of one of
//! its Services. If an object has no value at a path under `hosts`, it claims every host, and is denied. `*.d` claims
//! every host below `d`, at any depth, as Istio, Contour and Kong match it, so it needs the domain `**.d`.
//!
//! An HTTPProxy of Contour without a virtual host claims none: it takes part in those that include it. So does a
//! VirtualService of Istio without hosts and gateways: it takes part in those that delegate to it. In a Gateway of
//! Istio, `./host` and `namespace/host` of the tenant's own namespace say which VirtualServices may serve the host. A
//! host without a dot in a VirtualService or DestinationRule of Istio is a Service of the object's own namespace. A
//! ServiceEntry that is exported only to its own namespace may also have hosts in `services.externalNames`. A
//! VirtualService may send requests only to Services of the tenant, and to names in `services.externalNames`.
//!
//! `addresses` of a ServiceEntry are those that proxies take requests to, and must be in the Tenant's
//! `endpoints.addresses` or `services.externalIPs`. So must be the servers of a WorkloadEntry, and those of a
//! ServiceEntry that other namespaces see, if they are addresses; names must be those of Services of the tenant or in
//! `services.externalNames`. A `workloadSelector` selects pods of the entry's own namespace, and `subjectAltNames` only
//! say whom its clients trust.
//!
//! The status of such an object holds the addresses that external-dns publishes for its hosts, or that a mesh sends
//! requests to. A tenant's user may write conditions there, but no addresses.
//!
//! The rule does not see what a listed kind does besides claiming hosts (the Gateways that a VirtualService attaches
//! to, the contents of a snippet), hosts at paths that the Settings do not list, APIs that are in neither list, or
//! whether a mesh honours `exportTo`.

mod destinations;
mod mesh;
mod path;
mod status;

use std::fmt;

use serde_json::value::RawValue;

use self::path::{PathValue, walk};
use crate::hosts::Host;
use crate::json::{Escaped, List, Text, borrowed};
use crate::judging::hosts::{HostClaims, service_names};
use crate::judging::{Findings, OwnNamespaces, Subject};
use crate::objects::foreign_apis;
use crate::objects::object::Object;
use crate::objects::unstructured::Unstructured;
use crate::review::Request;
use crate::tenancy::HostPath;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Some(tenant) = subject.tenant() else { return };
    let Request { group, kind_name, user, .. } = subject.request;
    if subject.snapshot.controllers.routes.contains(&user.username) {
        return;
    }
    if let Object::Status(object) = subject.object {
        status::check(subject, object, findings);
        return;
    }
    let Object::Unstructured(object) = subject.object else { return };
    if let Some(route) = subject.snapshot.foreign_route(group, kind_name) {
        let claims = HostClaims::on(&tenant.domains, findings);
        let external = External::of(subject, object);
        let mut hosts = Hosts { subject, object, external, claims };
        let is_child = is_child_proxy(group, kind_name, object) || is_delegate(group, kind_name, object);
        route.hosts.iter().for_each(|path| hosts.check(path, !is_child));
        route.optional_hosts.iter().for_each(|path| hosts.check(path, false));
        match (&**group, &**kind_name) {
            (ISTIO, "VirtualService") => destinations::check(subject, object, tenant, findings),
            (ISTIO, "ServiceEntry") => {
                mesh::service_entry(subject, object, external == External::Yes, findings);
            }
            (ISTIO, "WorkloadEntry") => mesh::workload_entry(subject, object, findings),
            _ => {}
        }
    } else if foreign_apis::is_denied(group, kind_name) {
        let message = format_args!(
            "objects of kind {} in {} can claim hosts, addresses or identities of other tenants, or configure a proxy \
             that tenants share; use an Ingress or an HTTPRoute, or ask the platform team to list the kind \
             (`foreignRoutes`) or the controller that writes it (`controllers.routes`) in the Settings",
            Escaped(kind_name),
            Escaped(group)
        );
        findings.add_whole(&"kind", &message, &format_args!("{group} {kind_name}{}", object.identity()));
    }
}

/// The group of Istio's routes.
const ISTIO: &str = "networking.istio.io";

borrowed! {
    /// Holds the spec of an HTTPProxy.
    struct ProxySpec<'a> {
        /// The virtual host of a proxy that is no child of others.
        virtual_host: Option<&'a RawValue> = "virtualhost",
    }
}

borrowed! {
    /// Holds the spec of a ServiceEntry.
    struct EntrySpec<'a> {
        /// The namespaces in which the entry holds; `.` is its own.
        export_to: List<Text<'a>> = "exportTo",
    }
}

/// Returns whether an object is a proxy of Contour that serves only the hosts of those that include it.
fn is_child_proxy(group: &str, kind: &str, object: &Unstructured<'_>) -> bool {
    let is_proxy =
        matches!((group, kind), ("projectcontour.io", "HTTPProxy") | ("contour.heptio.com", "IngressRoute"));
    let spec = || object.get("spec").map_or("{}", RawValue::get);
    is_proxy && serde_json::from_str::<ProxySpec<'_>>(spec()).is_ok_and(|spec| spec.virtual_host.is_none())
}

borrowed! {
    /// Holds the spec of a VirtualService.
    struct ServiceSpec<'a> {
        /// The hosts.
        hosts: List<Text<'a>> = "hosts",
        /// The gateways that serve them; none means all proxies of the mesh.
        gateways: List<Text<'a>> = "gateways",
    }
}

/// Returns whether an object is a VirtualService of Istio that serves only the hosts of those that delegate to it.
///
/// Source: <https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate>.
fn is_delegate(group: &str, kind: &str, object: &Unstructured<'_>) -> bool {
    let spec = || object.get("spec").map_or("{}", RawValue::get);
    (group, kind) == (ISTIO, "VirtualService")
        && serde_json::from_str::<ServiceSpec<'_>>(spec())
            .is_ok_and(|spec| spec.hosts.is_empty() && spec.gateways.is_empty())
}

/// Says whether hosts outside the tenant's domains may be those of servers that only the object's namespace reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum External {
    /// They may not.
    No,
    /// They might, if the ServiceEntry held only in its own namespace.
    IfExportedNowhere,
    /// They may.
    Yes,
}

impl External {
    fn of(subject: &Subject<'_, '_>, object: &Unstructured<'_>) -> Self {
        if (&*subject.request.group, &*subject.request.kind_name) != (ISTIO, "ServiceEntry") {
            return Self::No;
        }
        let spec = object.get("spec").map_or("{}", RawValue::get);
        let is_own = serde_json::from_str::<EntrySpec<'_>>(spec).is_ok_and(|spec| {
            !spec.export_to.is_empty() && spec.export_to.iter().all(|namespace| &**namespace == ".")
        });
        if is_own { Self::Yes } else { Self::IfExportedNowhere }
    }
}

/// Judges the hosts of an object of a listed kind.
struct Hosts<'c, 'f, 's, 'a> {
    subject: &'s Subject<'s, 'a>,
    object: &'s Unstructured<'a>,
    external: External,
    claims: HostClaims<'c, 'f>,
}

impl Hosts<'_, '_, '_, '_> {
    fn check(&mut self, path: &HostPath, is_required: bool) {
        let Self { subject, object, external, claims } = self;
        let source = path.to_string();
        let mut is_told = false;
        walk(object, path, &mut |field, found| match found {
            PathValue::Host(written) => {
                let host = match without_namespace(written, subject) {
                    Ok(host) => host,
                    Err(namespace) => {
                        let message = format_args!(
                            "lets VirtualServices of namespace `{}` serve the host, which is not a namespace of the \
                             tenant; write the host alone, or `./` and the host",
                            Escaped(namespace)
                        );
                        claims.findings.add_whole(field, &message, &format_args!("{source}={written}"));
                        return;
                    }
                };
                let is_own = |parsed: &Host| {
                    service_names::is_own(parsed, subject) || is_own_in_istio(parsed, host, subject)
                };
                match (Host::parse(host), *external) {
                    (Ok(parsed), _) if is_own(&parsed) => {}
                    (Ok(parsed), External::Yes) if is_external(&parsed, subject) => {}
                    (Ok(parsed), External::Yes | External::IfExportedNowhere)
                        if !claims.are_of_domains(&parsed) =>
                    {
                        let (below, name) = match &parsed {
                            Host::Name(name) => ("", name),
                            Host::Wildcard(base) => ("**.", base),
                        };
                        let message = format_args!(
                            "`{}` is not in the tenant's domains; write `exportTo: [\".\"]`, so that it holds only in \
                             this namespace, and ask the platform team to list `{below}{}` in the tenant's \
                             `services.externalNames`",
                            Escaped(host),
                            Escaped(name)
                        );
                        claims.findings.add_whole(field, &message, &format_args!("{source}={host}"));
                    }
                    _ => {
                        claims.host_and_below(field, &source, host);
                    }
                }
            }
            PathValue::Nothing if is_required => claims.host(field, &source, ""),
            PathValue::Nothing => {}
            // One report suffices: its identity is the whole object, and a list can hold thousands of such items.
            PathValue::Unreadable(_) if is_told => {}
            PathValue::Unreadable(problem) => {
                is_told = true;
                let message = fmt::from_fn(|f| {
                    write!(
                        f,
                        "{problem}, so the hosts cannot be checked; correct this field, or ask the platform team to \
                         correct the path `{path}` in the Settings (`foreignRoutes`)"
                    )
                });
                claims.findings.add_whole(field, &message, &format_args!("{source}{}", object.identity()));
            }
        });
    }
}

/// Returns the host of a Gateway of Istio, whose namespace says which VirtualServices may serve it.
///
/// Returns the namespace if it is not the tenant's. `*` means all namespaces, as no namespace does.
fn without_namespace<'h>(written: &'h str, subject: &Subject<'_, '_>) -> Result<&'h str, &'h str> {
    let Request { group, kind_name, .. } = subject.request;
    match written.split_once('/') {
        Some((namespace, host)) if (&**group, &**kind_name) == (ISTIO, "Gateway") => {
            let is_own = matches!(namespace, "." | "*") || OwnNamespaces::of(subject).has(namespace);
            if is_own { Ok(host) } else { Err(namespace) }
        }
        _ => Ok(written),
    }
}

/// Returns whether Istio takes a host for a Service of the object's own namespace, since it has no dot.
fn is_own_in_istio(parsed: &Host, written: &str, subject: &Subject<'_, '_>) -> bool {
    &*subject.request.group == ISTIO
        && matches!(&*subject.request.kind_name, "VirtualService" | "DestinationRule")
        && matches!(parsed, Host::Name(_))
        && !written.contains('.')
}

/// Returns whether the tenant may use a host outside the cluster; `*.d` is any name below `d`, at any depth.
fn is_external(host: &Host, subject: &Subject<'_, '_>) -> bool {
    let Some(names) = subject.tenant().map(|tenant| &tenant.services.external_names) else { return false };
    match host {
        Host::Name(_) => names.owns(host),
        Host::Wildcard(base) => names.owns_all_below(base),
    }
}
