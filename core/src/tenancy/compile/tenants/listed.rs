//! Compiles the lists of names that a tenant's pods and Ingresses may use.

use crate::api;
use crate::tenancy::compile::mistakes::{At, Mistakes, refuse_empty};
use crate::tenancy::compile::names;
use crate::tenancy::{Controllers, DEFAULT_SCHEDULER, ListedNames, Repository, RuntimeClasses};

pub(super) fn schedulers(
    at: &At,
    written: Option<&[String]>,
    controllers: &Controllers,
    mistakes: &mut Mistakes,
) -> ListedNames {
    let others = written.into_iter().flatten().enumerate().filter(|(_, name)| *name != DEFAULT_SCHEDULER);
    for (index, name) in others.filter(|_| controllers.bindings.is_empty()) {
        let message = "nobody may bind pods for this scheduler unless kube-scheduler has a profile of this name; list \
             the scheduler's user in the Settings (`controllers.bindings`)";
        mistakes.warn(at, format!("spec.schedulers[{index}]"), name, message);
    }
    let mend = "name a scheduler, or leave the field out: then it is `default-scheduler`";
    if let Some(written) =
        written.filter(|written| !written.is_empty() && !written.iter().any(|name| name == DEFAULT_SCHEDULER))
    {
        let message =
            "without `default-scheduler` every pod must name its scheduler, those of DaemonSets and Jobs too";
        mistakes.warn(at, "spec.schedulers", written, message);
    }
    let listed = written.map(|written| listed(at, "spec.schedulers", written, mend, mistakes));
    listed.unwrap_or_else(|| ListedNames::from_iter([DEFAULT_SCHEDULER]))
}

pub(super) fn topology_keys(
    at: &At,
    written: Option<&api::PodAffinity>,
    mistakes: &mut Mistakes,
) -> ListedNames {
    /// Labels of which many nodes of a cluster have the same value.
    const OF_MANY: [&str; 3] = ["kubernetes.io/arch", "kubernetes.io/os", "topology.kubernetes.io/region"];
    const PATH: &str = "spec.podAffinity.topologyKeys";
    let Some(written) = written.and_then(|written| written.topology_keys.as_ref()) else {
        return ListedNames::default();
    };
    let mend = "name a label of nodes, or leave the field out: then pods concern only the tenant's own pods";
    refuse_empty(written, at, PATH, mend, mistakes);
    for (index, key) in written.iter().enumerate() {
        let path = format!("{PATH}[{index}]");
        if !names::is_qualified_name(key) {
            mistakes.error(at, path, key, names::KEY);
        } else if OF_MANY.contains(&key.as_str()) {
            let message = "many nodes have the same value of this label, so one pod could keep other tenants' pods off \
                 all of them; list a label of smaller topologies, such as `topology.kubernetes.io/zone`";
            mistakes.warn(at, path, key, message);
        }
    }
    written.iter().collect()
}

pub(super) fn priority_classes(
    at: &At,
    written: Option<&[String]>,
    mistakes: &mut Mistakes,
) -> Option<ListedNames> {
    const PATH: &str = "spec.priorityClasses";
    let written = written?;
    for (index, name) in written.iter().enumerate().filter(|(_, name)| name.starts_with("system-")) {
        let message =
            "pods of this class push the cluster's own off their nodes, so no tenant gets it; name another";
        mistakes.error(at, format!("{PATH}[{index}]"), name, message);
    }
    let mend = "name a class, or leave the field out: then it is any but the system's";
    Some(listed(at, PATH, written, mend, mistakes))
}

pub(super) fn runtime_classes(
    at: &At,
    written: Option<&api::RuntimeClasses>,
    mistakes: &mut Mistakes,
) -> Option<RuntimeClasses> {
    const PATH: &str = "spec.runtimeClasses";
    let api::RuntimeClasses { default, allowed } = written?;
    if default.is_none() && allowed.is_none() {
        let message = "this names no class; name a `default` or what is `allowed`, or leave the field out";
        mistakes.error_json(at, PATH, "{}", message);
    }
    if default.is_none() && allowed.is_some() {
        let message =
            "without a `default` a pod that names no class runs in none, and so outside of any sandbox";
        mistakes.warn(at, PATH, written?, message);
    }
    if let Some(name) = default {
        check_name(at, format!("{PATH}.default"), name, mistakes);
    }
    let mend = "name a class, or leave the field out: then it is the default alone";
    let others =
        allowed.as_deref().map(|allowed| listed(at, &format!("{PATH}.allowed"), allowed, mend, mistakes));
    let default: Option<Box<str>> = default.as_deref().map(Into::into);
    let allowed = default.iter().chain(others.iter().flat_map(|names| names.iter())).collect();
    Some(RuntimeClasses { default, allowed })
}

pub(super) fn ingress_classes(
    at: &At,
    written: Option<&[String]>,
    mistakes: &mut Mistakes,
) -> Option<ListedNames> {
    const PATH: &str = "spec.ingressClasses";
    let written = written?;
    refuse_empty(written, at, PATH, "name a class, or leave the field out: then it is any or none", mistakes);
    for (index, name) in written.iter().enumerate() {
        // An annotation may name a class that no object can have as its name, such as `azure/application-gateway`.
        let is_of_class =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':');
        if name.is_empty() || name.len() > 253 || !name.bytes().all(is_of_class) {
            let message =
                "no controller takes such a class; use letters, digits, `-`, `_`, `.` and `/`, no patterns";
            mistakes.error(at, format!("{PATH}[{index}]"), name, message);
        }
    }
    Some(written.iter().collect())
}

pub(super) fn image_registries(
    at: &At,
    written: Option<&[String]>,
    mistakes: &mut Mistakes,
) -> Option<Vec<Repository>> {
    const PATH: &str = "spec.imageRegistries";
    let written = written?;
    refuse_empty(written, at, PATH, "name a registry, or leave the field out: then it is any", mistakes);
    let repositories = written.iter().enumerate().filter_map(|(index, text)| {
        let repository = Repository::parse(text);
        if repository.is_none() {
            let message =
                "this is no registry; write `registry.example.com` or `registry.example.com/path`, without a tag";
            mistakes.error(at, format!("{PATH}[{index}]"), text, message);
        }
        repository
    });
    Some(repositories.collect())
}

pub(super) fn gateway_classes(
    at: &At,
    written: Option<&[String]>,
    mistakes: &mut Mistakes,
) -> Option<ListedNames> {
    let mend =
        "name a class, or leave the field out: then there are no Gateways where there are no load balancers";
    Some(listed(at, "spec.gatewayClasses", written?, mend, mistakes))
}

pub(super) fn gateways(at: &At, written: Option<&[String]>, mistakes: &mut Mistakes) -> Option<ListedNames> {
    const PATH: &str = "spec.gateways";
    let written = written?;
    refuse_empty(written, at, PATH, "name a Gateway, or leave the field out: then it is any", mistakes);
    for (index, text) in written.iter().enumerate() {
        let is_one = text
            .split_once('/')
            .is_some_and(|(namespace, name)| names::is_dns_label(namespace) && names::is_subdomain(name));
        if !is_one {
            let message = "this is no Gateway; write its namespace and its name, such as `ingress/public`";
            mistakes.error(at, format!("{PATH}[{index}]"), text, message);
        }
    }
    Some(written.iter().collect())
}

pub(super) fn certificate_issuers(
    at: &At,
    written: Option<&[String]>,
    mistakes: &mut Mistakes,
) -> Option<ListedNames> {
    const PATH: &str = "spec.certificateIssuers";
    let written = written?;
    refuse_empty(written, at, PATH, "name a ClusterIssuer, or leave the field out: then it is any", mistakes);
    for (index, text) in written.iter().enumerate() {
        let is_kind = |kind: &str| {
            kind.split_once('.').is_some_and(|(kind, group)| {
                !kind.is_empty()
                    && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
                    && names::is_subdomain(group)
            })
        };
        match text.split_once('/') {
            Some((kind, name)) if is_kind(kind) && names::is_subdomain(name) => {}
            Some(_) => {
                let message = "this is no issuer; write the name of a ClusterIssuer, or `Kind.group/name` for an \
                               issuer of another kind";
                mistakes.error(at, format!("{PATH}[{index}]"), text, message);
            }
            None => check_name(at, format!("{PATH}[{index}]"), text, mistakes),
        }
    }
    Some(written.iter().collect())
}

pub(super) fn annotations(at: &At, written: &[String], mistakes: &mut Mistakes) -> ListedNames {
    for (index, key) in written.iter().enumerate() {
        // Keys of annotations have the form of label keys, but their prefix may contain capital letters.
        if !names::is_qualified_name(&key.to_ascii_lowercase()) {
            mistakes.error(at, format!("spec.annotations[{index}]"), key, names::KEY);
        }
    }
    written.iter().collect()
}

/// Compiles a list of objects' names, which must not be empty.
pub(super) fn listed(
    at: &At,
    path: &str,
    written: &[String],
    mend: &str,
    mistakes: &mut Mistakes,
) -> ListedNames {
    refuse_empty(written, at, path, mend, mistakes);
    for (index, name) in written.iter().enumerate() {
        check_name(at, format!("{path}[{index}]"), name, mistakes);
    }
    written.iter().collect()
}

fn check_name(at: &At, path: String, name: &str, mistakes: &mut Mistakes) {
    if !names::is_subdomain(name) {
        mistakes.error(at, path, name, names::NAME);
    }
}
