//! Judges the destinations of Istio's VirtualServices, to which a proxy of all tenants may send requests.
//!
//! Source: <https://istio.io/latest/docs/reference/config/networking/virtual-service/>.

use crate::hosts::Host;
use crate::json::{Escaped, Pairs, Path, Visit, walk, without_position};
use crate::judging::hosts::service_names;
use crate::judging::{Findings, OwnNamespaces, Subject};
use crate::objects::unstructured::Unstructured;
use crate::tenancy::Tenant;

pub(super) fn check(
    subject: &Subject<'_, '_>,
    object: &Unstructured<'_>,
    tenant: &Tenant,
    findings: &mut Findings<'_>,
) {
    let Some(raw) = object.get("spec") else { return };
    if let Err(error) = walk(&Path::ROOT.key("spec"), raw, &mut Destinations { subject, tenant, findings }) {
        let error = without_position(&error.to_string());
        let message = format_args!("this spec cannot be read: {}; correct it", Escaped(&error));
        findings.add_whole(&"spec", &message, &raw.get());
    }
}

struct Destinations<'d, 'f, 'a> {
    subject: &'d Subject<'d, 'a>,
    tenant: &'d Tenant,
    findings: &'d mut Findings<'f>,
}

impl Visit for Destinations<'_, '_, '_> {
    fn text(&mut self, path: &Path<'_>, text: &str) {
        let mut keys = path.keys();
        match (keys.next(), keys.next()) {
            (Some("host"), Some("destination" | "mirror")) if !self.is_own(text) => {
                let message = format_args!(
                    "sends requests to `{}`, which is no Service of the tenant; name one, or ask the platform team to \
                     list the name in the tenant's `services.externalNames`",
                    Escaped(text)
                );
                self.findings.add_whole(path, &message, &format_args!("destination {text}"));
            }
            (Some("namespace"), Some("delegate")) if !OwnNamespaces::of(self.subject).has(text) => {
                let message = format_args!(
                    "`{}` is not a namespace of the tenant; name one of its namespaces, or leave the field out",
                    Escaped(text)
                );
                self.findings.add_whole(path, &message, &format_args!("delegate {text}"));
            }
            _ => {}
        }
    }

    fn annotations(&mut self, _: &Path<'_>, _: &Pairs<'_>) {}
}

impl Destinations<'_, '_, '_> {
    /// Returns whether a destination is a Service of the tenant, or a name outside the cluster that it may use.
    ///
    /// A name without a dot is a Service of the VirtualService's namespace.
    fn is_own(&self, destination: &str) -> bool {
        Host::parse(destination).is_ok_and(|host| {
            matches!(&host, Host::Name(name) if !name.contains('.'))
                || service_names::is_own(&host, self.subject)
                || service_names::is_own_in_short(&host, self.subject)
                || self.tenant.services.external_names.owns(&host)
        })
    }
}
