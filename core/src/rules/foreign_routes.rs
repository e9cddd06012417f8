//! `foreign-routes`: no routes of other APIs, unless Settings say where their hosts are.
//!
//! Every ingress controller and service mesh has kinds of its own that claim hosts, in its own syntax, or that
//! configure a proxy that tenants share. [`foreign_apis::APIS`] lists those that are known: what they have is denied, but for what
//! does no harm, and for the kinds that the operator lists with the paths of their hosts. These are held to the
//! tenant's domains, and to what the cluster calls its Services. A path at which nothing is claims every host.
//!
//! Not seen here: what a listed kind does besides claiming hosts (which Gateways a VirtualService attaches to, what a
//! snippet in it says), hosts at paths that the operator did not list, and APIs that are in neither list.

mod path;

use std::fmt;

use self::path::{Found, walk};
use crate::hosts::Host;
use crate::json::Cut;
use crate::judging::hosts::{Claims, service_names};
use crate::judging::{Findings, Subject};
use crate::objects::foreign_apis;
use crate::objects::object::Object;
use crate::objects::unstructured::Custom;
use crate::review::Request;
use crate::tenancy::HostPath;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Custom(object), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let Request { group, kind_name, user, .. } = subject.request;
    let controllers = &subject.snapshot.controllers.routes;
    if controllers.iter().any(|controller| **controller == *user.username) {
        return;
    }
    if let Some(route) = subject.snapshot.foreign_route(group, kind_name) {
        let mut hosts = Hosts { subject, object, claims: Claims::on(&tenant.domains, findings) };
        route.hosts.iter().for_each(|path| hosts.check(path, true));
        route.optional_hosts.iter().for_each(|path| hosts.check(path, false));
    } else if foreign_apis::is_denied(group, kind_name) {
        let message = format_args!(
            "objects of kind {} in {} can claim hosts of others, or change what others share; use an Ingress or an \
             HTTPRoute, or ask the platform team to list this kind under `foreignRoutes`, or the controller that \
             writes them under `controllers.routes`",
            Cut(kind_name),
            Cut(group)
        );
        findings.add_whole(&"kind", &message, &format_args!("{group} {kind_name}{}", object.identity()));
    }
}

/// The hosts of an object of a listed kind.
struct Hosts<'c, 'f, 's, 'a> {
    subject: &'s Subject<'s, 'a>,
    object: &'s Custom<'a>,
    claims: Claims<'c, 'f>,
}

impl Hosts<'_, '_, '_, '_> {
    fn check(&mut self, path: &HostPath, is_required: bool) {
        let Self { subject, object, claims } = self;
        let source = path.to_string();
        let mut is_told = false;
        walk(object, path, &mut |field, found| match found {
            Found::Host(host) => {
                let is_own = Host::parse(host).is_ok_and(|host| service_names::is_own(&host, subject));
                if !is_own {
                    claims.host(field, &source, host);
                }
            }
            Found::Nothing if is_required => claims.host(field, &source, ""),
            Found::Nothing => {}
            // Once: it is as new as the object, and there may be thousands in a list.
            Found::Unreadable(_) if is_told => {}
            Found::Unreadable(problem) => {
                is_told = true;
                let message = fmt::from_fn(|f| {
                    write!(
                        f,
                        "{problem}, so its hosts cannot be checked; correct that field, or ask the platform team to \
                               correct the path `{path}` in `foreignRoutes`"
                    )
                });
                claims.findings.add_whole(field, &message, &format_args!("{source}{}", object.identity()));
            }
        });
    }
}
