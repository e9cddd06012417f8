//! Takes from Settings and Exemptions what trusts a tenant's namespace, or is for nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::Reason;
use super::trimmed::{Trimmed, remove_at};
use crate::api::ExemptionSpec;
use crate::tenancy::compile::mistakes::Mistakes;
use crate::tenancy::compile::objects::{Named, Objects};
use crate::tenancy::compile::platform::{TRUSTED, namespace_of, trusted};
use crate::tenancy::compile::{defaults, names};

/// Takes the ServiceAccounts of tenants' namespaces from the lists of whom the Settings trust.
pub(super) fn settings(trimmed: &mut Trimmed) {
    let tenants = trimmed.objects.tenants.iter().flat_map(|tenant| tenant.spec.namespaces.iter().flatten());
    let mut of_tenants: BTreeSet<String> = tenants.cloned().collect();
    of_tenants.extend(trimmed.denied.keys().map(|namespace| String::from(&**namespace)));
    let mut settings = std::mem::take(&mut trimmed.objects.settings);
    for Named { spec, .. } in &mut settings {
        for (path, list) in trusted(spec.platform.as_mut(), spec.controllers.as_mut()) {
            let mut removed = BTreeSet::new();
            for (place, name) in list.iter().enumerate() {
                if namespace_of(name).is_some_and(|namespace| of_tenants.contains(namespace)) {
                    let path = format!("{path}[{place}]");
                    trimmed.note(("Settings", "default"), Reason::Conflict, path, name, TRUSTED);
                    removed.insert(place);
                }
            }
            remove_at(list, &removed);
        }
    }
    trimmed.objects.settings = settings;
}

/// Takes away the Exemptions of tenants that are not there, and of namespaces that are others'.
pub(super) fn exemptions(trimmed: &mut Trimmed) {
    let mut owners: BTreeMap<String, Whose> = BTreeMap::new();
    let Objects { settings, own_namespace, .. } = &trimmed.objects;
    let base = defaults::compile(settings, own_namespace.as_deref(), &mut Mistakes::default());
    owners.extend(base.system_namespaces.into_iter().map(|namespace| (namespace, Whose::System)));
    for Named { name, spec, .. } in &trimmed.objects.tenants {
        let own = spec.namespaces.iter().flatten();
        owners.extend(own.map(|namespace| (namespace.clone(), Whose::Tenant(name.clone()))));
    }
    let denied = trimmed.denied.keys().map(|namespace| (String::from(&**namespace), Whose::Unknown));
    owners.extend(denied);
    let tenants: BTreeSet<String> =
        trimmed.objects.tenants.iter().map(|tenant| tenant.name.clone()).collect();
    let mut exemptions = std::mem::take(&mut trimmed.objects.exemptions);
    exemptions.retain(|Named { name, spec, .. }| match fault(spec, &owners, &tenants) {
        None => true,
        Some(Fault { reason, path, value, message }) => {
            trimmed.note(("Exemption", name), reason, path, &value, message);
            false
        }
    });
    trimmed.objects.exemptions = exemptions;
}

enum Whose {
    System,
    Tenant(String),
    /// Everything is denied there.
    Unknown,
}

struct Fault {
    reason: Reason,
    path: &'static str,
    value: String,
    message: String,
}

/// Says why an Exemption is for nobody.
fn fault(
    spec: &ExemptionSpec,
    owners: &BTreeMap<String, Whose>,
    tenants: &BTreeSet<String>,
) -> Option<Fault> {
    const NAMESPACE: &str = "spec.namespace";
    let fault = |reason, path, value: &str, message: String| {
        Some(Fault { reason, path, value: value.to_owned(), message })
    };
    if let Some(tenant) = spec.tenant.as_deref().filter(|tenant| !tenants.contains(*tenant)) {
        let meant = names::did_you_mean(tenant, tenants.iter().map(String::as_str));
        let message = format!("there is no Tenant `{tenant}`{meant}; name one that is");
        return fault(Reason::UnknownTenant, "spec.tenant", tenant, message);
    }
    let namespace = spec.namespace.as_deref()?;
    match (owners.get(namespace), &spec.tenant) {
        (Some(Whose::Unknown), _) => {
            let message = "it is not known whose this namespace is, so everything in it is denied".to_owned();
            fault(Reason::Conflict, NAMESPACE, namespace, message)
        }
        (Some(Whose::Tenant(owner)), Some(tenant)) if owner == tenant => None,
        (_, Some(tenant)) => {
            let message = format!(
                "this is none of tenant `{tenant}`'s namespaces; name one of them, or remove `tenant` for a namespace \
                 outside tenants"
            );
            fault(Reason::UnknownNamespace, NAMESPACE, namespace, message)
        }
        (Some(Whose::Tenant(owner)), None) => {
            let message = format!("this namespace is tenant `{owner}`'s; write `tenant: {owner}` beside it");
            fault(Reason::Conflict, NAMESPACE, namespace, message)
        }
        (Some(Whose::System), None) => {
            let message = "nothing is judged in a system namespace, so there is nothing to exempt; remove the \
                 Exemption";
            fault(Reason::Conflict, NAMESPACE, namespace, message.to_owned())
        }
        (None, None) => None,
    }
}
