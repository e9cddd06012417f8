//! Judges the addresses in Istio's ServiceEntries and WorkloadEntries.
//!
//! Sources: <https://istio.io/latest/docs/reference/config/networking/service-entry/>,
//! <https://istio.io/latest/docs/reference/config/networking/workload-entry/>.

use std::net::IpAddr;

use crate::hosts::Host;
use crate::json::{Escaped, List, Text, borrowed, without_position};
use crate::judging::hosts::service_names;
use crate::judging::{Findings, Subject};
use crate::objects::unstructured::Unstructured;
use crate::tenancy::Tenant;

borrowed! {
    /// Holds the spec of a ServiceEntry.
    struct ServiceEntrySpec<'a> {
        /// The addresses by which clients reach the entry; proxies take requests to them.
        addresses: List<Text<'a>> = "addresses",
        /// The servers behind it.
        endpoints: List<WorkloadEntrySpec<'a>> = "endpoints",
    }
}

borrowed! {
    /// Holds a server: an endpoint, or the spec of a WorkloadEntry.
    struct WorkloadEntrySpec<'a> {
        /// The address, a name, or a socket of the proxy's own.
        address: Text<'a> = "address",
    }
}

/// Judges a ServiceEntry, which `is_local` if it holds only in its own namespace.
pub(super) fn service_entry(
    subject: &Subject<'_, '_>,
    object: &Unstructured<'_>,
    is_local: bool,
    findings: &mut Findings<'_>,
) {
    let (Some(tenant), Some(raw)) = (subject.tenant(), object.get("spec")) else { return };
    let spec = match serde_json::from_str::<Option<ServiceEntrySpec<'_>>>(raw.get()) {
        Ok(spec) => spec.unwrap_or_default(),
        Err(error) => return unreadable(&error, raw.get(), findings),
    };
    for (index, address) in spec.addresses.iter().enumerate() {
        if !is_listed(address, tenant) {
            let message = format_args!(
                "`{}` may be an address of others, and proxies would send to this entry what is meant for it; leave \
                 `addresses` out, so that the mesh chooses some, or ask the platform team to list the address in the \
                 tenant's `endpoints.addresses`",
                Escaped(address)
            );
            let field = format_args!("spec.addresses[{index}]");
            findings.add_whole(&field, &message, &format_args!("entry address {address}"));
        }
    }
    let endpoints = spec.endpoints.iter().enumerate().filter(|_| !is_local);
    for (index, endpoint) in endpoints {
        server(&format_args!("spec.endpoints[{index}].address"), endpoint, subject, tenant, findings);
    }
}

/// Judges a WorkloadEntry, which adds a server to the Services and ServiceEntries that select it.
pub(super) fn workload_entry(
    subject: &Subject<'_, '_>,
    object: &Unstructured<'_>,
    findings: &mut Findings<'_>,
) {
    let (Some(tenant), Some(raw)) = (subject.tenant(), object.get("spec")) else { return };
    match serde_json::from_str::<Option<WorkloadEntrySpec<'_>>>(raw.get()) {
        Ok(spec) => server(&"spec.address", &spec.unwrap_or_default(), subject, tenant, findings),
        Err(error) => unreadable(&error, raw.get(), findings),
    }
}

/// Judges a server to which proxies of all tenants may send requests.
fn server(
    field: &dyn std::fmt::Display,
    WorkloadEntrySpec { address }: &WorkloadEntrySpec<'_>,
    subject: &Subject<'_, '_>,
    tenant: &Tenant,
    findings: &mut Findings<'_>,
) {
    let is_own = || match Host::parse(address) {
        Ok(host @ Host::Name(_)) => {
            service_names::is_own(&host, subject) || tenant.services.external_names.owns(&host)
        }
        _ => is_listed(address, tenant),
    };
    if !address.is_empty() && !is_own() {
        let is_entry = &*subject.request.kind_name == "ServiceEntry";
        let message = std::fmt::from_fn(|f| {
            write!(f, "proxies of other tenants, too, would send requests to `{}`; ", Escaped(address))?;
            if is_entry {
                f.write_str("write `exportTo: [\".\"]`, so that the entry holds only in this namespace, ")?;
            } else {
                f.write_str("name a Service of the tenant, ")?;
            }
            f.write_str("or ask the platform team to list the ")?;
            f.write_str(match address.parse::<IpAddr>() {
                Ok(_) => "address in the tenant's `endpoints.addresses`",
                Err(_) => "name in the tenant's `services.externalNames`",
            })
        });
        findings.add_whole(field, &message, &format_args!("server {address}"));
    }
}

fn is_listed(address: &str, tenant: &Tenant) -> bool {
    tenant.services.external_ips.contain(address)
        || tenant.endpoints.as_ref().is_some_and(|listed| listed.addresses.contain(address))
}

fn unreadable(error: &serde_json::Error, spec: &str, findings: &mut Findings<'_>) {
    let error = without_position(&error.to_string());
    let message = format_args!("this spec cannot be read: {}; correct it", Escaped(&error));
    findings.add_whole(&"spec", &message, &spec);
}
