//! Compiles the Endpoints that a tenant may write by hand.

use crate::api::{self, TenantSpec};
use crate::tenancy::compile::addresses::parse_range;
use crate::tenancy::compile::mistakes::{Mistakes, refuse_empty};
use crate::tenancy::compile::names;
use crate::tenancy::compile::objects::Named;
use crate::tenancy::{HandWrittenEndpoints, ListedNames};

/// Begins the user name of a ServiceAccount.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

pub(super) fn compile(object: &Named<TenantSpec>, mistakes: &mut Mistakes) -> Option<HandWrittenEndpoints> {
    const ADDRESSES: &str = "spec.endpoints.addresses";
    let api::Endpoints { addresses, writers } = object.spec.endpoints.as_ref()?;
    let mend = "list a range, or leave `endpoints` out: then only controllers write addresses";
    refuse_empty(addresses, &object.at, ADDRESSES, mend, mistakes);
    let ranges = addresses.iter().enumerate().filter_map(|(index, text)| {
        let range = parse_range(text);
        if range.is_none() {
            let message = "this is neither an address nor a range; write `192.0.2.7` or `192.0.2.0/28`";
            mistakes.error(&object.at, format!("{ADDRESSES}[{index}]"), text, message);
        }
        range
    });
    let addresses = ranges.collect();
    let writers = writers.as_deref().map(|written| compile_writers(object, written, mistakes));
    Some(HandWrittenEndpoints { addresses, writers })
}

/// Returns the user names of ServiceAccounts in namespaces of the tenant.
fn compile_writers(object: &Named<TenantSpec>, written: &[String], mistakes: &mut Mistakes) -> ListedNames {
    const WRITERS: &str = "spec.endpoints.writers";
    let Named { at, spec, .. } = object;
    let mend = "list a ServiceAccount, or leave the field out: then it is any user of the namespace";
    refuse_empty(written, at, WRITERS, mend, mistakes);
    let own = || spec.namespaces.iter().flatten();
    let users = written.iter().enumerate().flat_map(|(index, text)| {
        let account = match text.strip_prefix(SERVICE_ACCOUNT) {
            Some(account) => account.split_once(':').map(|(namespace, name)| (Some(namespace), name)),
            None => Some(match text.split_once('/') {
                Some((namespace, name)) => (Some(namespace), name),
                None => (None, text.as_str()),
            }),
        };
        let is_right = |(namespace, name): &(Option<&str>, &str)| {
            namespace.is_none_or(names::is_dns_label) && names::is_subdomain(name)
        };
        let Some((namespace, name)) = account.filter(is_right) else {
            let message = "this is no ServiceAccount; write its namespace and its name, such as `team-a/postgres`";
            mistakes.error(at, format!("{WRITERS}[{index}]"), text, message);
            return Vec::new();
        };
        if namespace.is_some_and(|namespace| !own().any(|own| own == namespace)) {
            let message = "this ServiceAccount is in no namespace of the tenant; list controllers of the platform in \
                           the Settings (`controllers.endpoints`)";
            mistakes.error(at, format!("{WRITERS}[{index}]"), text, message);
        }
        let namespaces = own().filter(|own| namespace.is_none_or(|namespace| *own == namespace));
        namespaces.map(|namespace| format!("{SERVICE_ACCOUNT}{namespace}:{name}")).collect()
    });
    users.collect()
}
