//! Judges the Route of OpenShift.

use crate::json::Escaped;
use crate::judging::hosts::HostClaims;
use crate::objects::gateway_api::OpenShiftRouteSpec;

/// Judges the hosts of a Route.
///
/// If it has none, the API server generates one from the Route's name and namespace, after admission.
pub(super) fn check(spec: &OpenShiftRouteSpec<'_>, claims: &mut HostClaims<'_, '_>) {
    let OpenShiftRouteSpec { host, subdomain, wildcard_policy, .. } = spec;
    if !host.is_empty() {
        claims.host(&"spec.host", &"host", host);
    } else if !subdomain.is_empty() {
        // The subdomain has no effect if there is a host.
        let message = format_args!(
            "each router adds its own domain to `{}`; write `spec.host` instead",
            Escaped(subdomain)
        );
        claims.findings.add_whole(&"spec.subdomain", &message, &format_args!("subdomain={subdomain}"));
    }
    const POLICY: &str = "spec.wildcardPolicy";
    match &**wildcard_policy {
        "" | "None" => {}
        "Subdomain" => {
            // The policy replaces the first label of the host by any other.
            let above = host.split_once('.').map_or("", |(_, above)| above);
            claims.host(&POLICY, &"wildcard", &format!("*.{above}"));
        }
        other => {
            let message =
                format_args!("the hosts of policy `{}` are not known here; write `None`", Escaped(other));
            claims.findings.add_whole(&POLICY, &message, &format_args!("wildcard policy {other} {host}"));
        }
    }
}
