//! Judges the values of annotations.

use std::fmt;

use super::actions;
use super::problem::Problem;
use super::table::AllowedValue;
use crate::hosts::Host;
use crate::json::Pairs;
use crate::judging::hosts::{is_pattern, is_plain};
use crate::judging::trusted_users::{is_of_cluster, is_outside_tenants};
use crate::judging::{OwnNamespaces, Subject};
use crate::tenancy::{Owner, Tenant};

const KIND: &str = "cert-manager.io/issuer-kind";
const GROUP: &str = "cert-manager.io/issuer-group";
/// The greatest length of a namespace's name.
const LONGEST: usize = 63;

/// Judges the values of one object's annotations.
#[derive(Clone, Copy)]
pub(super) struct AnnotationCheck<'j, 'a> {
    pub(super) subject: &'j Subject<'j, 'a>,
    pub(super) tenant: &'j Tenant,
    pub(super) annotations: &'j Pairs<'a>,
}

impl<'j> AnnotationCheck<'j, '_> {
    /// Returns the identity of an annotation; that of an issuer includes its kind and group.
    pub(super) fn identity(&self, key: &str, value: &str) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            write!(f, "{key}={value}")?;
            if self.is_issuer(key) { write!(f, " {} {}", self.get(KIND), self.get(GROUP)) } else { Ok(()) }
        })
    }

    fn is_issuer(&self, key: &str) -> bool {
        key == "cert-manager.io/issuer" || key == "cert-manager.io/issuer-name"
    }

    fn get(&self, key: &str) -> &str {
        self.annotations.get(key).unwrap_or_default()
    }

    /// Returns the problem with a value, if there is one.
    pub(super) fn problem(&self, allowed_value: AllowedValue, value: &'j str) -> Option<Problem<'j>> {
        let wrong = |is_right: bool, problem: Problem<'j>| (!is_right).then_some(problem);
        let characters = |is_right: bool| wrong(is_right, Problem::Characters(value));
        match allowed_value {
            AllowedValue::Word => characters(is_word(value)),
            AllowedValue::Plain => characters(is_plain(value)),
            AllowedValue::Parts => characters(value.split(';').all(is_plain)),
            AllowedValue::Pattern => characters(is_pattern(value)),
            AllowedValue::Patterns => characters(value.split(' ').all(is_pattern)),
            AllowedValue::Ranges => characters(value.chars().all(is_of_ranges)),
            AllowedValue::Text => characters(value.chars().all(|c| !c.is_control() || is_line(c))),
            AllowedValue::Object => wrong(self.is_own_object(value), Problem::Object(value)),
            AllowedValue::Namespace => wrong(self.is_own(value), Problem::Namespace(value)),
            AllowedValue::Url => wrong(self.is_own_url(value), Problem::Url(value)),
            // `HostClaims` judges these.
            AllowedValue::Hosts => None,
            AllowedValue::Addresses => list(value)
                .find(|address| !self.is_address(address, false))
                .filter(|_| !self.is_of_cluster())
                .map(Problem::Address),
            AllowedValue::Targets => list(value)
                .find(|target| !self.is_address(target, true) && !self.is_own_host(target))
                .map(Problem::Target),
            AllowedValue::Group => wrong(self.is_own_group(value), Problem::Group(value, &self.tenant.name)),
            AllowedValue::Actions => wrong(actions::are_harmless(value), Problem::Actions),
            AllowedValue::Attributes if !is_plain(value) => Some(Problem::Characters(value)),
            AllowedValue::Attributes => wrong(!list(value).any(is_about_logs), Problem::Logs),
            AllowedValue::Provided => {
                list(value).find(|name| *name != "default" && !self.is_provided(name)).map(Problem::Provided)
            }
            AllowedValue::Plugins => list(value).find(|plugin| !self.is_plugin(plugin)).map(Problem::Object),
            AllowedValue::ClusterIssuer => self.cluster_issuer(value),
            AllowedValue::Issuer => self.issuer(value),
            AllowedValue::IngressClass => {
                let listed = self.tenant.ingress_classes.as_ref()?;
                wrong(listed.contains(value), Problem::Class(value, listed))
            }
            AllowedValue::Controllers => {
                let Subject { request, snapshot, .. } = self.subject;
                wrong(is_outside_tenants(&request.user, snapshot), Problem::Reserved)
            }
            AllowedValue::Cluster => wrong(self.is_of_cluster(), Problem::Reserved),
        }
    }

    /// Returns whether the cluster itself writes the annotation, as it does for what it allocated.
    fn is_of_cluster(&self) -> bool {
        is_of_cluster(&self.subject.request.user, self.subject.snapshot)
    }

    fn is_own(&self, namespace: &str) -> bool {
        OwnNamespaces::of(self.subject).has(namespace)
    }

    fn is_own_object(&self, value: &str) -> bool {
        match value.split_once('/') {
            Some((namespace, name)) => self.is_own(namespace) && is_word(name),
            None => is_word(value),
        }
    }

    fn is_plugin(&self, plugin: &str) -> bool {
        match plugin.split_once(':') {
            Some((namespace, name)) => self.is_own(namespace.trim()) && is_word(name.trim()),
            None => is_word(plugin),
        }
    }

    fn is_own_host(&self, host: &str) -> bool {
        Host::parse(host).is_ok_and(|host| self.tenant.domains.owns(&host))
    }

    /// Returns whether a URL leads to a host of the tenant's; a path stays on the requested host.
    fn is_own_url(&self, value: &str) -> bool {
        let is_path = value.starts_with('/') && !value.starts_with("//");
        is_pattern(value) && (is_path || authority(value).is_some_and(|host| self.is_own_authority(host)))
    }

    fn is_own_authority(&self, authority: &str) -> bool {
        let host = match authority.split_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => host,
            Some(_) => return false,
            None => authority,
        };
        host == "$host" || self.is_own_host(host) || self.is_own_service(host)
    }

    fn is_own_service(&self, host: &str) -> bool {
        let service = host.strip_suffix(".cluster.local").unwrap_or(host).strip_suffix(".svc");
        service
            .and_then(|service| service.split_once('.'))
            .is_some_and(|(name, namespace)| !name.is_empty() && is_word(name) && self.is_own(namespace))
    }

    fn is_address(&self, text: &str, is_external: bool) -> bool {
        let services = &self.tenant.services;
        services.load_balancer_ips.contain(text) || (is_external && services.external_ips.contain(text))
    }

    /// Returns whether a group is named after the tenant, and after no tenant with a longer name.
    fn is_own_group(&self, group: &str) -> bool {
        let owner = self.subject.snapshot.tenant_of_group(group);
        is_word(group) && owner.is_some_and(|owner| owner.name == self.tenant.name)
    }

    /// Returns whether a Traefik reference can only be to an object of the tenant's.
    ///
    /// `team-a-auth` may be `auth` in `team-a` or `a-auth` in `team`. One of these namespaces must be the tenant's, and
    /// none may be another tenant's or the system's.
    fn is_provided(&self, value: &str) -> bool {
        let Some(name) = value.strip_suffix("@kubernetescrd") else { return false };
        let ends = || name.match_indices('-').map(|(end, _)| end).take_while(|end| *end <= LONGEST);
        let namespaces = || ends().filter_map(|end| name.get(..end));
        let is_foreign = |namespace: &str| match self.subject.snapshot.owner(namespace) {
            Owner::Tenant(_) => !self.is_own(namespace),
            Owner::System => true,
            Owner::Unclaimed => false,
        };
        is_word(name) && namespaces().any(|namespace| self.is_own(namespace)) && !namespaces().any(is_foreign)
    }

    fn cluster_issuer(&self, value: &'j str) -> Option<Problem<'j>> {
        let listed = self.tenant.certificate_issuers.as_ref()?;
        (!listed.contains(value)).then_some(Problem::Issuer(value, listed))
    }

    /// Judges an issuer: an Issuer is in the object's own namespace, other kinds may be anywhere.
    fn issuer(&self, value: &'j str) -> Option<Problem<'j>> {
        self.tenant.certificate_issuers.as_ref()?;
        match (self.get(KIND), self.get(GROUP)) {
            ("" | "Issuer", "" | "cert-manager.io") => None,
            ("ClusterIssuer", "" | "cert-manager.io") => self.cluster_issuer(value),
            _ => Some(Problem::IssuerKind(value)),
        }
    }
}

/// Returns the items of a list, without the spaces around them.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Returns the host and the port of a URL.
fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?']).next()
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn is_of_ranges(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/' | ',' | '!' | '-' | ' ') || is_line(c)
}

fn is_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t')
}

fn is_about_logs(attribute: &str) -> bool {
    attribute.split_once('.').is_some_and(|(group, _)| group.trim().ends_with("_logs"))
}
