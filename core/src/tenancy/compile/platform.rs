//! Compiles the lists of trusted users and groups, and of prefixes and domains of annotations.

use super::mistakes::{At, Mistakes};
use super::names;
use super::namespaces::NamespaceOwners;
use crate::api;
use crate::hosts::Host;
use crate::tenancy::{Controllers, ListedNames, NamespaceOwner, Platform};

/// Lists groups that identify no team, since users of all kinds are in them.
const EVERYBODY: [&str; 5] = [
    "system:authenticated",
    "system:bootstrappers",
    "system:nodes",
    "system:serviceaccounts",
    "system:unauthenticated",
];
/// Begins the user name of a ServiceAccount.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
/// Begins the name of the group of a namespace's ServiceAccounts.
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts:";

/// Overwrites each list of the platform that Settings contain.
pub(super) fn platform(base: &mut Platform, at: &At, written: &api::Platform, mistakes: &mut Mistakes) {
    let api::Platform { users: named, groups, namespace_keys } = written;
    if let Some(named) = named {
        base.users = users(at, "spec.platform.users", named, mistakes);
    }
    if let Some(groups) = groups {
        for (index, group) in groups.iter().enumerate() {
            if EVERYBODY.contains(&group.as_str()) {
                let message = "tenants are in this group as well; name a group of the platform team alone";
                mistakes.error(at, format!("spec.platform.groups[{index}]"), group, message);
            }
        }
        base.groups = users(at, "spec.platform.groups", groups, mistakes);
    }
    if let Some(keys) = namespace_keys {
        for (index, key) in keys.iter().enumerate() {
            if !names::is_qualified_name(key) {
                mistakes.error(at, format!("spec.platform.namespaceKeys[{index}]"), key, names::KEY);
            }
        }
        base.namespace_keys = keys.iter().collect();
    }
}

/// Overwrites each list of controllers that Settings contain.
pub(super) fn controllers(
    base: &mut Controllers,
    at: &At,
    written: &api::Controllers,
    mistakes: &mut Mistakes,
) {
    let api::Controllers { endpoints, certificates, routes, services, volumes, bindings } = written;
    for (list, path, written) in [
        (&mut base.endpoints, "spec.controllers.endpoints", endpoints),
        (&mut base.certificates, "spec.controllers.certificates", certificates),
        (&mut base.routes, "spec.controllers.routes", routes),
        (&mut base.services, "spec.controllers.services", services),
        (&mut base.volumes, "spec.controllers.volumes", volumes),
        (&mut base.bindings, "spec.controllers.bindings", bindings),
    ] {
        if let Some(written) = written {
            *list = users(at, path, written, mistakes);
        }
    }
}

fn users(at: &At, path: &str, written: &[String], mistakes: &mut Mistakes) -> ListedNames {
    for (index, name) in written.iter().enumerate() {
        if name.trim().is_empty() || name.contains('*') {
            let message = "this is no name; write exact names, no patterns";
            mistakes.error(at, format!("{path}[{index}]"), name, message);
        }
    }
    written.iter().collect()
}

/// Adds an error for each trusted ServiceAccount of a tenant's namespace.
///
/// A user who may write in a namespace may run pods as any of its ServiceAccounts.
pub(super) fn refuse_tenants(
    at: &At,
    spec: &api::SettingsSpec,
    owners: &NamespaceOwners,
    mistakes: &mut Mistakes,
) {
    // The lists are copied, since only a cluster changes them.
    let (mut platform, mut controllers) = (spec.platform.clone(), spec.controllers.clone());
    for (path, names) in trusted(platform.as_mut(), controllers.as_mut()) {
        for (index, name) in names.iter().enumerate() {
            let owner = namespace_of(name).and_then(|namespace| owners.get(namespace));
            if matches!(owner, Some(NamespaceOwner::Tenant(_))) {
                mistakes.relation(at, format!("{path}[{index}]"), name, TRUSTED);
            }
        }
    }
}

/// Explains why no ServiceAccount of a tenant's namespace is trusted.
pub(super) const TRUSTED: &str = "tenants may be any ServiceAccount of their own namespaces, and this is one of a \
     tenant's; run what needs it in a namespace of the platform";

/// Returns the lists of trusted users and groups, with their paths.
pub(super) fn trusted<'s>(
    platform: Option<&'s mut api::Platform>,
    controllers: Option<&'s mut api::Controllers>,
) -> impl Iterator<Item = (&'static str, &'s mut Vec<String>)> {
    let of_platform = platform.into_iter().flat_map(|api::Platform { users, groups, namespace_keys: _ }| {
        [("spec.platform.users", users), ("spec.platform.groups", groups)]
    });
    let of_controllers = controllers.into_iter().flat_map(|controllers| {
        let api::Controllers { endpoints, certificates, routes, services, volumes, bindings } = controllers;
        [
            ("spec.controllers.endpoints", endpoints),
            ("spec.controllers.certificates", certificates),
            ("spec.controllers.routes", routes),
            ("spec.controllers.services", services),
            ("spec.controllers.volumes", volumes),
            ("spec.controllers.bindings", bindings),
        ]
    });
    of_platform.chain(of_controllers).filter_map(|(path, names)| Some((path, names.as_mut()?)))
}

/// Returns the namespace of a ServiceAccount, or of the group of all of its namespace.
pub(super) fn namespace_of(name: &str) -> Option<&str> {
    name.strip_prefix(SERVICE_ACCOUNTS)
        .or_else(|| Some(name.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?.0))
}

/// Removes the ServiceAccounts outside system namespaces from the lists that no operator wrote.
///
/// In this cluster their namespaces may not exist, so that whoever creates them would be trusted.
pub(super) fn distrust_outside_system<'s>(
    platform: &mut Platform,
    controllers: &mut Controllers,
    written: impl Iterator<Item = &'s api::SettingsSpec> + Clone,
    owners: &NamespaceOwners,
) {
    let Controllers { endpoints, certificates, routes, services, volumes, bindings } = controllers;
    let own = written.clone().filter_map(|spec| spec.platform.as_ref());
    let listed = written.filter_map(|spec| spec.controllers.as_ref());
    let is_own = |is_written: fn(&api::Platform) -> bool| own.clone().any(is_written);
    let is_listed = |is_written: fn(&api::Controllers) -> bool| listed.clone().any(is_written);
    for (names, is_written) in [
        (&mut platform.users, is_own(|own| own.users.is_some())),
        (&mut platform.groups, is_own(|own| own.groups.is_some())),
        (endpoints, is_listed(|listed| listed.endpoints.is_some())),
        (certificates, is_listed(|listed| listed.certificates.is_some())),
        (routes, is_listed(|listed| listed.routes.is_some())),
        (services, is_listed(|listed| listed.services.is_some())),
        (volumes, is_listed(|listed| listed.volumes.is_some())),
        (bindings, is_listed(|listed| listed.bindings.is_some())),
    ] {
        if !is_written {
            let is_system = |namespace: &str| owners.get(namespace) == Some(NamespaceOwner::System);
            names.retain(|name| namespace_of(name).is_none_or(is_system));
        }
    }
}

pub(super) fn annotation_prefixes(at: &At, written: &[String], mistakes: &mut Mistakes) -> ListedNames {
    for (index, prefix) in written.iter().enumerate() {
        if !names::is_subdomain(prefix) {
            let message = "this is no prefix of annotations; write `ingress.example.com`, without a slash";
            mistakes.error(at, format!("spec.annotationPrefixes[{index}]"), prefix, message);
        }
    }
    written.iter().collect()
}

/// Compiles the hosts that every tenant may name for external authentication.
pub(super) fn login_hosts(at: &At, written: &[String], mistakes: &mut Mistakes) -> ListedNames {
    let hosts = written.iter().enumerate().filter_map(|(index, text)| match Host::parse(text) {
        Ok(Host::Name(host)) if host.contains('.') => Some(host),
        _ => {
            let message = "this is no exact name of a host; write one such as `login.example.com`, without `https://`, \
                           a port or `*`";
            mistakes.error(at, format!("spec.loginHosts[{index}]"), text, message);
            None
        }
    });
    hosts.collect()
}

/// Compiles the domains of annotations that nothing in the cluster reads.
pub(super) fn annotation_domains(at: &At, written: &[String], mistakes: &mut Mistakes) -> Vec<Box<str>> {
    /// Domains of Kubernetes itself, below which controllers of all kinds have theirs.
    const SHARED: [&str; 3] = ["beta.kubernetes.io", "k8s.io", "kubernetes.io"];
    for (place, domain) in written.iter().enumerate() {
        let field = || format!("spec.annotationDomains[{place}]");
        if !names::is_subdomain(domain) {
            let message = "this is no domain of annotations; write `example.com`, without a slash";
            mistakes.error(at, field(), domain, message);
        } else if !domain.contains('.') || SHARED.contains(&domain.as_str()) {
            let message =
                "many controllers have domains below this one; write the whole domain of the annotations";
            mistakes.error(at, field(), domain, message);
        }
    }
    written.iter().map(|domain| domain.to_ascii_lowercase().into()).collect()
}
