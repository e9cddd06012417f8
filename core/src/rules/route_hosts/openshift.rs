//! The Route of OpenShift.

use crate::json::Cut;
use crate::judging::hosts::Claims;
use crate::objects::gateway_api::OpenShiftRouteSpec;

/// Without a host the API server makes one, after admission, of the Route's name and namespace.
pub(super) fn check(spec: &OpenShiftRouteSpec<'_>, claims: &mut Claims<'_, '_>) {
    let OpenShiftRouteSpec { host, subdomain, wildcard_policy } = spec;
    if !host.is_empty() {
        claims.host(&"spec.host", "host", host);
    } else if !subdomain.is_empty() {
        // Where there is a host, it counts for nothing.
        let message = format_args!(
            "`{}` stands for a host of every router, whatever their domains are; write `spec.host` instead",
            Cut(subdomain)
        );
        claims.findings.add_whole(&"spec.subdomain", &message, &format_args!("subdomain={subdomain}"));
    }
    const POLICY: &str = "spec.wildcardPolicy";
    match &**wildcard_policy {
        "" | "None" => {}
        "Subdomain" => {
            // The host's first label is replaced by any other.
            let above = host.split_once('.').map_or("", |(_, above)| above);
            claims.host(&POLICY, "wildcard", &format!("*.{above}"));
        }
        other => {
            let message =
                format_args!("which hosts `{}` stands for is not known here; write `None`", Cut(other));
            claims.findings.add_whole(&POLICY, &message, &format_args!("wildcard policy {other} {host}"));
        }
    }
}
