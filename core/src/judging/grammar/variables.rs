//! Recognizes the variables of nginx, in values that ingress-nginx and NGINX Inc's controller write into its
//! configuration.

/// Lists the variables that every nginx knows, and those that ingress-nginx sets, in order.
///
/// Sources: <https://nginx.org/en/docs/varindex.html> and the template `rootfs/etc/nginx/template/nginx.tmpl` of
/// <https://github.com/kubernetes/ingress-nginx>. Those that only some modules or only some controllers have are left
/// out.
const KNOWN: [&str; 50] = [
    "args",
    "binary_remote_addr",
    "body_bytes_sent",
    "bytes_sent",
    "connection",
    "connection_requests",
    "content_length",
    "content_type",
    "document_root",
    "document_uri",
    "host",
    "hostname",
    "https",
    "is_args",
    "limit_rate",
    "msec",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_host",
    "proxy_port",
    "query_string",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_body",
    "request_completion",
    "request_filename",
    "request_id",
    "request_length",
    "request_method",
    "request_time",
    "request_uri",
    "scheme",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "ssl_cipher",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_s_dn",
    "ssl_client_serial",
    "ssl_client_verify",
    "ssl_protocol",
    "ssl_server_name",
    "ssl_session_id",
    "uri",
];

/// Lists the variables that ingress-nginx sets in each location, in order.
const OF_INGRESS_NGINX: [&str; 10] = [
    "best_http_host",
    "escaped_request_uri",
    "ingress_name",
    "location_path",
    "namespace",
    "pass_access_scheme",
    "proxy_upstream_name",
    "req_id",
    "service_name",
    "service_port",
];

/// Lists the beginnings of variables that exist with any end.
const BEGINNINGS: [&str; 4] = ["arg_", "cookie_", "http_", "sent_http_"];

/// Returns whether nginx knows every variable in `value`, and no `$` stands alone.
///
/// nginx refuses a configuration with a variable that it does not know.
pub(crate) fn are_variables_known(value: &str) -> bool {
    value.split('$').skip(1).all(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        rest.get(..end).is_some_and(|name| is_known(name) || is_capture(rest))
    })
}

fn is_known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
        || OF_INGRESS_NGINX.binary_search(&name).is_ok()
        || BEGINNINGS.iter().any(|start| name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()))
}

/// Returns whether a variable is a capture: nginx reads one digit, whatever follows.
fn is_capture(rest: &str) -> bool {
    rest.starts_with(|c: char| matches!(c, '1'..='9'))
}

/// Returns whether nginx accepts `value` as the replacement of a rewrite.
///
/// Captures behind or before a `?` are refused: nginx escapes them after it has measured them, and writes past the end
/// (CVE-2026-42945). So are steps to the parent directory (CVE-2025-14727).
pub(crate) fn is_rewrite(value: &str) -> bool {
    let has_capture = || value.split('$').skip(1).any(is_capture);
    are_variables_known(value)
        && !(value.contains('?') && has_capture())
        && !value.split(['/', '?']).any(|segment| segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order() {
        assert!(KNOWN.is_sorted() && OF_INGRESS_NGINX.is_sorted());
    }

    #[test]
    fn o11_variables_that_nginx_knows() {
        for value in [
            "",
            "/",
            "/$1",
            "/$2/a",
            "$request_uri",
            "https://$host$request_uri",
            "$http_x_user-a",
            "/$1$2",
            "$service_name.$namespace.svc.cluster.local",
            "$arg_a&b",
            "https://$http_host/?rd=$escaped_request_uri",
        ] {
            assert!(are_variables_known(value), "{value}");
        }
        for value in ["/$nosuchvar", "$", "/$/", "/$$1", "$0", "$http_", "$Host", "/$hosts", "$ä"] {
            assert!(!are_variables_known(value), "{value}");
        }
    }

    #[test]
    fn o11_replacements_that_nginx_survives() {
        for value in ["/$1", "/a?b=c", "/$1/x..y", "/$uri?x=$args"] {
            assert!(is_rewrite(value), "{value}");
        }
        for value in ["/$1?x=$2", "/a?x=$1", "/$nosuchvar", "/../../x", "/..", "/a/..?b"] {
            assert!(!is_rewrite(value), "{value}");
        }
    }
}
