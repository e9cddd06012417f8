//! `foreign-routes`: routes of other APIs need a setting that locates their hosts.
//!
//! Ingress controllers and service meshes have kinds of their own that claim hosts in their own syntax, or that
//! configure a proxy that tenants share. The rule denies these kinds for all APIs that
//! `core/src/objects/foreign_apis.rs` lists, except harmless kinds and those that the Settings list with the paths of
//! their hosts (`foreignRoutes`). A host at such a path must be in the tenant's domains or be the DNS name of one of
//! its Services. If an object has no value at a path under `hosts`, it claims every host, and is denied. `*.d` claims
//! every host below `d`, at any depth, as Istio, Contour and Kong match it, so it needs the domain `**.d`.
//! A VirtualService of Istio may send requests only to Services of the tenant, and to names in
//! `services.externalNames`.
//!
//! The rule does not see what a listed kind does besides claiming hosts (the Gateways that a VirtualService attaches
//! to, the contents of a snippet), hosts at paths that the Settings do not list, or APIs that are in neither list.

mod destinations;
mod path;

use std::fmt;

use self::path::{PathValue, walk};
use crate::hosts::Host;
use crate::json::Escaped;
use crate::judging::hosts::{HostClaims, service_names};
use crate::judging::{Findings, Subject};
use crate::objects::foreign_apis;
use crate::objects::object::Object;
use crate::objects::unstructured::Unstructured;
use crate::review::Request;
use crate::tenancy::HostPath;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Unstructured(object), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let Request { group, kind_name, user, .. } = subject.request;
    if subject.snapshot.controllers.routes.contains(&user.username) {
        return;
    }
    if let Some(route) = subject.snapshot.foreign_route(group, kind_name) {
        let mut hosts = Hosts { subject, object, claims: HostClaims::on(&tenant.domains, findings) };
        route.hosts.iter().for_each(|path| hosts.check(path, true));
        route.optional_hosts.iter().for_each(|path| hosts.check(path, false));
        if (&**group, &**kind_name) == ("networking.istio.io", "VirtualService") {
            destinations::check(subject, object, tenant, findings);
        }
    } else if foreign_apis::is_denied(group, kind_name) {
        let message = format_args!(
            "objects of kind {} in {} can claim other tenants' hosts, or configure a proxy that tenants share; use an \
             Ingress or an HTTPRoute, or ask the platform team to list the kind (`foreignRoutes`) or the controller \
             that writes it (`controllers.routes`) in the Settings",
            Escaped(kind_name),
            Escaped(group)
        );
        findings.add_whole(&"kind", &message, &format_args!("{group} {kind_name}{}", object.identity()));
    }
}

/// Judges the hosts of an object of a listed kind.
struct Hosts<'c, 'f, 's, 'a> {
    subject: &'s Subject<'s, 'a>,
    object: &'s Unstructured<'a>,
    claims: HostClaims<'c, 'f>,
}

impl Hosts<'_, '_, '_, '_> {
    fn check(&mut self, path: &HostPath, is_required: bool) {
        let Self { subject, object, claims } = self;
        let source = path.to_string();
        let mut is_told = false;
        walk(object, path, &mut |field, found| match found {
            PathValue::Host(host) => {
                let is_own = Host::parse(host).is_ok_and(|host| service_names::is_own(&host, subject));
                if !is_own {
                    claims.host_and_below(field, &source, host);
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
