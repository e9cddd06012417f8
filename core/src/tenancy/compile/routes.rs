//! Compiles kinds of other APIs and the paths of their hosts.

use super::mistakes::{At, Mistakes};
use super::names;
use crate::api;
use crate::objects::kinds::Shape;
use crate::tenancy::{ForeignRoute, HostPath};

pub(super) fn compile(at: &At, written: &[api::ForeignRoute], mistakes: &mut Mistakes) -> Vec<ForeignRoute> {
    let mut routes: Vec<ForeignRoute> = Vec::with_capacity(written.len());
    for (index, route) in written.iter().enumerate() {
        let path = format!("spec.foreignRoutes[{index}]");
        let api::ForeignRoute { group, kind, hosts, optional_hosts } = route;
        if !names::is_subdomain(group) || !group.contains('.') {
            let message = "this is no API group; write it without a version, such as `networking.istio.io`";
            mistakes.error(at, format!("{path}.group"), group, message);
        }
        if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = "this is no kind; write it as Kubernetes spells it, such as `VirtualService`";
            mistakes.error(at, format!("{path}.kind"), kind, message);
        }
        if Shape::of(group, kind) != Shape::Unstructured {
            let message =
                "where this kind has its hosts is known here, and other rules check them; remove it";
            mistakes.error(at, format!("{path}.kind"), kind, message);
        }
        if routes.iter().any(|other| *other.group == **group && *other.kind == **kind) {
            let message = "this kind is listed twice; remove one of them";
            mistakes.error(at, format!("{path}.kind"), kind, message);
        }
        routes.push(ForeignRoute {
            group: group.as_str().into(),
            kind: kind.as_str().into(),
            hosts: paths(at, &format!("{path}.hosts"), hosts, mistakes),
            optional_hosts: paths(at, &format!("{path}.optionalHosts"), optional_hosts, mistakes),
        });
    }
    routes
}

fn paths(at: &At, path: &str, written: &[String], mistakes: &mut Mistakes) -> Vec<HostPath> {
    let parse = |(index, text): (usize, &String)| {
        let parsed = HostPath::parse(text);
        if parsed.is_none() {
            let message = "this is no path to hosts; write fields and lists, such as `.spec.rules[*].host`";
            mistakes.error(at, format!("{path}[{index}]"), text, message);
        }
        if parsed.as_ref().is_some_and(HostPath::is_unread) {
            let message = "hosts are not read here; write a path below another field, such as `.spec.hosts[*]`, or \
                           `.metadata.name`";
            mistakes.error(at, format!("{path}[{index}]"), text, message);
        }
        parsed
    };
    written.iter().enumerate().filter_map(parse).collect()
}
