//! `foreign-routes`: no routes of other APIs, unless Settings say where their hosts are.
//!
//! Every ingress controller and service mesh has kinds of its own that claim hosts, in its own syntax, or that
//! configure a proxy that tenants share. [`APIS`] lists those that are known: what they have is denied, but for what
//! does no harm, and for the kinds that the operator lists with the paths of their hosts. These are held to the
//! tenant's domains, and to what the cluster calls its Services. A path at which nothing is claims every host.
//!
//! Not seen here: what a listed kind does besides claiming hosts (which Gateways a VirtualService attaches to, what a
//! snippet in it says), hosts at paths that the operator did not list, and APIs that are in neither list.

mod apis;
mod path;

use std::fmt;

pub(crate) use self::apis::APIS;
use self::path::{Found, walk};
use crate::hosts::Host;
use crate::json::Cut;
use crate::judging::hosts::{Claims, service_names};
use crate::judging::{Findings, Subject};
use crate::objects::unstructured::Custom;
use crate::review::{Object, Request};
use crate::tenancy::{ForeignRoute, HostPath};

/// Whether the rule is about a kind that is read as a custom one.
pub(super) fn is_about(group: &str, kind: &str, listed: &[ForeignRoute]) -> bool {
    find(group, kind, listed).is_some() || is_denied(group, kind)
}

/// Whether the rule is about a kind of this name that somebody may have meant.
pub(super) fn is_about_any(kind: &str, listed: &[ForeignRoute]) -> bool {
    listed.iter().any(|route| *route.kind == *kind) || APIS.iter().any(|api| api.kinds.names(kind))
}

/// Whether the webhooks of the table alone send objects of this kind.
pub fn is_sent(group: &str, kind: &str) -> bool {
    APIS.iter().any(|api| api.groups.contains(&group) && api.kinds.are_sent(kind))
}

fn is_denied(group: &str, kind: &str) -> bool {
    APIS.iter().any(|api| api.groups.contains(&group) && api.kinds.deny(kind))
}

fn find<'l>(group: &str, kind: &str, listed: &'l [ForeignRoute]) -> Option<&'l ForeignRoute> {
    listed.iter().find(|route| *route.group == *group && *route.kind == *kind)
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Object::Custom(object), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    let Request { group, kind_name, user, .. } = subject.request;
    let controllers = &subject.snapshot.controllers.routes;
    if controllers.iter().any(|controller| **controller == *user.username) {
        return;
    }
    if let Some(route) = find(group, kind_name, &subject.snapshot.foreign_routes) {
        let mut hosts = Hosts { subject, object, claims: Claims::on(&tenant.domains, findings) };
        route.hosts.iter().for_each(|path| hosts.check(path, true));
        route.optional_hosts.iter().for_each(|path| hosts.check(path, false));
    } else if is_denied(group, kind_name) {
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
