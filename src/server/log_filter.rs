//! `/log-filter` on the ops port: prints the filter of the log, and changes it.
//!
//! INVARIANT: only a client in the pod itself is answered, such as `kubectl port-forward`: everybody in the cluster's
//! network may reach the ops port, tenants too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::shared::PeerAddress;
use crate::telemetry::LogFilter;

/// The longest list of directives, in bytes.
const LONGEST: usize = 4 << 10;

/// Headers that proxies add to the requests that they pass on.
const PROXIED: [&str; 3] = ["forwarded", "x-forwarded-for", "via"];

const FORBIDDEN: &str = "only 127.0.0.1 and ::1 may ask for the log filter, and no proxy: run `kubectl --namespace \
    partywall-system port-forward POD 8080` and ask http://localhost:8080/log-filter\n";
const NO_FILTER: &str =
    "the log of this process was not started by `partywall serve`, so its filter is unknown\n";

/// A status and what to say with it.
type Answer = (StatusCode, String);

/// Serves GET and PUT; a body must arrive within `time`.
pub(super) fn route(filter: Option<LogFilter>, time: Duration) -> MethodRouter {
    let shown = filter.clone();
    let show = async move |request: Request| match permitted(&request, shown.as_ref()) {
        Ok(filter) => print(filter),
        Err(refused) => refused,
    };
    get(show).put(async move |request: Request| match permitted(&request, filter.as_ref()) {
        Ok(filter) => change(filter, request.into_body(), time).await,
        Err(refused) => refused,
    })
}

/// Returns the filter if the client of a request may see and change it.
fn permitted<'f>(request: &Request, filter: Option<&'f LogFilter>) -> Result<&'f LogFilter, Answer> {
    let peer = request.extensions().get();
    if !peer.is_some_and(|PeerAddress(address)| is_in_the_pod(*address, request.headers())) {
        return Err((StatusCode::FORBIDDEN, FORBIDDEN.to_owned()));
    }
    filter.ok_or_else(|| (StatusCode::NOT_FOUND, NO_FILTER.to_owned()))
}

/// Returns whether a client is in the pod itself.
///
/// The sidecar of a service mesh is, too, and passes on what others ask: Istio's does so from 127.0.0.6.
fn is_in_the_pod(address: IpAddr, headers: &HeaderMap) -> bool {
    // On a socket for both families, IPv4 addresses arrive mapped to IPv6.
    let address = address.to_canonical();
    (address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST)
        && !PROXIED.iter().any(|name| headers.contains_key(*name))
}

/// Prints the filter in force.
fn print(filter: &LogFilter) -> Answer {
    match filter.directives() {
        Ok(directives) => (StatusCode::OK, format!("{directives}\n")),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// Changes the filter to the directives in a body.
async fn change(filter: &LogFilter, body: Body, time: Duration) -> Answer {
    let bytes = match timeout(time, Limited::new(body, LONGEST).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let problem =
                format!("the directives are longer than {LONGEST} bytes; the filter stays as it is\n");
            return (StatusCode::PAYLOAD_TOO_LARGE, problem);
        }
        Ok(Err(error)) => return (StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}\n")),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n".to_owned()),
    };
    let Ok(directives) = str::from_utf8(&bytes) else {
        return (StatusCode::BAD_REQUEST, "the body is no UTF-8; the filter stays as it is\n".to_owned());
    };
    match filter.change(directives) {
        Ok(()) => print(filter),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}; the filter stays as it is\n")),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_clients_in_the_pod_are_answered_and_no_proxy() {
        let mut headers = HeaderMap::new();
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.6", false),
            ("::ffff:127.0.0.6", false),
            ("10.0.0.7", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(is_in_the_pod(address.parse().unwrap(), &headers), expected, "{address}");
        }
        for name in PROXIED {
            headers.insert(name, HeaderValue::from_static("10.0.0.7"));
            assert!(!is_in_the_pod(Ipv4Addr::LOCALHOST.into(), &headers), "{name}");
            headers.clear();
        }
    }
}
