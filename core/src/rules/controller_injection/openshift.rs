//! Judges the Route of OpenShift, whose router writes HAProxy's configuration and maps.

use crate::json::Escaped;
use crate::judging::Findings;
use crate::judging::grammar::{MAX_LENGTH, is_haproxy_value, is_header};
use crate::objects::gateway_api::{OpenShiftRouteSpec, RouteHeader};

pub(super) fn check(spec: &OpenShiftRouteSpec<'_>, findings: &mut Findings<'_>) {
    path(&spec.path, findings);
    let actions = &spec.http_headers.actions;
    for (direction, headers) in [("request", &actions.request), ("response", &actions.response)] {
        for (index, RouteHeader { name, action }) in headers.iter().enumerate() {
            let place = format_args!("spec.httpHeaders.actions.{direction}[{index}]");
            let value = &*action.set.value;
            if !is_header(name) {
                let message =
                    format_args!("`{}` is no name of a header; write letters, digits and `-`", Escaped(name));
                let identity = format_args!("{direction} header {name}");
                findings.add_whole(&format_args!("{place}.name"), &message, &identity);
            }
            if !is_haproxy_value(value) {
                let message = format_args!(
                    "`{}` has a control character, or a `%` with a meaning to HAProxy; write `%%` for one sign, or \
                     only `%[req.hdr(Name)]`, `%[res.hdr(Name)]` and `%[ssl_c_der,base64]`",
                    Escaped(value)
                );
                let identity = format_args!("{direction} header {name}={value}");
                findings.add_whole(&format_args!("{place}.action.set.value"), &message, &identity);
            }
        }
    }
}

/// Judges the path, which the router writes into expressions of HAProxy (CVE-2022-1677).
fn path(path: &str, findings: &mut Findings<'_>) {
    const PUNCTUATION: &str = "/-._~%!&()*+,=:@";
    let is_inner = |c: char| c.is_ascii_alphanumeric() || PUNCTUATION.contains(c);
    if !path.chars().all(is_inner) || path.len() > MAX_LENGTH {
        let message = format_args!(
            "`{}` has characters that could change the router's configuration; write only letters, digits and \
             `{PUNCTUATION}`",
            Escaped(path)
        );
        findings.add_whole(&"spec.path", &message, &format_args!("path={path}"));
    }
}
